"""Unpaired translation tasks: emoji, fruit over textures, shop photographs, fluorescent nuclei."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .emoji import Emoji as Emoji
    from .emoji import make_emoji as make_emoji
    from .fruit import Fruit as Fruit
    from .fruit import make_fruit as make_fruit
    from .nuclei import Nuclei as Nuclei
    from .nuclei import make_nuclei as make_nuclei
    from .shop import make_shop as make_shop

_HOMES = {
    "Emoji": "emoji",
    "Fruit": "fruit",
    "Nuclei": "nuclei",
    "make_emoji": "emoji",
    "make_fruit": "fruit",
    "make_nuclei": "nuclei",
    "make_shop": "shop",
}
__all__ = ["Emoji", "Fruit", "Nuclei", "make_emoji", "make_fruit", "make_nuclei", "make_shop"]


def __getattr__(name: str) -> Any:
    """Import what is asked for now, so that finding the plugin imports neither numpy nor Pillow."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
