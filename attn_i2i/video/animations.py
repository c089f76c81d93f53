"""Animations in: GIF, APNG and WebP through Pillow, which shows each frame as a viewer would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import IO, Any

import numpy as np

from ..images.decode import GREY_MODES, from_numbers
from ..images.deep_png import is_deep
from ..images.opening import open_image
from ..types import UnreadableFileError
from .clip import ClipInfo, Frame, ignore
from .pixels import tell

# Units of time that hold what a format says: a GIF hundredths, WebP milliseconds. An APNG states fractions, and 90 kHz
# holds 24, 25, 30, 50 and 60 frames a second.
TIME_BASES = {"gif": Fraction(1, 100), "webp": Fraction(1, 1000), "apng": Fraction(1, 90_000)}
FORMATS = {"GIF": "gif", "PNG": "apng", "WEBP": "webp"}
# What a file may hold beside its frames, and Pillow's names for it.
BESIDE = {"a colour profile": "icc_profile", "EXIF": "exif", "XMP": "xmp"}
TRAILER = b";"  # the last byte of a GIF


class Animation:
    """An animation in an open file. Raises UnreadableFileError, also for a still picture."""

    tracks = ()

    def __init__(self, file: IO[bytes], label: str, name: str, max_pixels: int) -> None:
        self.label = label
        self._image = open_image(file, label, max_pixels)
        kind = FORMATS.get(self._image.format or "")
        if kind is None or not getattr(self._image, "is_animated", False):
            raise UnreadableFileError(f"{label} is a still picture, not an animation: translate it as one.")
        if kind == "gif" and not _ends_well(file):
            raise UnreadableFileError(f"{label} is cut short: the mark at the end of a GIF is missing.")
        if is_deep(self._image) or self._image.mode.startswith("I"):
            raise UnreadableFileError(f"{label} has 16 bits a channel, which are not read: save it in 8 bits.")
        if beside := [what for what, key in BESIDE.items() if self._image.info.get(key)]:
            tell(f"{label}: what lies beside its frames is left out ({', '.join(beside)}).")
        self._grey = kind == "apng" and self._image.mode in GREY_MODES
        # A PNG may hold a picture for those who cannot show animations, which is no frame.
        self._first = 1 if self._image.info.get("default_image") else 0
        self._image.seek(self._first)
        width, height = self._image.size
        loop = self._image.info.get("loop")
        self.info = ClipInfo(
            name,
            kind,
            (height, width),
            TIME_BASES[kind],
            count=int(getattr(self._image, "n_frames", 1)) - self._first,
            plays=_plays(loop, kind),
            alpha=self._has_alpha(),
        )

    def close(self) -> None:
        """Nothing is to be closed but the file, which is the caller's."""

    def frames(self, copy: Callable[[Any], None] = ignore) -> Iterator[Frame]:
        """Each frame once, as it is decoded; raises UnreadableFileError where one is damaged."""
        start = 0
        count = self.info.count or 0
        for number in range(count):
            try:
                self._image.seek(self._first + number)
                self._image.load()
            except (EOFError, OSError, SyntaxError, ValueError) as error:
                raise UnreadableFileError(f"{self.label} is damaged or cut short at its frame {number + 1}.") from error
            milliseconds = Fraction(self._image.info.get("duration") or 0).limit_denominator(10_000)
            duration = round(milliseconds / 1000 / self.info.time_base)
            colours = 1 if self._grey else 3
            pixels = np.array(self._image.convert("RGBA" if self.info.alpha else "RGB")).transpose(2, 0, 1)
            alpha = pixels[3:] if self.info.alpha else None
            yield Frame(from_numbers(pixels[:colours], alpha, f"frame {number + 1}"), start, duration)
            start += duration

    def _has_alpha(self) -> bool:
        """Whether any frame may be transparent; of a GIF, whose frames say so one by one, all are taken to be."""
        return self._image.format == "GIF" or self._image.has_transparency_data


def _plays(loop: int | None, kind: str) -> int:
    """How often an animation is shown, 0 for ever; a GIF counts repetitions after the first time."""
    if kind != "gif":
        return loop or 0
    return 1 if loop is None else loop + 1 if loop else 0


def _ends_well(file: IO[bytes]) -> bool:
    """Whether a GIF has its last byte; some programs fill up with zeros behind it."""
    place = file.tell()
    file.seek(0, 2)
    file.seek(max(0, file.tell() - 1024))
    tail = file.read()
    file.seek(place)
    return tail.rstrip(b"\0").endswith(TRAILER)
