"""Which pictures to translate, and under which names: settled before anything is written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import has_magic
from itertools import chain
from pathlib import Path

from ..files import TargetExistsError
from ..images.read import SUFFIXES
from ..images.write import output_name, writer_of
from ..types import ConfigError, UnreadableFileError

ATTENTION, SHEET = "attention", "contact_sheet.png"
KINDS = ("mask", "overlay", "heatmap")


@dataclass(frozen=True)
class Job:
    """One picture to translate: where it is, its name below its input folder, and where its translation goes.

    ``named`` says that the caller chose the target's name, so that its format stays as it is.
    """

    source: Path
    relative: Path
    target: Path
    named: bool = False

    def attention(self, kind: str) -> Path:
        """Where a picture of the attention goes; ``kind`` is mask, overlay or heatmap."""
        return self.attention_folder / self.relative.parent / f"{self.target.stem}.{kind}.png"

    @property
    def attention_folder(self) -> Path:
        """The folder of all jobs' pictures of attention, below their common output folder."""
        return self.target.parents[len(self.relative.parts) - 1] / ATTENTION


def plan_jobs(
    inputs: Sequence[str | Path],
    output: Path,
    *,
    recursive: bool = False,
    attention: bool = False,
    force: bool = False,
) -> list[Job]:
    """The jobs for files, folders and glob patterns, or one clear error before anything is written.

    Names below an input folder (or below the fixed part of a pattern) are kept. ``output`` is a folder; for a single
    file it may be a picture's name. Pictures below the output folder are no input.
    """
    found = list(_found(inputs, output, recursive))
    if not found or not any(source.exists() for source, _ in found):
        missing = ", ".join(str(one) for one in inputs)
        raise UnreadableFileError(f"{missing}: no such file." if found else f"{missing}: no pictures there.")
    single = len(found) == 1 and found[0][0].is_file() and output.suffix.lower() in SUFFIXES and not output.is_dir()
    if single:
        writer_of(output)
        jobs = [Job(found[0][0], Path(found[0][0].name), output, named=True)]
    elif output.exists() and not output.is_dir():
        raise ConfigError(f"{output} is a file: {len(found)} pictures need a folder to go to.")
    else:
        jobs = [Job(source, name, output / name.parent / output_name(name.name)) for source, name in found]
    _check_targets(jobs, attention, force)
    return jobs


def outputs(jobs: Sequence[Job], attention: bool) -> Iterator[tuple[Path, Path | str]]:
    """Every file that the jobs may write, and the source it is for."""
    for job in jobs:
        for target in (job.target, *map(job.attention, KINDS if attention else ())):
            yield target, job.source
    if attention and jobs:
        yield jobs[0].attention_folder / SHEET, "the contact sheet"


def _found(inputs: Sequence[str | Path], output: Path, recursive: bool) -> Iterator[tuple[Path, Path]]:
    """Each picture once, with its name relative to the input that it was found through."""
    seen: set[Path] = set()
    for source, relative in chain.from_iterable(_expand(str(one), output, recursive) for one in inputs):
        if source.resolve() not in seen:
            seen.add(source.resolve())
            yield source, relative


def _expand(given: str, output: Path, recursive: bool) -> Iterator[tuple[Path, Path]]:
    path = Path(given)
    if path.is_dir():
        files = _pictures_below(path, output, recursive)
        if not files:
            hint = "" if recursive else "; its subfolders are searched with --recursive"
            raise UnreadableFileError(f"{path} holds no pictures ({' '.join(sorted(SUFFIXES))}){hint}.")
        yield from ((file, file.relative_to(path)) for file in files)
    elif path.exists() or not has_magic(given):
        yield path, Path(path.name)
    else:
        base = Path(*_before_magic(path))
        found = sorted(base.glob(str(path.relative_to(base))))
        matches = [match for match in found if match.is_file() and match.suffix.lower() in SUFFIXES]
        if base.resolve() in output.resolve().parents:
            matches = [match for match in matches if not match.parent.resolve().is_relative_to(output.resolve())]
        if not matches:
            raise UnreadableFileError(f"{given} matches no pictures.")
        yield from ((match, match.relative_to(base)) for match in matches)


def _before_magic(pattern: Path) -> Iterator[str]:
    for part in pattern.parts[:-1]:
        if has_magic(part):
            return
        yield part


def _pictures_below(folder: Path, output: Path, recursive: bool) -> list[Path]:
    skip = output.resolve()
    files: list[Path] = []
    for parent, folders, names in os.walk(folder):
        keep = [one for one in sorted(folders) if recursive and not one.startswith(".")]
        folders[:] = [one for one in keep if Path(parent, one).resolve() != skip]
        visible = [Path(parent, one) for one in sorted(names) if not one.startswith(".")]
        files += [file for file in visible if file.suffix.lower() in SUFFIXES]
    return files


def _check_targets(jobs: Sequence[Job], attention: bool, force: bool) -> None:
    sources = {job.source.resolve() for job in jobs}
    taken: dict[Path, Path | str] = {}
    existing = []
    for target, source in outputs(jobs, attention):
        if target in taken:
            raise ConfigError(f"{taken[target]} and {source} would both become {target}: translate one apart.")
        if target.resolve() in sources:
            raise ConfigError(f"{target} is itself an input and would be overwritten: choose another output.")
        taken[target] = source
        existing += [target] if target.exists() else []
    if existing and not force:
        what = (
            f"{existing[0]} exists" if len(existing) == 1 else f"{len(existing)} outputs, such as {existing[0]}, exist"
        )
        raise TargetExistsError(f"{what} already: choose another output, or overwrite with --force (force=True).")
