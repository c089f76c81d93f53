"""Small clips: frames that are known, with their times, sounds and transparency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from attn_i2i.video import Encoding, Frame, open_clip, write_clip

TICKS = Fraction(1, 12_800)  # a unit of time that MP4 keeps as it is
STEPS = (512, 1024, 256)  # of frames that do not come at one rate
VIDEOS = {
    ".mp4": {"sound": "aac"},
    ".mov": {"sound": "aac"},
    ".mkv": {"sound": "aac"},
    ".webm": {"codec": "libvpx-vp9", "sound": "libopus", "options": {"deadline": "realtime"}},
}


def square(number: int, size: tuple[int, int] = (32, 48)) -> np.ndarray[Any, Any]:
    """Frame ``number`` of a bright square that moves a pixel to the right and one down over a slope of grey."""
    height, width = size
    frame = np.repeat(np.linspace(40, 120, width).astype(np.uint8)[None, :, None], height, 0).repeat(3, 2)
    frame[4 + number : 14 + number, 6 + number : 18 + number] = (230, 60, 40)
    return frame


def write_video(
    path: str | Path,
    frames: Iterable[np.ndarray[Any, Any]],
    *,
    steps: Sequence[int] = STEPS,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    sound: str | None = None,
    options: dict[str, str] | None = None,
    aspect: Fraction = Fraction(1),
    title: str = "",
) -> Path:
    """Write frames (H, W, 3) as a video whose times go by ``steps`` of TICKS."""
    with av.open(str(path), "w") as out:
        out.metadata.update({"title": title} if title else {})
        stream = out.add_stream(codec, options={"bf": "0"} | (options or {}) if codec == "libx264" else options or {})
        voice = out.add_stream(sound, rate=48_000) if sound else None
        start = 0
        for number, frame in enumerate(frames):
            if not number:
                stream.height, stream.width, stream.pix_fmt = *frame.shape[:2], pixels
                stream.codec_context.time_base = TICKS
                stream.codec_context.sample_aspect_ratio = aspect
            shape = "rgb48le" if frame.dtype == np.uint16 else "rgb24"
            picture = av.VideoFrame.from_ndarray(frame, format=shape).reformat(format=pixels)
            picture.pts, picture.time_base = start, TICKS
            picture.duration = steps[number % len(steps)]
            start += picture.duration
            out.mux(stream.encode(picture))
        if voice is not None:
            _speak(out, voice)
        out.mux(stream.encode(None))
    return Path(path)


def write_sound(path: Path) -> None:
    """Write a container without any picture."""
    with av.open(str(path), "w") as out:
        _speak(out, out.add_stream("aac", rate=48_000))


def _speak(out: Any, voice: Any) -> None:
    for number in range(8):
        wave = np.sin((np.arange(960) + 960 * number) / 17).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 48_000, 960 * number
        out.mux(voice.encode(frame))
    out.mux(voice.encode(None))


def write_animation(path: str | Path, frames: Sequence[np.ndarray[Any, Any]], durations: list[int], loop: int) -> Path:
    """Write frames (H, W, 4) as an animation by Pillow; ``durations`` are milliseconds."""
    images = [Image.fromarray(frame) for frame in frames]
    options: dict[str, Any] = {"lossless": True, "exact": True} if Path(path).suffix == ".webp" else {"disposal": 2}
    if Path(path).suffix in (".png", ".apng"):
        options = {"format": "PNG", "default_image": False}
    images[0].save(path, save_all=True, append_images=images[1:], duration=durations, loop=loop, **options)
    return Path(path)


def read_frames(path: str | Path) -> tuple[np.ndarray[Any, Any], list[tuple[int, int]]]:
    """All frames (T, C, H, W) of a clip in 8 bits, with their transparency, and when each is shown."""
    pixels, times = [], []
    with open_clip(path) as clip:
        for frame in clip.frames():
            alpha = [] if frame.picture.alpha is None else [(frame.picture.alpha * 255).round().byte().numpy()]
            colours = (frame.picture.rgb * 255).round().byte().numpy()
            pixels.append(np.concatenate([colours, *alpha]))
            times.append((frame.start, frame.duration))
    return np.stack(pixels), times


def sounds(path: str | Path) -> list[tuple[int, bytes]]:
    """The packets of a clip's first sound: when each is heard, and its bytes."""
    with av.open(str(path)) as file:
        return [(packet.pts, bytes(packet)) for packet in file.demux(audio=0) if packet.size]


def copied(
    source: Path,
    target: Path,
    encoding: Encoding = Encoding(),  # noqa: B008  # a constant
    force: bool = False,
    each: Callable[[Frame], None] = lambda frame: None,
) -> Path:
    """The clip ``source`` read and written frame by frame."""
    with (
        open_clip(source) as clip,
        write_clip(target, clip.info, tracks=clip.tracks, encoding=encoding, force=force) as writer,
    ):
        for frame in clip.frames(writer.copy):
            writer.write(frame)
            each(frame)
    return target
