"""Videos in: MP4, QuickTime, Matroska and WebM through PyAV, frame by frame."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import IO, Any

import numpy as np

from ..images.decode import from_numbers, turned
from ..images.opening import check_size
from ..images.picture import PictureWarning
from ..types import UnreadableFileError
from .clip import ClipInfo, Colours, Frame, conversion, ignore
from .extra import load_av

COPIED = ("audio", "subtitle")
# How the names of pixel formats with transparency begin.
WITH_ALPHA = ("yuva", "gbra", "rgba", "bgra", "argb", "abgr", "ya8", "ya16")
UNTOLD_RATE = Fraction(25)  # frames a second, of a file that says neither times nor a rate
# The upper left of a display matrix, by its signs, and the orientation of EXIF that means the same.
ORIENTATIONS = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}
# Texts that a writer states anew.
OF_THE_FILE = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})
SIDEWAYS = frozenset({5, 6, 7, 8})


class Video:
    """The first video of a container, upright; ``close`` when done. Raises UnreadableFileError."""

    def __init__(self, file: IO[bytes], label: str, name: str, format: str, max_pixels: int) -> None:  # noqa: A002
        self.label = label
        self._container = load_av().open(file, mode="r", format=format)
        try:
            self._stream = self._chosen(max_pixels)
            self.tracks = [stream for stream in self._container.streams if stream.type in COPIED]
            self._tell_rest()
            self._held: list[Any] = []  # packets of other streams that lie before the first frame
            self._copy: Callable[[Any], None] = self._held.append
            self._source = self._decoded()
            first = next(self._source, None)
            if first is None:
                raise UnreadableFileError(f"{label} holds no frames: it is cut short or empty, so copy it again.")
            self._first = first
            self._orientation = _orientation(first, label)
            self.info = self._described(name, format)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file's container."""
        self._container.close()

    def frames(self, copy: Callable[[Any], None] = ignore) -> Iterator[Frame]:
        """Each frame once, as it is decoded; raises UnreadableFileError where one is damaged."""
        for packet in self._held:
            copy(packet)
        self._held, self._copy = [], copy
        waiting: tuple[Any, int, int] | None = None  # how long it is shown, the next one says
        for number, decoded in enumerate(self._all(), 1):
            before = waiting
            end = 0 if before is None else before[1] + (before[0].duration or self._usual())
            start = end if decoded.pts is None else decoded.pts
            if before is not None:
                start = max(start, before[1] + 1)  # a time that does not go on would be refused by every writer
                yield Frame(self._picture(before[0], before[2]), before[1], start - before[1])
            waiting = decoded, start, number
            del before, decoded
        if waiting is not None:
            yield Frame(self._picture(waiting[0], waiting[2]), waiting[1], self._last(waiting[0], waiting[1]))

    def _last(self, decoded: Any, start: int) -> int:
        """The duration of the last frame: an MP4 says where its video ends, and frames of others what they last."""
        if self._stream.duration:
            return max(1, (self._stream.start_time or 0) + self._stream.duration - start)
        return decoded.duration or self._usual()

    def _all(self) -> Iterator[Any]:
        first = self._first
        del self._first
        yield first
        del first
        yield from self._source

    def _decoded(self) -> Iterator[Any]:
        for packet in self._container.demux([self._stream, *self.tracks]):
            if packet.stream is self._stream:
                yield from packet.decode()
            elif packet.size:
                self._copy(packet)

    def _chosen(self, max_pixels: int) -> Any:
        """The first stream that is a video, and no picture of a cover."""
        streams = [stream for stream in self._container.streams.video if not _is_cover(stream)]
        if not streams:
            raise UnreadableFileError(f"{self.label} has no video stream: give a file with one.")
        context = streams[0].codec_context
        if context is None or not context.width or context.pix_fmt is None:
            raise UnreadableFileError(f"{self.label}: its video is damaged, or of a kind that is not decoded here.")
        check_size((context.width, context.height), self.label, max_pixels)
        streams[0].thread_type = "AUTO"
        return streams[0]

    def _tell_rest(self) -> None:
        """Say what of a clip does not come back."""
        streams = [stream for stream in self._container.streams if stream not in [self._stream, *self.tracks]]
        if streams:
            kinds = ", ".join(sorted({"a further video" if s.type == "video" else str(s.type) for s in streams}))
            _warn(
                f"{self.label}: streams that are neither its first video, sound nor subtitles are left out ({kinds})."
            )
        if _is_transparent(self._stream):
            _warn(f"{self.label}: the transparency of its video is left out.")

    def _described(self, name: str, format: str) -> ClipInfo:  # noqa: A002
        stream, context, frame = self._stream, self._stream.codec_context, self._first
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        height, width = frame.height, frame.width
        if self._orientation in SIDEWAYS:
            height, width, aspect = width, height, 1 / aspect
        self.size = height, width
        self.depth = max(component.bits for component in frame.format.components)
        matrix = int(frame.colorspace)
        colours = Colours(
            matrix,
            int(frame.color_range) or int(context.color_range),
            int(context.color_primaries),
            int(context.color_trc),
            conversion(matrix, frame.height),
        )
        self._matrix = None if frame.format.is_rgb else colours.converted
        seconds = None if stream.duration is None else float(stream.duration * stream.time_base)
        if seconds is None and self._container.duration:
            seconds = self._container.duration / load_av().time_base
        count = stream.frames or (seconds and stream.average_rate and round(seconds * stream.average_rate)) or None
        metadata = {key: text for key, text in self._container.metadata.items() if key.lower() not in OF_THE_FILE}
        return ClipInfo(
            name,
            format,
            self.size,
            stream.time_base,
            stream.average_rate,
            count,
            seconds,
            depth=self.depth,
            aspect=aspect,
            colours=colours,
            metadata=metadata,
        )

    def _usual(self) -> int:
        """The duration of a frame that states none."""
        rate = self._stream.average_rate or self._stream.base_rate or UNTOLD_RATE
        return max(1, round(1 / (rate * self._stream.time_base)))

    def _picture(self, frame: Any, number: int) -> Any:
        if frame.is_corrupt:
            raise UnreadableFileError(f"{self.label} is damaged at its frame {number}: copy it again, or cut it there.")
        rgb = frame.reformat(format="rgb48le" if self.depth > 8 else "rgb24", src_colorspace=self._matrix).to_ndarray()
        numbers = turned(rgb.transpose(2, 0, 1)[: 1 if frame.format.name.startswith("gray") else 3], self._orientation)
        if numbers.shape[1:] != self.size:
            height, width = numbers.shape[1:]
            was = f"{self.size[1]}x{self.size[0]}"
            raise UnreadableFileError(f"{self.label}: frame {number} is {width}x{height}, and those before {was}.")
        return from_numbers(np.ascontiguousarray(numbers), None, f"frame {number}")


def _is_cover(stream: Any) -> bool:
    disposition = getattr(stream, "disposition", 0)
    return "attached_pic" in str(disposition)


def _is_transparent(stream: Any) -> bool:
    marked = any(key.lower() == "alpha_mode" for key in stream.metadata)
    return marked or stream.codec_context.pix_fmt.startswith(WITH_ALPHA)


def _orientation(frame: Any, label: str) -> int:
    """How a frame has to be turned to be upright, as EXIF counts it."""
    for side in frame.side_data:
        if side.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = np.frombuffer(bytes(side), np.int32)[:5]
            signs = tuple(int(np.sign(part)) for part in (a, b, c, d))
            if signs in ORIENTATIONS:
                return ORIENTATIONS[signs]
            _warn(f"{label} says that it is turned by other than right angles, which is left out.")
    return 1


def _warn(message: str) -> None:
    warnings.warn(message, PictureWarning, stacklevel=4)
