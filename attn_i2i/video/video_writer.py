"""Videos out, through PyAV: one stream is encoded, all others are copied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..types import ConfigError
from .clip import FULL_RANGE, ClipInfo, Frame
from .encoding import Encoding
from .extra import load_av
from .formats import format_of
from .pixels import check_opaque, check_size, numbers_of, tell

# The index of an MP4 goes to its front, so that a browser can play it while it comes.
OPTIONS = {"mp4": {"movflags": "+faststart"}, "mov": {"movflags": "+faststart"}}


class VideoWriter:
    """Writes frames of one size with their times into ``temporary``, a file that becomes ``target``."""

    def __init__(
        self, target: Path, temporary: Path, info: ClipInfo, tracks: Sequence[Any], encoding: Encoding
    ) -> None:
        self.target, self.info = target, info
        kind = format_of(target)
        self.settings = encoding.settings(target, info)
        self._tell_depth()
        options = OPTIONS.get(kind, {})
        self._container = load_av().open(str(temporary.absolute()), mode="w", format=kind, options=options)
        self._durations: dict[int, int] = {}  # of frames that the encoder has not given back
        try:
            self._container.metadata.update(info.metadata)
            self._stream = self._encoder()
            self._copies = {track.index: self._copied(track) for track in tracks}
        except BaseException:
            self.close()
            raise

    def write(self, frame: Frame) -> None:
        """Encode a frame."""
        check_size(frame.picture, self.info.size, self.target)
        check_opaque(frame.picture, self.target)
        deep = self.settings.depth > 8
        pixels = numbers_of(frame.picture, deep)
        encoded = load_av().VideoFrame.from_ndarray(pixels, format="rgb48le" if deep else "rgb24")
        if not self.settings.is_rgb:
            colours = self.info.colours
            ranges = {"dst_color_range": FULL_RANGE} if colours.range == FULL_RANGE else {}
            encoded = self._reformatter.reformat(
                encoded, format=self.settings.pixels, dst_colorspace=colours.converted, **ranges
            )
            encoded.colorspace = colours.matrix
        elif self.settings.pixels not in ("rgb24", "rgb48le"):
            encoded = encoded.reformat(format=self.settings.pixels)
        encoded.pts, encoded.time_base, encoded.duration = frame.start, self.info.time_base, frame.duration
        self._durations[frame.start] = frame.duration
        self._mux(self._stream.encode(encoded))

    def copy(self, packet: Any) -> None:
        """Write a packet of another stream as it is."""
        if packet.stream.index in self._copies:
            packet.stream = self._copies[packet.stream.index]
            self._container.mux(packet)

    def finish(self) -> None:
        """Write what the encoder still holds, and the end of the file."""
        self._mux(self._stream.encode(None))
        self._container.close()

    def close(self) -> None:
        """Let the file go, finished or not."""
        self._container.close()

    def _mux(self, packets: Sequence[Any]) -> None:
        for packet in packets:
            duration = self._durations.pop(packet.pts, None)
            if duration is not None:
                packet.duration = duration
            self._container.mux(packet)

    def _encoder(self) -> Any:
        try:
            stream = self._container.add_stream(
                self.settings.encoder, rate=self.info.rate, options=self.settings.options
            )
        except ValueError as error:
            raise ConfigError(f"This PyAV has no encoder {self.settings.encoder}: choose another codec.") from error
        self.settings.apply(stream.codec_context, self.info)
        stream.time_base = self.info.time_base
        self._reformatter = load_av().video.reformatter.VideoReformatter()
        return stream

    def _copied(self, track: Any) -> Any:
        name = track.codec_context.codec.name
        try:
            copy = self._container.add_stream_from_template(track)
        except ValueError as error:
            raise ConfigError(
                f"{self.target}: {self.target.suffix} does not hold {track.type} of the kind {name}: use the input's"
                " own format, or .mkv."
            ) from error
        copy.metadata.update(track.metadata)
        return copy

    def _tell_depth(self) -> None:
        if self.info.depth > self.settings.depth:
            depths = f"{self.info.depth} bits a channel become {self.settings.depth}"
            tell(f"{self.target}: {depths}: a .mkv, of codec='hevc' or lossless, keeps them.")
