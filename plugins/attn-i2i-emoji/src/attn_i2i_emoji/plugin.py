"""What this distribution adds to attn_i2i."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_i2i.hookspecs import hookimpl

if TYPE_CHECKING:
    import typer
    from attn_i2i.registry import Zoo


@hookimpl
def register_components(zoo: Zoo) -> None:
    """Add the recipes that the shipped AttentionGAN II ends with."""
    zoo.recipes.add("attentiongan2-distilled", "attn_i2i_emoji.distilled:attentiongan2_distilled")
    zoo.recipes.add("attentiongan2-backtranslated", "attn_i2i_emoji.backtranslated:attentiongan2_backtranslated")


@hookimpl
def register_commands(app: typer.Typer) -> None:
    """Add ``attn-i2i emoji``."""
    from .command import emoji

    app.command()(emoji)
