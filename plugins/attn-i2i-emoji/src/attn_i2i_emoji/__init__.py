"""The old name of the emoji task, which is part of attn-i2i-tasks now; it goes with the next release."""

from __future__ import annotations

import warnings
from typing import Any

_NAMES = {"Emoji": "Emoji", "Picture": "EmojiPicture", "make": "make_emoji"}


def __getattr__(name: str) -> Any:
    """What `attn_i2i_tasks` has under its own name."""
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from attn_i2i_tasks import emoji

    moved = f"attn_i2i_emoji.{name} is attn_i2i_tasks.emoji.{_NAMES[name]} now: install and import attn-i2i-tasks."
    warnings.warn(moved, DeprecationWarning, stacklevel=2)
    return getattr(emoji, _NAMES[name])
