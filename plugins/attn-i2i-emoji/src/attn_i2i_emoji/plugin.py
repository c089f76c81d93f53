"""The old command ``attn-i2i emoji``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_i2i.hookspecs import hookimpl

if TYPE_CHECKING:
    import typer


@hookimpl
def register_commands(app: typer.Typer) -> None:
    """Add ``attn-i2i emoji``, which says that it is ``attn-i2i task emoji`` now."""
    from attn_i2i_tasks.command import emoji

    from .command import renamed

    app.command("emoji", deprecated=True)(renamed(emoji))
