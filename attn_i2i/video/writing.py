"""Clips out: frames are encoded as they come, sounds and subtitles are copied packet by packet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from ..arguments import typed
from ..files import WriteError, atomic_path
from .animation_writer import AnimationWriter
from .clip import ClipInfo, Frame
from .encoding import Encoding
from .extra import load_av
from .formats import VIDEOS, format_of
from .gif import GifWriter
from .video_writer import VideoWriter


class ClipWriter(Protocol):
    """Takes frames in their order, and the packets of the tracks that it was opened with."""

    def write(self, frame: Frame) -> None: ...

    def copy(self, packet: Any) -> None: ...


@typed
@contextmanager
def write_clip(
    target: str | Path,
    info: ClipInfo,
    *,
    tracks: Sequence[Any] = (),
    encoding: Encoding = Encoding(),  # noqa: B008  # a constant
    force: bool = False,
) -> Iterator[ClipWriter]:
    """A writer of a clip like ``info``; the file appears when the block ends without an error, whole.

    The extension of ``target`` names the format. ``tracks`` are those of a Clip, whose packets go to ``copy``. Existing
    files are replaced only with ``force``. Raises ConfigError where the format cannot hold the clip, and what
    ``atomic_path`` raises.
    """
    target = Path(target)
    load_av()
    encoding.check(target)
    with atomic_path(target, force=force) as temporary, _explained(target, info):
        writer = _writer(target, temporary, info, tracks, encoding)
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()


@contextmanager
def _explained(target: Path, info: ClipInfo) -> Iterator[None]:
    """What an encoder refuses, in one line; what the system refuses is told by ``atomic_path``."""
    try:
        yield
    except load_av().error.FFmpegError as error:
        if isinstance(error, OSError | MemoryError):
            raise
        size = f"{info.size[1]}x{info.size[0]}"
        raise WriteError(
            f"{target} cannot be written: the encoder of {target.suffix} does not take these frames of {size} pixels,"
            " or their times. Choose another format or codec."
        ) from error


def _writer(
    target: Path, temporary: Path, info: ClipInfo, tracks: Sequence[Any], encoding: Encoding
) -> VideoWriter | GifWriter | AnimationWriter:
    kind = format_of(target)
    if target.suffix.lower() in VIDEOS:
        return VideoWriter(target, temporary, info, tracks, encoding)
    if kind == "gif":
        return GifWriter(target, temporary, info, tracks)
    return AnimationWriter(target, temporary, kind, info, tracks)
