"""The jobs' pictures, a few at a time, in one range; what cannot be read is reported and left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Literal, TypeAlias

from ..devices import is_shortage
from ..images.opening import MAX_PIXELS
from ..images.picture import Picture
from ..images.ranges import DTYPE, Percentiles, RangeLike, parse_range
from ..images.read import read_image
from ..images.save import TIFFS
from ..images.series import measure_range
from ..types import AttnI2IError
from .jobs import Job

CHUNK, CHUNK_PIXELS = 8, 2**24  # pictures read ahead, and pixels of them: 200 MB of floats

Waiting: TypeAlias = "list[tuple[Job, Picture]]"
Page: TypeAlias = "int | Literal['all'] | None"


@dataclass
class TranslationReport:
    """Where translations were written, and why each file that was skipped was; it grows while pictures are done."""

    written: list[Path] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)

    def fail(self, source: Path, why: str) -> None:
        """Record why a source was skipped, once."""
        if not self.skipped(source):
            self.failed.append((source, why))

    def skipped(self, source: Path) -> bool:
        """Whether a source was given up."""
        return any(source == path for path, _ in self.failed)


@dataclass(frozen=True)
class InputReader:
    """How pictures are read: ``range`` and ``page`` as for ``read_image``.

    But a range may also be one to measure, and the page "all": each plane of a stack is then a picture of its own.
    """

    report: TranslationReport
    range: RangeLike = None
    page: Page = None
    max_pixels: int = MAX_PIXELS

    def chunks(self, jobs: Sequence[Job], count: int | None, advance: Callable[[float], None]) -> Iterator[Waiting]:
        """The jobs' pictures, ``count`` at a time, or fewer where they are large."""
        settled = self._settled(jobs)
        waiting: Waiting = []
        for job in jobs:
            last = waiting[-1] if waiting else None
            again = last is not None and last[0].source == job.source and not last[0].planes
            try:  # one picture in several styles is read once
                for item in [(job, last[1])] if last and again else self._read(job, settled):
                    waiting.append(item)
                    if len(waiting) >= (count or CHUNK) or sum(prod(read.size) for _, read in waiting) >= CHUNK_PIXELS:
                        yield waiting
                        waiting = []
            except (AttnI2IError, MemoryError) as error:
                self.report.fail(job.source, first_line(error))
                advance(1)
        if waiting:
            yield waiting

    def _settled(self, jobs: Sequence[Job]) -> RangeLike:
        """The range, measured over all pictures that can be read where that is asked for."""
        if not isinstance(parse_range(self.range), Percentiles):
            return self.range
        return measure_range(self._readable(jobs), self.range)

    def _readable(self, jobs: Sequence[Job]) -> Iterator[Picture]:
        for job in {job.source: job for job in jobs}.values():
            try:
                yield from (picture for _, picture in self._read(job, DTYPE))
            except (AttnI2IError, MemoryError):
                continue  # the second reading reports it

    def _read(self, job: Job, wanted: RangeLike) -> Iterator[tuple[Job, Picture]]:
        """The job with its picture; one with many planes comes once for each."""
        page = None if self.page == "all" else self.page
        if self.page == "all" and job.source.suffix.lower() in TIFFS:
            from ..images.stack import (
                check_stack_format,
                count_planes,
                read_planes,
            )  # late: tifffile takes a moment to import

            planes = count_planes(job.source)
            if planes > 1:
                check_stack_format(job.target, planes)  # before all of them are translated
                job = replace(job, planes=planes)
                yield from (
                    (job, picture) for picture in read_planes(job.source, max_pixels=self.max_pixels, range=wanted)
                )
                return
        yield job, read_image(job.source, max_pixels=self.max_pixels, range=wanted, page=page)


def first_line(error: BaseException) -> str:
    """What an error says of one picture of many; an allocator's text says nothing that helps."""
    if is_shortage(error) and not isinstance(error, AttnI2IError):
        return "it does not fit into the memory that is free: reduce it"
    if isinstance(error, OSError) and not isinstance(error, AttnI2IError) and error.filename and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error).partition("\n")[0] or type(error).__name__
