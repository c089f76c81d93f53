"""Emoji in four drawing styles over random backgrounds: an unpaired task with exact masks and paired truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .folders import make
    from .scenes import Emoji, Picture

__all__ = ["Emoji", "Picture", "make"]


def __getattr__(name: str) -> Any:
    """Import what is asked for now, so that finding the plugin imports neither numpy nor Pillow."""
    if name == "make":
        from .folders import make

        return make
    if name in __all__:
        from . import scenes

        return getattr(scenes, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
