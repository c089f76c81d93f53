"""GIFs out, frame by frame: Pillow compresses each, and nothing is kept of the frames before."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import GifImagePlugin, Image

from ..types import ShapeError
from .clip import FOREVER, ClipInfo, Frame
from .pixels import bytes_of, check_size, check_time, plays_of, tell_silence

COLOURS = 255  # of a frame's palette; the last of 256 places is for what is transparent
OPAQUE = 128  # a GIF knows no half transparency: below this a pixel is not seen
CLEARED = 2  # each frame is taken away before the next, so that transparent pixels show none before
HUNDREDTHS = 100  # units of time in a second
LONGEST_SIDE = LONGEST_TIME = 65535  # sides, and hundredths of a frame, are 16 bits in the format
MOST_PLAYS = 65536  # as are repetitions after the first time


class GifWriter:
    """Writes frames, each with a palette of its own, into ``temporary``, a file that becomes ``target``."""

    def __init__(self, target: Path, temporary: Path, info: ClipInfo, tracks: Sequence[Any]) -> None:
        if max(info.size) > LONGEST_SIDE:
            raise ShapeError(f"{target}: a GIF holds {LONGEST_SIDE} pixels a side at most.")
        tell_silence(tracks, target)
        self.target, self.info = target, info
        self._plays = plays_of(info, MOST_PLAYS, target)
        self._file: IO[bytes] = temporary.open("wb")
        self._end = 0  # in hundredths, so that rounded durations do not add up to another length
        self._write_header()

    def write(self, frame: Frame) -> None:
        """Compress a frame."""
        check_size(frame.picture, self.info.size, self.target)
        end = round(Fraction(frame.start + frame.duration) * self.info.time_base * HUNDREDTHS)
        begin = self._end if self._end else round(Fraction(frame.start) * self.info.time_base * HUNDREDTHS)
        check_time(Fraction(end - begin, HUNDREDTHS), Fraction(LONGEST_TIME, HUNDREDTHS), self.target)
        image = paletted(bytes_of(frame.picture, alpha=True))
        parts = GifImagePlugin.getdata(
            image,
            duration=10 * max(0, end - begin),
            disposal=CLEARED,
            transparency=COLOURS,
            include_color_table=True,
        )
        self._end = end
        for part in parts:
            self._file.write(part)

    def copy(self, packet: Any) -> None:
        """A GIF has no sound."""

    def finish(self) -> None:
        """Write the end of the file."""
        self._file.write(b";")

    def close(self) -> None:
        """Let the file go, finished or not."""
        self._file.close()

    def _write_header(self) -> None:
        height, width = self.info.size
        self._file.write(b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + b"\x70\0\0")
        if self._plays != 1:  # repetitions after the first time, 0 for ever
            again = FOREVER if self._plays == FOREVER else self._plays - 1
            self._file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01" + again.to_bytes(2, "little") + b"\0")


def paletted(pixels: np.ndarray[Any, Any]) -> Image.Image:
    """(H, W, 4) with at most 255 colours and a place for what is transparent; fewer colours stay as they are."""
    clear = pixels[..., 3] < OPAQUE
    colours = Image.fromarray(np.where(clear[..., None], 0, pixels[..., :3]).astype(np.uint8))
    few = colours.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    places = np.asarray(few).copy()
    places[clear] = COLOURS
    image = Image.frombytes("P", few.size, places.tobytes())
    palette = (few.getpalette() or [])[: 3 * COLOURS]
    image.putpalette(palette + [0] * (3 * 256 - len(palette)))
    return image
