"""Clips in: a video or an animation, opened for reading frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any

from ..arguments import typed
from ..images.foreign import HEAD_BYTES, stand_in
from ..images.opening import MAX_PIXELS, named_errors, opened_file
from ..types import UnreadableFileError
from .animations import Animation
from .clip import Clip, ClipInfo, Frame, ignore
from .containers import Video
from .extra import load_av
from .formats import BOXES, CLIPS, EBML, GIF, PNG, RIFF
from .whole import check_whole

KINDS = "MP4, MOV, WebM, MKV, GIF, APNG or animated WebP"


@typed
@contextmanager
def open_clip(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Iterator[Clip]:
    """A clip, open while the block runs; its format is told by its first bytes.

    Frames of more than ``max_pixels`` are refused. Only regular files are read, and nothing that they name. Raises
    UnreadableFileError, with the file's name, for what is damaged, cut short, or no clip; ConfigError without PyAV.
    """
    path = Path(path)
    load_av()  # a missing package is no fault of the file
    with opened_file(path) as file:
        with _named_errors(str(path), "is damaged or cut short: its beginning cannot be decoded"):
            if told := stand_in(file.read(HEAD_BYTES)):
                raise UnreadableFileError(f"{path} is {told}.")
            check_whole(file, str(path))
            clip = _opened(file, path, max_pixels)
        with closing(clip):
            yield _Named(clip, str(path))


def _opened(file: IO[bytes], path: Path, max_pixels: int) -> Video | Animation:
    head = file.read(16)
    file.seek(0)
    if head.startswith((PNG, GIF)) or (head.startswith(RIFF) and head[8:12] == b"WEBP"):
        return Animation(file, str(path), path.name, max_pixels)
    if head.startswith(EBML):
        return Video(file, str(path), path.name, "matroska", max_pixels)
    if head[4:8] in BOXES:
        return Video(file, str(path), path.name, "mp4", max_pixels)
    what = "is empty" if not head else f"is no clip that is read here ({', '.join(CLIPS)})"
    raise UnreadableFileError(f"{path} {what}: expected {KINDS}.")


@contextmanager
def _named_errors(label: str, what: str) -> Iterator[None]:
    """As ``named_errors``, but with ``what`` for errors of FFmpeg, which names functions and no places."""
    try:
        with named_errors(label):
            yield
    except UnreadableFileError as error:
        if isinstance(error.__cause__, load_av().error.FFmpegError):
            raise UnreadableFileError(f"{label} {what}.") from error
        raise


class _Named:
    """A clip whose errors say which file they are about."""

    def __init__(self, clip: Video | Animation, label: str) -> None:
        self._clip, self._label = clip, label
        self.info: ClipInfo = clip.info
        self.tracks = clip.tracks

    def frames(self, copy: Callable[[Any], None] = ignore) -> Iterator[Frame]:
        """The clip's frames."""
        frames = self._clip.frames(copy)
        for number in count(1):
            with _named_errors(self._label, f"is damaged at about frame {number}"):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame
            del frame  # or one more would live while the next is decoded
