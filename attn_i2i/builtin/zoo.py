"""The models that ship with the package, and those that it tells of: a card each, read when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..hookspecs import hookimpl

if TYPE_CHECKING:
    from ..registry import Zoo


@hookimpl
def register_components(zoo: Zoo) -> None:
    """Register every card of the package by its file, as a plugin would its own."""
    from ..models.places import shipped_models

    for path in sorted(shipped_models().glob("*.toml")):
        zoo.cards.add(path.stem, path)
