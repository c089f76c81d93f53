"""Which pictures to translate, and under which names: settled before anything is written."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..files import TargetExistsError, fitting_name
from ..images.foreign import is_foreign
from ..images.formats import SUFFIXES
from ..images.picture import Picture
from ..images.save import check_target
from ..images.write import output_name
from ..types import ConfigError
from ..video.formats import VIDEOS, format_of, is_clip, is_video
from .inputs import Inputs, find_inputs

ATTENTION, SHEET, STYLES = "attention", "contact_sheet.png", "styles.png"
LONG = 80  # bytes of a reference's name that becomes part of others, which have 255 bytes in all
KINDS = ("mask", "overlay", "heatmap")  # what --attention writes of each picture


@dataclass(frozen=True)
class Job:
    """One picture or ``clip`` to translate: where it is, its name below its input folder, and where its output goes.

    ``named`` says that the caller chose the target's name, so that its format stays as it is. ``label`` is what the
    pictures of its attention are called. ``style`` is what the caller wrote for the style of this translation.
    ``planes`` is 0, or how many a stack has of which this job translates each.
    """

    source: Path
    relative: Path
    target: Path
    named: bool = False
    label: str = ""
    style: str | None = None
    planes: int = 0
    clip: bool = False

    def attention(self, kind: str, plane: int = 0) -> Path:
        """Where a picture of the attention goes, or a clip of it; ``kind`` is mask, overlay, heatmap or sheet."""
        label = self.label or self.target.stem
        if self.planes:
            label = f"{label}.{plane:0{len(str(self.planes - 1))}}"
        ending = f".{kind}{self.target.suffix if self.clip else '.png'}"
        return self.attention_folder / self.relative.parent / fitting_name(label, ending)

    def beside(self) -> Iterator[Path]:
        """Every file that the job may write of its attention."""
        return (self.attention(kind, plane) for plane in range(self.planes or 1) for kind in KINDS)

    @property
    def attention_folder(self) -> Path:
        """The folder of all jobs' pictures of attention, below their common output folder."""
        return self.target.parents[len(self.relative.parts) - 1] / ATTENTION


@dataclass
class JobList:
    """The ``jobs``, those ``done`` already, and what is left out: pictures of ``foreign`` formats, and ``others``."""

    jobs: list[Job]
    foreign: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    done: list[Job] = field(default_factory=list)

    @property
    def stills(self) -> list[Job]:
        """The jobs of pictures."""
        return [job for job in self.jobs if not job.clip]

    @property
    def clips(self) -> list[Job]:
        """The jobs of videos and animations."""
        return [job for job in self.jobs if job.clip]


def plan_jobs(
    inputs: Sequence[str | Path],
    output: Path,
    *,
    recursive: bool = False,
    attention: bool = False,
    force: bool = False,
    skip_existing: bool = False,
    styles: Sequence[str] = (),
    clips: bool = True,
) -> JobList:
    """The jobs for files, folders and glob patterns, or one clear error before anything is written.

    Names below an input folder (or below the fixed part of a pattern) are kept. ``output`` is a folder; for a single
    file it may be a picture's name. Pictures below the output folder are no input. With
    ``skip_existing`` a picture whose translation stands is done; an interrupted job goes on so. Several ``styles`` make
    a picture of each, with the style in its name. Videos are ``clips``, and so are animations unless that is off.
    """
    if force and skip_existing:
        raise ConfigError("force=True and skip_existing=True contradict each other: choose one.")
    if str(output) == "-":
        raise ConfigError("-o - was given, but pictures go to files: give a folder, or a name such as out.png.")
    listed = find_inputs(inputs, output, recursive=recursive)
    jobs = _labelled(list(_styled(_named(listed, output, clips), list(dict.fromkeys(styles)))))
    targets = {job.target for job in jobs}
    done = [job for job in jobs if skip_existing and _is_done(job, targets)]
    left = [job for job in jobs if job not in done]
    _check_targets(left, attention, force, may_exist=skip_existing)
    return JobList(left, listed.foreign, listed.others, done)


def _is_done(job: Job, targets: set[Path]) -> bool:
    """Whether a translation stands, under its name or the one that it has because of its transparency."""
    if job.clip:
        return job.target.exists()
    clear = job.target.with_name(output_name(job.target.name, transparency=True))
    return job.target.exists() or (clear not in targets and clear.exists() and not job.named)


