"""Emoji in four drawing styles over random backgrounds: exact masks, and paired truth for the test glyphs."""

from __future__ import annotations

from .folders import make_emoji as make_emoji
from .scenes import Emoji as Emoji
from .scenes import EmojiPicture as EmojiPicture
