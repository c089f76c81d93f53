"""The jobs' pictures, a few at a time, in one range; what cannot be read is reported and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TypeAlias

from ..images.opening import MAX_PIXELS
from ..images.picture import Picture
from ..images.ranges import DTYPE, Measure, RangeLike, parse_range
from ..images.read import read_image
from ..images.series import measure_range
from ..types import AttnI2IError
from .jobs import Job

CHUNK, CHUNK_PIXELS = 8, 2**24  # pictures read ahead, and pixels of them: 200 MB of floats

Waiting: TypeAlias = "list[tuple[Job, Picture]]"


@dataclass
class Report:
    """Where translations were written, and why each file that was skipped was; it grows while pictures are done."""

    written: list[Path] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Reading:
    """How pictures are read: ``range`` and ``page`` as for ``read_image``, but a range may also be one to measure."""

    report: Report
    range: RangeLike = None
    page: int | None = None
    max_pixels: int = MAX_PIXELS

    def chunks(self, jobs: Sequence[Job], count: int | None, advance: Callable[[int], None]) -> Iterator[Waiting]:
        """The jobs' pictures, ``count`` at a time, or fewer where they are large."""
        settled = self._settled(jobs)
        waiting: Waiting = []
        for job in jobs:
            last = waiting[-1] if waiting else None
            try:  # one picture in several styles is read once
                again = last is not None and last[0].source == job.source
                waiting.append((job, last[1] if last and again else self._read(job, settled)))
            except (AttnI2IError, MemoryError) as error:
                if job.source not in (path for path, _ in self.report.failed):
                    self.report.failed.append((job.source, str(error) or "it does not fit into memory"))
                advance(1)
            if len(waiting) >= (count or CHUNK) or sum(prod(picture.size) for _, picture in waiting) >= CHUNK_PIXELS:
                yield waiting
                waiting = []
        if waiting:
            yield waiting

    def _settled(self, jobs: Sequence[Job]) -> RangeLike:
        """The range, measured over all pictures that can be read where that is asked for."""
        if not isinstance(parse_range(self.range), Measure):
            return self.range
        return measure_range(self._readable(jobs), self.range)

    def _readable(self, jobs: Sequence[Job]) -> Iterator[Picture]:
        for job in {job.source: job for job in jobs}.values():
            try:
                picture = self._read(job, DTYPE)
            except (AttnI2IError, MemoryError):
                continue  # the second reading reports it
            yield picture

    def _read(self, job: Job, wanted: RangeLike) -> Picture:
        return read_image(job.source, max_pixels=self.max_pixels, range=wanted, page=self.page)
