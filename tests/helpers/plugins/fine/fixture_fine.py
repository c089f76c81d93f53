"""A plugin in order: a generator, a command and a mirror."""

from __future__ import annotations

from pathlib import Path

import typer

from attn_i2i import hookimpl
from attn_i2i.registry import Zoo


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("fine", "attn_i2i.builtin.cyclegan.networks:generator")


@hookimpl
def register_commands(app: typer.Typer) -> None:
    @app.command()
    def hello() -> None:
        """Say hello."""
        print("hello")


@hookimpl
def fetch_file(repo: str, filename: str) -> Path | None:
    return None
