"""A command under its old name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import typer


def renamed(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with one line before it that names the new command."""

    @wraps(command)
    def run(*arguments: object, **options: object) -> None:
        typer.echo("attn-i2i emoji is `attn-i2i task emoji` now.", err=True)
        command(*arguments, **options)

    return run
