"""APNG and animated WebP out, without loss, through PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from .clip import ClipInfo, Frame
from .extra import load_av
from .last_frame import end_apng, end_webp
from .pixels import bytes_of, check_size, check_time, plays_of, tell_silence

MILLISECONDS = Fraction(1, 1000)  # all that a WebP counts
ENCODERS = {"apng": "apng", "webp": "libwebp_anim"}
LONGEST = {"apng": Fraction(65535), "webp": (2**24 - 1) * MILLISECONDS}  # seconds of a frame: 16 bits, and 24
MOST_PLAYS = 65535  # of a WebP, and of FFmpeg's APNG
PLAYS = {"apng": "plays", "webp": "loop"}
PIXELS = {"apng": ("rgb24", "rgba"), "webp": ("bgra", "bgra")}  # opaque, and with transparency
# Method 4 of 6 is WebP's own compromise between time and size.
OPTIONS: dict[str, dict[str, str]] = {"apng": {}, "webp": {"lossless": "1", "compression_level": "4"}}


class AnimationWriter:
    """Writes frames into ``temporary``, a file that becomes ``target``."""

    def __init__(self, target: Path, temporary: Path, kind: str, info: ClipInfo, tracks: Sequence[Any]) -> None:
        tell_silence(tracks, target)
        self.target, self.temporary, self.kind, self.info = target, temporary, kind, info
        self.time_base = MILLISECONDS if kind == "webp" else info.time_base
        self._start = self._end = 0  # of the last frame
        self._first: int | None = None  # where the clip's first frame starts: an animation starts at once
        self._pixels = PIXELS[kind][info.alpha]
        options = {PLAYS[kind]: str(plays_of(info, MOST_PLAYS, target))}
        self._container = load_av().open(str(temporary.absolute()), mode="w", format=kind, options=options)
        self._stream = self._container.add_stream(ENCODERS[kind], options=OPTIONS[kind])
        context = self._stream.codec_context
        context.height, context.width = info.size
        context.pix_fmt, context.time_base = self._pixels, self.time_base
        self._stream.time_base = self.time_base

    def write(self, frame: Frame) -> None:
        """Encode a frame."""
        check_size(frame.picture, self.info.size, self.target)
        if self._first is None:
            self._first = frame.start
        start = frame.start - self._first
        self._start = max(self._ticks(start), self._end)
        # A frame without a duration is shown for the shortest time that there is: times have to go on.
        self._end = max(self._ticks(start + frame.duration), self._start + 1)
        check_time((self._end - self._start) * self.time_base, LONGEST[self.kind], self.target)
        alpha = self.info.alpha
        pixels = load_av().VideoFrame.from_ndarray(bytes_of(frame.picture, alpha), format="rgba" if alpha else "rgb24")
        if pixels.format.name != self._pixels:
            pixels = pixels.reformat(format=self._pixels)
        pixels.pts, pixels.time_base, pixels.duration = self._start, self.time_base, self._end - self._start
        self._mux(self._stream.encode(pixels))

    def copy(self, packet: Any) -> None:
        """An animation has no sound."""

    def finish(self) -> None:
        """Write the end of the file, which says how long the last frame is shown: FFmpeg guesses that."""
        self._mux(self._stream.encode(None))
        self._container.close()
        if self.kind == "webp":
            end_webp(self.temporary, self._end)
        else:
            end_apng(self.temporary, (self._end - self._start) * self.time_base)

    def close(self) -> None:
        """Let the file go, finished or not."""
        self._container.close()

    def _mux(self, packets: Sequence[Any]) -> None:
        for packet in packets:
            self._container.mux(packet)

    def _ticks(self, place: int) -> int:
        return round(place * self.info.time_base / self.time_base)