def _named(listed: Inputs, output: Path, clips: bool) -> list[Job]:
    moving = {source for source in listed.pictures if (is_clip(source) if clips else is_video(source))}
    named = output.suffix.lower() in SUFFIXES | VIDEOS.keys() or is_foreign(output)
    names_file = named and not output.is_dir()
    if names_file and len(listed.pictures) == 1:
        source = next(iter(listed.pictures))
        (format_of if source in moving else check_target)(output)
        return [Job(source, Path(source.name), output, named=True, clip=source in moving)]
    if names_file or (output.exists() and not output.is_dir()):
        raise ConfigError(_no_folder(output, len(listed.pictures)))
    targets = {
        source: name if source in moving else name.parent / output_name(name.name)
        for source, name in listed.pictures.items()
    }
    counts = Counter(targets.values())
    for source, name in listed.pictures.items():
        if targets[source].name != name.name and counts[targets[source]] > 1:
            targets[source] = name.parent / fitting_name(name.name, targets[source].suffix)
    return [
        Job(source, name, output / targets[source], clip=source in moving) for source, name in listed.pictures.items()
    ]


def _no_folder(output: Path, pictures: int) -> str:
    """What is wrong with an output that is a file, or is called like one, where it cannot be one."""
    if pictures == 1:
        return f"{output} is a file that is no picture: name a folder, or a picture such as {output.stem}.png."
    what = "a file" if output.exists() else "the name of one picture"
    return f"{output} is {what}: {pictures} pictures need a folder to go to."


def _styled(jobs: list[Job], styles: list[str]) -> Iterator[Job]:
    """A job for each picture in each style, picture by picture."""
    names = style_names(styles)
    for job in jobs:
        if len(styles) < 2:
            yield replace(job, style=styles[0] if styles else None)
            continue
        for style in styles:
            if job.named:
                raise ConfigError(
                    f"{job.target} is the name of one picture: {len(styles)} styles need a folder to go to."
                )
            ending = f".{names[style]}{job.target.suffix}"
            yield replace(job, style=style, target=job.target.with_name(fitting_name(job.target.stem, ending)))


def style_names(styles: Sequence[str]) -> dict[str, str]:
    """What styles are called in names of files: seed-1, the name of a reference, or style-2 for the second.

    >>> style_names(["seed:1", "shoes/red.png", "0.5,1"])
    {'seed:1': 'seed-1', 'shoes/red.png': 'red', '0.5,1': 'style-3'}
    """
    names: dict[str, str] = {}
    for i, style in enumerate(styles, 1):
        path = Path(style)
        plain = path.stem if path.suffix.lower() in SUFFIXES and len(os.fsencode(path.name)) < LONG else ""
        name = style.replace("seed:", "seed-") if re.fullmatch(r"seed:\d+", style) else plain or f"style-{i}"
        names[style] = name if name not in names.values() else f"{name}-{i}"
    return names


def _labelled(jobs: list[Job]) -> list[Job]:
    """The jobs; where two of one folder share a stem, such as IMG.jpg and IMG.png, whole names tell them apart."""
    stems = Counter(job.target.with_suffix("") for job in jobs)
    return [replace(job, label=job.target.name) if stems[job.target.with_suffix("")] > 1 else job for job in jobs]


def plane_of(picture: Picture | None) -> int:
    """The number of a picture among those of its stack."""
    return 0 if picture is None or picture.layout is None else picture.layout.page


def outputs(jobs: Sequence[Job], attention: bool) -> Iterator[tuple[Path, Path | str]]:
    """Every file that the jobs may write, and the source it is for."""
    for job in jobs:
        for target in (job.target, *map(job.attention, KINDS if attention else ())):
            yield target, job.source
    if attention and not all(job.clip for job in jobs):
        yield sheet_of(jobs), "the contact sheet"
    if len({job.style for job in jobs if not job.clip}) > 1:
        yield jobs[0].attention_folder.with_name(STYLES), "the sheet of styles"


def sheet_of(jobs: Sequence[Job]) -> Path:
    """Where the contact sheet goes; that of a picture whose name was chosen is called by it, as others will follow."""
    return jobs[0].attention("sheet") if jobs[0].named else jobs[0].attention_folder / SHEET


def _check_targets(jobs: Sequence[Job], attention: bool, force: bool, *, may_exist: bool) -> None:
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
    if existing and not force and not may_exist:
        what = (
            f"{existing[0]} exists" if len(existing) == 1 else f"{len(existing)} outputs, such as {existing[0]}, exist"
        )
        raise TargetExistsError(f"{what} already: choose another output, or overwrite with force=True.")
