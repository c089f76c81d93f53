"""Many files at once: each is translated and written, and one that fails does not stop the others."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps

from ..files import WriteError, fitting_name
from ..files.swapping import sweep_all
from ..images.draw import Tile, contact_sheet
from ..images.formats import SUFFIXES
from ..images.opening import MAX_PIXELS
from ..images.picture import PictureWarning
from ..images.ranges import RangeLike
from ..images.read import read_image
from ..images.save import TIFFS
from ..images.write import output_name, shown, to_pil, write_image
from ..types import AttnI2IError, ConfigError, UnknownNameError
from .jobs import STYLES, Job, outputs, plane_of, sheet_of
from .mask_files import mask_for
from .overlap import Behind, ahead, pays
from .reading import InputReader, Page, TranslationReport, Waiting, first_line
from .result import Result
from .standing import Standing
from .translator import Translator

if TYPE_CHECKING:
    from ..images.stack import StackWriter

# A choice: a sheet is some 1600 pixels high, and further pictures go to the right, up to four beside each other.
SHEET_PICTURES, SHEET_ROWS, SHEET_TILE = 40, 10, 160
LARGE = 2**21  # pixels of a picture beside which no other waits to be written: with masks some 100 MB
_BLANK = Image.new("RGBA", (1, 1))  # the place of a picture that is not there


def translate_files(
    translator: Translator,
    jobs: Sequence[Job],
    *,
    report: TranslationReport | None = None,
    attention: bool = False,
    mask: Path | None = None,
    batch_size: int | None = None,
    max_pixels: int = MAX_PIXELS,
    range: RangeLike = None,  # noqa: A002
    page: Page = None,
    force: bool = False,
    replace_attention: bool = False,
    metadata: bool = True,
    advance: Callable[[float], None] = lambda count: None,
    **options: Any,
) -> TranslationReport:
    """Translate each job's picture; a file that fails is recorded and the others go on.

    ``report`` is the one to fill in, so that a caller who is interrupted knows what was done. ``attention`` adds each
    mask, overlay and heatmap, and a contact sheet of the first 40 pictures. ``mask`` is one picture for all, or a
    folder of masks under the inputs' relative names (or those as .png). ``options`` are those of a Translator's call;
    wrong ones, and a broken model, raise at once. ``range`` may be one to measure, over all pictures. ``page="all"``
    translates every plane of a TIFF and writes a TIFF of the same axes. A picture whose
    transparency its format cannot hold becomes .png. ``replace_attention`` overwrites pictures of attention alone, and
    ``metadata`` keeps EXIF and texts. Jobs in several styles also give a
    sheet of them. ``advance`` hears how many pictures have just been dealt with; a plane is a part of one.
    """
    options["batch_size"] = batch_size
    direction = options.get("direction") or translator.direction
    translator.generators[direction]  # raises where there is no such direction, before anything is read
    given = options.pop("style", None)
    wanted = {job.style: given if job.style is None else job.style for job in jobs}
    styles = {style: translator.style(wanted[style], direction) for style in wanted}
    _check(jobs, mask, max_pixels, page)
    sweep_all(target for target, _ in outputs(jobs, attention))
    taken = [job.source for job in jobs] + [target for target, _ in outputs(jobs, attention)]
    report = TranslationReport() if report is None else report
    run = _Run(translator, attention, mask, force, options, {path.resolve() for path in taken}, report)
    run.force_attention, run.metadata, run.styles = force or replace_attention, metadata, styles
    reading = InputReader(report, translator.range if range is None else range, page, max_pixels)
    with Behind(pays(translator.device)) as behind:
        for waiting in ahead(reading.chunks(jobs, batch_size, advance), behind.overlapped):
            for group in _by_size(waiting):
                if prod(group[0][1].size) > LARGE:  # the one before is written first: both may be too much in memory
                    behind.finish()
                run.hand_over(group, behind)
                behind.call(advance, sum(1 / max(1, job.planes) for job, _ in group))
    run.write_sheet(jobs)
    run.write_styles(jobs)
    return report


def _by_size(waiting: Waiting) -> Iterator[Waiting]:
    """Pictures of one size at a time, small ones first."""
    groups: dict[tuple[int, int], Waiting] = {}
    for job, picture in waiting:
        groups.setdefault(picture.size, []).append((job, picture))
    return (groups[size] for size in sorted(groups, key=prod))


@dataclass
class _Run:
    translator: Translator
    attention: bool
    mask: Path | None
    force: bool
    options: dict[str, Any]
    taken: set[Path]
    report: TranslationReport
    force_attention: bool = False
    metadata: bool = True
    rows: list[list[Tile]] = field(default_factory=list)
    styles: Mapping[str | None, Any] = field(default_factory=dict)
    in_styles: dict[Path, list[Tile]] = field(default_factory=dict)
    stacks: dict[Path, StackWriter] = field(default_factory=dict)
    standing: dict[Path, Standing] = field(default_factory=dict)

    def gave_up(self, job: Job) -> bool:
        """Whether a plane of the stack failed before, so that the others need no translation."""
        return bool(job.planes) and self.report.skipped(job.source)

    def hand_over(self, group: Waiting, behind: Behind) -> None:
        """Translate a group and have it written; apart, because a result named in the loop would outlive the next."""
        for job, result in self.translated([each for each in group if not self.gave_up(each[0])]):
            behind.call(self.write, job, result)

    def translated(self, waiting: Waiting) -> Iterator[tuple[Job, Result]]:
        """Translate together what can be; where that fails, one by one to find out which picture it is."""
        if not waiting:
            return
        try:
            masks = None if self.mask is None else [mask_for(*each, self.mask) for each in waiting]
            styles = [self.styles[job.style] for job, _ in waiting]
            style = None if styles[0] is None else styles
            results = self.translator([picture for _, picture in waiting], mask=masks, style=style, **self.options)
        except (ConfigError, UnknownNameError):
            raise
        # The disk of strips may be full, and a stranger's network may raise anything: the others are to be translated.
        except Exception as error:
            if len(waiting) > 1:
                for job in waiting:
                    yield from self.translated([job])
            else:
                self.report.fail(waiting[0][0].source, _reason(error))
        else:
            yield from zip((job for job, _ in waiting), results, strict=True)

    def write(self, job: Job, result: Result) -> None:
        """Write a translation, and its attention where that is wanted."""
        target = self._target(job, result)
        if job.target not in self.standing:
            self.standing[job.target] = Standing(job.beside() if self.attention else ())
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if self.attention:  # first, so that a picture whose translation stands is done
                self._write_attention(job, result)
            done = self._write_plane(job, result, target) if job.planes else self._save(result, target)
        # Libraries that write answer what they cannot hold with these, too: the other pictures are to be written.
        except (AttnI2IError, OSError, RuntimeError, ValueError, MemoryError) as error:
            self.stacks.pop(target, None)
            self.report.fail(job.source, self.standing.pop(job.target).told(first_line(error)))
        else:
            if done:
                del self.standing[job.target]
            self.report.written += [target] if done else []
            self._show_style(job, result)

    def _save(self, result: Result, target: Path) -> bool:
        result.save(target, force=self.force, metadata=self.metadata)
        return True

    def _write_plane(self, job: Job, result: Result, target: Path) -> bool:
        """Keep one plane of a stack, and write all after the last one; whether it was that."""
        from ..images.stack import StackWriter  # late: tifffile takes a moment to import

        if target not in self.stacks:
            self.stacks[target] = StackWriter(job.source, metadata=self.metadata)
        done = self.stacks[target].add(result.picture())
        if done:
            self.stacks.pop(target).write(target, force=self.force)
        return done

    def _show_style(self, job: Job, result: Result) -> None:
        """Keep a small copy for the sheet of styles, of which there are several."""
        if (
            len(self.styles) < 2
            or plane_of(result.origin)
            or (job.source not in self.in_styles and len(self.in_styles) == SHEET_PICTURES)
        ):
            return
        source = (str(job.relative), _thumbnail(to_pil(shown(result.source), result.alpha)))
        self.in_styles.setdefault(job.source, [source]).append((str(job.style), _thumbnail(result.pil())))

    def write_styles(self, jobs: Sequence[Job]) -> None:
        """Write a row a picture, a column a style, under the pictures that styles were taken from."""
        if self.in_styles:
            references = [("", _BLANK), *((str(style), _reference(str(style))) for style in self.styles)]
            rows = [references] if any(picture is not _BLANK for _, picture in references) else []
            self._write_rows([*rows, *self.in_styles.values()], jobs[0].attention_folder.with_name(STYLES))

    def write_sheet(self, jobs: Sequence[Job]) -> None:
        """Write the contact sheet, where there is anything to show; its failure is one line of the report."""
        if self.rows:
            self._write_rows(_side_by_side(self.rows), sheet_of(jobs))

    def _write_rows(self, rows: list[list[Tile]], sheet: Path) -> None:
        try:
            write_image(contact_sheet(rows, SHEET_TILE), sheet, force=self.force_attention)
        except (AttnI2IError, OSError, RuntimeError, ValueError, MemoryError) as error:
            self.report.failed.append((sheet, first_line(error)))

    def _target(self, job: Job, result: Result) -> Path:
        """Where the translation goes: under a name of its own where the format cannot hold its transparency."""
        if job.named or result.alpha is None:
            return job.target
        target = job.target.with_name(output_name(job.target.name, transparency=True))
        if target != job.target:
            if target.resolve() in self.taken:
                target = job.target.with_name(fitting_name(job.target.name, target.suffix))
            self.taken.add(target.resolve())
        return target

    def _write_attention(self, job: Job, result: Result) -> None:
        pictures = {}
        if result.mask is not None:
            pictures = {"mask": result.mask_image(), "overlay": result.overlay()}
        if result.heatmap is not None:
            pictures["heatmap"] = result.heatmap_image()
        if not pictures:
            message = "this model gives neither masks nor heatmaps: there is no attention to write."
            warnings.warn(message, PictureWarning, stacklevel=2)
        for kind, picture in pictures.items():
            path = job.attention(kind, plane_of(result.origin))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(picture, path, force=self.force_attention)
        if pictures and len(self.rows) < SHEET_PICTURES:
            (_, source), *others = result.tiles()
            row = [(f"{job.relative} {plane_of(result.origin)}" if job.planes else str(job.relative), source), *others]
            self.rows.append([(label, _thumbnail(picture)) for label, picture in row])


def _reason(error: Exception) -> str:
    """The first line of an error; what Python itself says of a network needs the kind of error with it."""
    line, kind = first_line(error), type(error).__name__
    own = isinstance(error, AttnI2IError | OSError | RuntimeError | MemoryError)
    return line if own or line == kind else f"{kind}: {line}"


def _check(jobs: Sequence[Job], mask: Path | None, max_pixels: int, page: Page) -> None:
    """What would make every single picture fail is an error of its own."""
    if mask is not None and not mask.is_dir():
        of_stack = page == "all" and mask.suffix.lower() in TIFFS
        read_image(mask, max_pixels=max_pixels, page=0 if of_stack else None)
    for folder in {job.attention_folder.parent for job in jobs}:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(
                f"The folder {folder} cannot be made ({error.strerror or error}): name another."
            ) from error


def _reference(style: str) -> Image.Image:
    """A small copy of the picture that a style was taken from; nothing to see of a seed or of numbers."""
    path = Path(style)
    return _thumbnail(read_image(path).pil()) if path.suffix.lower() in SUFFIXES and path.is_file() else _BLANK


def _thumbnail(picture: Image.Image) -> Image.Image:
    return ImageOps.contain(picture, (SHEET_TILE, SHEET_TILE))


def _side_by_side(rows: list[list[Tile]]) -> list[list[Tile]]:
    """At most SHEET_ROWS rows: the pictures that would go below go to the right."""
    blocks = -(-len(rows) // SHEET_ROWS)
    height = -(-len(rows) // blocks)
    return [list(chain.from_iterable(rows[y::height])) for y in range(height)]
