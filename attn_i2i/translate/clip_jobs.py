"""Many clips at once: each is translated and written, and one that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..files.swapping import sweep_all
from ..images.opening import MAX_PIXELS
from ..types import AttnI2IError, ConfigError, UnknownNameError
from ..video.encoding import Encoding
from ..video.formats import VIDEOS
from .jobs import KINDS, Job, outputs
from .mask_files import mask_file
from .reading import TranslationReport, first_line
from .standing import Standing
from .translator import Translator

WatchClip = Callable[[Path, int, "int | None"], None]


def translate_clips(
    translator: Translator,
    jobs: Sequence[Job],
    *,
    report: TranslationReport | None = None,
    attention: bool = False,
    mask: Path | None = None,
    encoding: Encoding | None = None,
    force: bool = False,
    replace_attention: bool = False,
    metadata: bool = True,
    max_pixels: int = MAX_PIXELS,
    advance: Callable[[float], None] = lambda count: None,
    watch: WatchClip = lambda path, done, total: None,
    **options: Any,
) -> TranslationReport:
    """Translate each job's clip; one that fails is recorded in ``report``, and the others go on.

    Arguments are those of ``translate_files``. ``attention`` adds a clip of each mask, overlay and heatmap, ``mask``
    may be or hold clips too, and ``encoding`` is how videos are compressed. ``watch`` hears which clip is at work, how
    many of its frames are done, and of how many. What is wrong with the only file raises.
    """
    report = TranslationReport() if report is None else report
    check_encoding(jobs, encoding)
    alone = len(jobs) == 1 and not (report.written or report.failed)
    sweep_all(target for target, _ in outputs(jobs, attention))
    for job in jobs:
        beside = {kind: job.attention(kind) for kind in KINDS if attention}
        standing = Standing(beside.values())
        try:
            for path in (job.target, *beside.values()):
                path.parent.mkdir(parents=True, exist_ok=True)
            translator.video(
                job.source,
                job.target,
                beside=beside,
                encoding=encoding if _is_video(job) else None,
                force=force,
                replace_beside=replace_attention,
                metadata=metadata,
                max_pixels=max_pixels,
                progress=partial(watch, job.source),
                mask=None if mask is None else mask_file(job, mask),
                **options | ({} if job.style is None else {"style": job.style}),
            )
        except (AttnI2IError, OSError, RuntimeError, MemoryError) as error:
            if isinstance(error, UnknownNameError) or (isinstance(error, ConfigError) and alone):
                raise
            report.fail(job.source, standing.told(first_line(error)))
        else:
            report.written.append(job.target)
        advance(1)
    return report


def check_encoding(jobs: Sequence[Job], encoding: Encoding | None) -> None:
    """Raise ConfigError where an encoding is given and no job writes a video, or its video cannot have it."""
    if encoding is None:
        return
    videos = [job for job in jobs if _is_video(job)]
    if not videos:
        raise ConfigError(
            "A codec, a quality and lossless writing (codec=NAME, crf=N, lossless=True) were given, but no output is a"
            " video: leave them out."
        )
    for job in videos:
        encoding.check(job.target)


def _is_video(job: Job) -> bool:
    return job.target.suffix.lower() in VIDEOS
