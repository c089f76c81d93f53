"""How clips are compressed: codecs, quality, and the pixel formats that hold a frame's size, depth and colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..types import ConfigError
from .clip import ClipInfo
from .formats import VIDEOS, format_of

# Of x264's 0 (lossless) to 51: what its makers call visually lossless. libvpx counts to 63, and x265 saves more.
CRF = {"h264": 18, "hevc": 20, "vp9": 24}
RGB_MATRIX = 0  # of ITU-T H.273


class Codec(NamedTuple):
    """An encoder of FFmpeg: formats that hold it, its pixel formats, and its options with and without loss.

    ``odd`` says that it takes frames of odd sizes with halved colours.
    """

    encoder: str
    formats: frozenset[str]
    pixels: str
    deep: str | None
    exact: str
    exact_options: dict[str, str]
    options: dict[str, str]
    odd: bool = False
    exact_encoder: str | None = None


# Frames in the order they are shown (bf, bframes): their times and durations are then those that were written.
CODECS = {
    "h264": Codec(
        "libx264",
        frozenset({"mp4", "mov", "matroska"}),
        "yuv420p",
        "yuv420p10le",
        "rgb24",
        {"qp": "0", "bf": "0"},
        {"bf": "0"},
        exact_encoder="libx264rgb",
    ),
    "hevc": Codec(
        "libx265",
        frozenset({"mp4", "mov", "matroska"}),
        "yuv420p",
        "yuv420p10le",
        "gbrp",
        {"x265-params": "log-level=error:bframes=0:lossless=1"},
        {"x265-params": "log-level=error:bframes=0"},
    ),
    "vp9": Codec(
        "libvpx-vp9",
        frozenset({"webm", "matroska", "mp4"}),
        "yuv420p",
        None,
        "gbrp",
        {"lossless": "1", "row-mt": "1"},
        {"b:v": "0", "row-mt": "1", "cpu-used": "2", "auto-alt-ref": "0"},
        odd=True,
    ),
    "ffv1": Codec("ffv1", frozenset({"matroska"}), "bgr0", "rgb48le", "bgr0", {"level": "3"}, {"level": "3"}),
}
USUAL = {"mp4": "h264", "mov": "h264", "matroska": "h264", "webm": "vp9"}
USUAL_EXACT = USUAL | {"matroska": "ffv1"}


@dataclass(frozen=True)
class Encoding:
    """How a video is compressed. ``crf`` is the quality, lower is better; ``lossless`` keeps every pixel.

    ``codec`` is h264, hevc, vp9 or ffv1; without one the format's usual one is taken. Animations are not concerned:
    APNG and WebP are written without loss, and a GIF has 255 colours a frame. Raises ConfigError.
    """

    codec: str | None = None
    crf: int | None = None
    lossless: bool = False

    def __post_init__(self) -> None:
        if self.codec is not None and self.codec not in CODECS:
            raise ConfigError(f"codec={self.codec!r} was given: expected one of {', '.join(CODECS)}.")
        if self.crf is not None and (isinstance(self.crf, bool) or not 0 <= self.crf <= 63):
            raise ConfigError(f"crf={self.crf!r} was given: expected a number from 0 (best) to 63, such as 18.")
        if self.crf is not None and (self.lossless or self.codec == "ffv1"):
            raise ConfigError("crf sets how much is lost, and nothing is (lossless): leave one of them out.")

    def check(self, target: Path) -> None:
        """Raise ConfigError where a file of this name cannot be written so."""
        kind = format_of(target)
        if target.suffix.lower() not in VIDEOS:
            if self != Encoding():
                raise ConfigError(
                    f"{target} is an animation, and only videos have codec=NAME, crf=N and lossless=True: leave them"
                    " out."
                )
            return
        name = self.name(kind)
        if kind not in CODECS[name].formats:
            fitting = ", ".join(codec for codec, part in CODECS.items() if kind in part.formats)
            raise ConfigError(f"{target}: {name} is not written into {target.suffix}: use {fitting}, or .mkv.")

    def name(self, kind: str) -> str:
        """The codec for a format."""
        return self.codec or (USUAL_EXACT if self.lossless else USUAL)[kind]

    def settings(self, target: Path, info: ClipInfo) -> EncoderSettings:
        """What an encoder is told for frames of such a clip."""
        name = self.name(format_of(target))
        codec = CODECS[name]
        if self.lossless or name == "ffv1":
            pixels = codec.deep if info.depth > 8 and name == "ffv1" else codec.exact
            assert pixels is not None
            return EncoderSettings(codec.exact_encoder or codec.encoder, pixels, dict(codec.exact_options))
        pixels = codec.deep if info.depth > 8 and codec.deep else codec.pixels
        if not codec.odd and any(side % 2 for side in info.size):
            pixels = pixels.replace("420", "444")  # halved colours need even sides
        crf = str(CRF[name] if self.crf is None else self.crf)
        return EncoderSettings(codec.encoder, pixels, {"crf": crf, **codec.options})


class EncoderSettings(NamedTuple):
    """An encoder, the pixel format it is fed, and its options."""

    encoder: str
    pixels: str
    options: dict[str, str]

    @property
    def is_rgb(self) -> bool:
        """Whether frames go in without being converted to brightness and colours."""
        return not self.pixels.startswith("yuv")

    @property
    def depth(self) -> int:
        """Bits of a channel that come back."""
        return 16 if "48" in self.pixels else 10 if "10" in self.pixels else 8

    def apply(self, context: Any, info: ClipInfo) -> None:
        """Set up an encoder's context for frames of such a clip."""
        context.height, context.width = info.size
        context.pix_fmt = self.pixels
        context.time_base = info.time_base
        context.sample_aspect_ratio = info.aspect
        colours = info.colours
        context.color_primaries, context.color_trc = colours.primaries, colours.transfer
        if self.is_rgb:
            context.colorspace = RGB_MATRIX
        else:
            context.colorspace, context.color_range = colours.matrix, colours.range
