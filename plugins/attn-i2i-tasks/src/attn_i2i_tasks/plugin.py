"""What this distribution adds to attn_i2i."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_i2i.hookspecs import hookimpl

if TYPE_CHECKING:
    import typer


@hookimpl
def register_commands(app: typer.Typer) -> None:
    """Add ``attn-i2i task``."""
    from .command import tasks

    app.add_typer(tasks, name="task")
