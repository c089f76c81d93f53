"""Which files are clips: videos by their names, animations by what they hold."""

from __future__ import annotations

from pathlib import Path

from ..images.opening import open_image, opened_file
from ..types import AttnI2IError, ConfigError

# Extensions of videos, and the format that is written under each.
VIDEOS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".webm": "webm", ".mkv": "matroska"}
# Extensions that may be pictures or animations.
ANIMATIONS = {".gif": "gif", ".png": "apng", ".apng": "apng", ".webp": "webp"}
CLIPS = VIDEOS | ANIMATIONS
PNG, GIF, RIFF, EBML = b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF", b"\x1aE\xdf\xa3"
# Boxes that an MP4 or QuickTime file begins with; the second four bytes name it.
BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
ANIMATED_WEBP = 0x02  # the flag in its extended header


def is_video(path: Path) -> bool:
    """Whether a file of this name is a video; hidden files, such as ``._a.mp4``, never are."""
    return path.suffix.lower() in VIDEOS and not path.name.startswith(".")


def is_clip(path: Path) -> bool:
    """Whether a file is a video, by its name, or an animation, by its content; a still picture is none."""
    return is_video(path) or (path.suffix.lower() in ANIMATIONS and is_animation(path))


def is_animation(path: Path) -> bool:
    """Whether a file is a GIF, PNG or WebP of several frames; False for one that cannot be read."""
    from PIL import Image

    try:
        with opened_file(path) as file:
            head = file.read(64)
            if head.startswith(PNG):
                return _has_animation_chunk(head + file.read(4096))
            if head.startswith(RIFF):
                return head[12:16] == b"VP8X" and bool(head[20] & ANIMATED_WEBP)
            if not head.startswith(GIF):
                return False
            file.seek(0)
            image: Image.Image = open_image(file, path.name, max_pixels=2**62)
            return bool(getattr(image, "is_animated", False))
    except (AttnI2IError, OSError, SyntaxError, ValueError, EOFError):
        return False


def _has_animation_chunk(head: bytes) -> bool:
    """Whether a PNG announces an animation, which it does before its first pixels."""
    place = len(PNG)
    while place + 8 <= len(head):
        kind = head[place + 4 : place + 8]
        if kind in (b"acTL", b"IDAT"):
            return kind == b"acTL"
        place += 12 + int.from_bytes(head[place : place + 4], "big")
    return False


def format_of(target: Path) -> str:
    """The format that a file of this name is written in: mp4, mov, webm, matroska, gif, apng or webp.

    Raises ConfigError for an extension that names none.
    """
    try:
        return CLIPS[target.suffix.lower()]
    except KeyError:
        names = ", ".join(CLIPS)
        raise ConfigError(
            f"{target}: clips are not written as {target.suffix or 'a file without an ending'}: use {names}."
        ) from None
