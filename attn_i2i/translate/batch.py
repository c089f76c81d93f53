"""Many files at once: each is translated and written, and one that fails does not stop the others."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from ..files import TargetExistsError
from ..images.draw import Tile, contact_sheet
from ..images.read import MAX_PIXELS, Picture, PictureWarning, read_image
from ..images.write import output_name, write_image
from ..types import AttnI2IError, ConfigError, UnknownNameError, UnreadableFileError
from .jobs import SHEET, Job, outputs
from .result import Result
from .translator import Translator

SHEET_PICTURES, SHEET_ROWS, SHEET_TILE = 40, 10, 160
CHUNK, CHUNK_PIXELS = 8, 2**24


@dataclass
class Report:
    """Where translations were written, and why each file that was skipped was."""

    written: list[Path] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)


def translate_files(
    translator: Translator,
    jobs: Sequence[Job],
    *,
    attention: bool = False,
    mask: Path | None = None,
    batch_size: int | None = None,
    max_pixels: int = MAX_PIXELS,
    force: bool = False,
    advance: Callable[[int], None] = lambda count: None,
    **options: Any,
) -> Report:
    """Translate each job's picture; a file that fails is recorded and the others go on.

    ``attention`` adds each mask, overlay and heatmap, and a contact sheet of the first 40 pictures. ``mask`` is one
    picture for all, or a folder of masks under the inputs' relative names (or those as .png). ``options`` are those
    of a Translator's call; wrong ones, and a broken model, raise at once. A picture whose transparency its format
    cannot hold becomes .png. ``advance`` hears how many pictures have just been dealt with.
    """
    options["batch_size"] = batch_size
    options["domain"] = translator.label(options.get("domain"), options.get("direction"))
    _check(jobs, mask, max_pixels)
    taken = [job.source for job in jobs] + [target for target, _ in outputs(jobs, attention)]
    run = _Run(translator, attention, mask, force, options, {path.resolve() for path in taken})
    waiting: list[tuple[Job, Picture]] = []
    for job in jobs:
        try:
            waiting.append((job, read_image(job.source, max_pixels=max_pixels)))
        except AttnI2IError as error:
            run.report.failed.append((job.source, str(error)))
            advance(1)
        pixels = sum(picture.size[0] * picture.size[1] for _, picture in waiting)
        if len(waiting) >= (batch_size or CHUNK) or pixels >= CHUNK_PIXELS or job is jobs[-1]:
            for done, result in run.translated(waiting):
                run.write(done, result)
            advance(len(waiting))
            waiting = []
    if run.rows:
        write_image(contact_sheet(_side_by_side(run.rows), SHEET_TILE), jobs[0].attention_folder / SHEET, force=force)
    return run.report


@dataclass
class _Run:
    translator: Translator
    attention: bool
    mask: Path | None
    force: bool
    options: dict[str, Any]
    taken: set[Path]
    report: Report = field(default_factory=Report)
    rows: list[list[Tile]] = field(default_factory=list)

    def translated(self, waiting: list[tuple[Job, Picture]]) -> Iterator[tuple[Job, Result]]:
        """Translate together what can be; where that fails, one by one to find out which picture it is."""
        if not waiting:
            return
        try:
            masks = None if self.mask is None else [_mask_for(job, self.mask) for job, _ in waiting]
            results = self.translator([picture for _, picture in waiting], mask=masks, **self.options)
        except (ConfigError, UnknownNameError):
            raise
        except (AttnI2IError, RuntimeError) as error:
            if len(waiting) > 1:
                for one in waiting:
                    yield from self.translated([one])
            else:
                why = str(error).partition("\n")[0] or type(error).__name__
                self.report.failed.append((waiting[0][0].source, why))
        else:
            yield from zip((job for job, _ in waiting), results, strict=True)

    def write(self, job: Job, result: Result) -> None:
        """Write a translation, and its attention where that is wanted."""
        try:
            target = self._target(job, result)
            target.parent.mkdir(parents=True, exist_ok=True)
            result.save(target, force=self.force)
            if self.attention:
                self._write_attention(job, result)
        except (AttnI2IError, OSError) as error:
            self.report.failed.append((job.source, str(error)))
        else:
            self.report.written.append(target)

    def _target(self, job: Job, result: Result) -> Path:
        if job.named or result.alpha is None:
            return job.target
        target = job.target.with_name(output_name(job.target.name, transparency=True))
        if target != job.target:
            if target.resolve() in self.taken:
                raise TargetExistsError(f"{target}, which could hold its transparency, is another picture's: rename it")
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
            path = job.attention(kind)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(picture, path, force=self.force)
        if pictures and len(self.rows) < SHEET_PICTURES:
            (_, source), *others = result.tiles()
            row = [(str(job.relative), source), *others]
            self.rows.append([(label, _thumbnail(picture)) for label, picture in row])


def _check(jobs: Sequence[Job], mask: Path | None, max_pixels: int) -> None:
    """What would make every single picture fail is an error of its own."""
    if mask is not None and not mask.is_dir():
        read_image(mask, max_pixels=max_pixels)
    for folder in {job.attention_folder.parent for job in jobs}:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"The folder {folder} cannot be made: {error.strerror or error}.") from error


def _thumbnail(picture: Image.Image) -> Image.Image:
    return ImageOps.contain(picture, (SHEET_TILE, SHEET_TILE))


def _side_by_side(rows: list[list[Tile]]) -> list[list[Tile]]:
    """At most SHEET_ROWS rows: the pictures that would go below go to the right."""
    blocks = -(-len(rows) // SHEET_ROWS)
    height = -(-len(rows) // blocks)
    return [list(chain.from_iterable(rows[y::height])) for y in range(height)]


def _mask_for(job: Job, mask: Path) -> Path:
    if not mask.is_dir():
        return mask
    names = (mask / job.relative, (mask / job.relative).with_suffix(".png"))
    found = next((name for name in names if name.is_file()), None)
    if found is None:
        raise UnreadableFileError(f"{job.source}: {mask} holds no mask for it (expected {job.relative}).")
    return found
