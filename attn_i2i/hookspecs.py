"""The whole plugin contract: three hooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import typer

    from .registry import Zoo

hookspec = pluggy.HookspecMarker("attn_i2i")
hookimpl = pluggy.HookimplMarker("attn_i2i")


@hookspec(historic=True)
def register_components(zoo: Zoo) -> None:
    """Add generators, discriminators, heads, losses, recipes, converters, cards, data sets or measures to ``zoo``."""


@hookspec(historic=True)
def register_commands(app: typer.Typer) -> None:
    """Add subcommands to the ``attn-i2i`` command."""


@hookspec(firstresult=True)
def fetch_file(repo: str, filename: str, revision: str | None) -> Path | None:
    """Return a local path for a file of a Hub repository, or None to let the next plugin, then the Hub, answer."""
