"""Videos and animations through a network, frame by frame; none is kept for longer than the next one needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..images.decode import from_numbers
from ..images.mask import read_mask
from ..images.opening import MAX_PIXELS
from ..images.picture import Picture
from ..types import ConfigError
from ..video.clip import Clip, ClipInfo, Frame, ignore
from ..video.encoding import Encoding
from ..video.formats import is_clip
from ..video.reading import open_clip
from ..video.writing import ClipWriter, write_clip
from .pictures import as_limits, in_colour
from .result import Result
from .running import TranslationRun
from .temporal import Along, Temporal

AHEAD = 8  # frames that may wait for a batch to be full

ClipProgress = Callable[[int, "int | None"], None]


def quiet(done: int, total: int | None) -> None:
    """For callers who do not want to hear how many frames are done."""


@dataclass(frozen=True)
class ClipJob:
    """One clip to translate: ``beside`` are files for its mask, overlay and heatmap, written as far as there are any.

    ``mask`` limits where frames may change: a picture for all of them, or a clip with a mask for each. ``force``
    overwrites the target, ``force_beside`` the others.
    """

    source: Path
    target: Path
    mask: Any = None
    beside: Mapping[str, Path] = field(default_factory=dict)
    encoding: Encoding = field(default_factory=Encoding)
    force: bool = False
    force_beside: bool = False
    metadata: bool = True
    max_pixels: int = MAX_PIXELS
    temporal: Temporal = "flow"


def translate_clip(run: TranslationRun, job: ClipJob, progress: ClipProgress = quiet) -> Path:
    """Translate a clip into another, which appears whole or not at all; returns its path.

    ``progress`` hears after each frame how many are done, and of how many, where the file says so.
    """
    if job.source.resolve() == job.target.resolve():
        raise ConfigError(f"{job.target} is the input itself: choose another output.")
    with open_clip(job.source, max_pixels=job.max_pixels) as clip, ExitStack() as files:
        outputs = _Outputs(job, clip, files)
        results = translated_frames(run, clip, job.mask, outputs.main.copy, job.temporal)
        for done, (frame, result) in enumerate(results, 1):
            outputs.write(frame, result)
            progress(done, clip.info.count)
            del frame, result
    return job.target


class _Outputs:
    """The writers of a job: of the translation, and of what lies beside it, opened when the first result shows it."""

    def __init__(self, job: ClipJob, clip: Clip, files: ExitStack) -> None:
        self.job, self.info, self.files = job, clip.info, files
        info = clip.info if job.metadata else clip.info.bare()
        self.main = self._open(job.target, info, clip.tracks, job.force)
        self.beside: dict[str, ClipWriter] | None = None

    def write(self, frame: Frame, result: Result) -> None:
        """Write a frame to each of them."""
        self.main.write(frame._replace(picture=result.picture()))
        pictures = {kind: shown(result, kind) for kind in self.job.beside}
        if self.beside is None:
            kinds = [kind for kind, picture in pictures.items() if picture is not None]
            plain, again = beside_info(self.info), self.job.force_beside
            self.beside = {kind: self._open(self.job.beside[kind], plain, (), again) for kind in kinds}
        for kind, writer in self.beside.items():
            picture = pictures[kind]
            assert picture is not None
            writer.write(frame._replace(picture=picture))

    def _open(self, path: Path, info: ClipInfo, tracks: Sequence[Any], force: bool) -> ClipWriter:
        writing = write_clip(path, info, tracks=tracks, encoding=self.job.encoding, force=force)
        return self.files.enter_context(writing)


def translated_frames(
    run: TranslationRun,
    clip: Clip,
    mask: Any = None,
    copy: Callable[[Any], None] = ignore,
    temporal: Temporal = "flow",
) -> Iterator[tuple[Frame, Result]]:
    """Each frame of an open clip with its result; ``copy`` hears the packets of its sounds and subtitles."""
    frames = zip(clip.frames(copy), limits(mask, clip.info), strict=False)
    if temporal == "flow":
        along = Along(run)
        for frame, limit in frames:
            yield frame, _styled(along.result(_picture(frame, run), limit), run)
            del frame, limit
        return
    size = run.batch_size or min(AHEAD, run.at_once(clip.info.size))
    while group := list(islice(frames, size)):
        pictures = [_picture(frame, run) for frame, _ in group]
        for index, result in run.results(pictures, [limit for _, limit in group]):
            yield group[index][0], _styled(result, run)
            del result
        del group, pictures


def _styled(result: Result, run: TranslationRun) -> Result:
    """The result with the style that it was made in."""
    return result if run.style is None else replace(result, style=run.style[0].to(result.source))


def _picture(frame: Frame, run: TranslationRun) -> Picture:
    return in_colour(frame.picture) if run.options.color else frame.picture


def limits(mask: Any, info: ClipInfo) -> Iterator[Tensor | None]:
    """Where each frame may change, (1, H, W), without end; None for everywhere. A clip of masks may end too early."""
    if isinstance(mask, str | Path) and is_clip(Path(mask)):
        with open_clip(mask) as masks:
            for frame in masks.frames():
                yield read_mask(frame.picture.rgb.mean(0, keepdim=True), info.size, scale=True)
        raise ConfigError(f"{mask} has fewer frames than {info.name}: give a mask for each, or one picture for all.")
    blank = Picture(_blank(info), name=info.name)
    limit = None if mask is None else as_limits(mask, [blank])[0]
    while True:
        yield limit


def _blank(info: ClipInfo) -> Tensor:
    return from_numbers(np.zeros((1, *info.size), np.uint8), None, info.name).values


def beside_info(info: ClipInfo) -> ClipInfo:
    """What holds for a clip of masks beside another: its times, but neither its texts nor its colours."""
    return ClipInfo(info.name, info.format, info.size, info.time_base, info.rate, info.count, plays=info.plays)


def shown(result: Result, kind: str) -> Picture | None:
    """A result's mask, overlay or heatmap as a picture; None where it has none."""
    if kind == "mask":
        return None if result.mask is None else Picture(result.mask)
    if (result.mask if kind == "overlay" else result.heatmap) is None:
        return None
    image = result.overlay() if kind == "overlay" else result.heatmap_image()
    return from_numbers(np.asarray(image.convert("RGB")).transpose(2, 0, 1), None, kind)
