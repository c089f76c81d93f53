"""The models that the package tells of, a card each, and the papers' data sets; each is read when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..hookspecs import hookimpl
from ..models.places import shipped_models

if TYPE_CHECKING:
    from ..registry import Zoo


@hookimpl
def register_components(zoo: Zoo) -> None:
    """Register every card and data set of the package by its file, as a plugin would its own."""
    for path in sorted(shipped_models().glob("*.toml")):
        zoo.cards.add(path.stem, path)
    for path in sorted((shipped_models() / "data").glob("*.toml")):
        zoo.datasets.add(path.stem, path)
