"""What this distribution adds to attn_i2i."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_i2i.hookspecs import hookimpl

if TYPE_CHECKING:
    from attn_i2i.registry import Zoo


@hookimpl
def register_components(zoo: Zoo) -> None:
    """Add the recipes that learn from models."""
    zoo.recipes.add("attentiongan2-distilled", "attn_i2i_distill.distilled:attentiongan2_distilled")
    zoo.recipes.add("attentiongan2-backtranslated", "attn_i2i_distill.backtranslated:attentiongan2_backtranslated")
