"""Which files the inputs of a translation mean: each picture once, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from glob import has_magic
from pathlib import Path

from ..images.folder import Folder, list_folder
from ..images.foreign import foreign, is_foreign, none_read
from ..images.formats import is_picture
from ..types import UnreadableFileError
from ..video.extra import INSTALL, has_video
from ..video.formats import is_video


@dataclass
class Inputs:
    """``pictures`` are files, videos among them, with their names below the input that they were found through.

    ``foreign`` are those in folders whose formats are not read here, ``others`` the files there that are none.
    """

    pictures: dict[Path, Path] = field(default_factory=dict)
    foreign: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def find_inputs(names: Sequence[str | Path], output: Path, *, recursive: bool) -> Inputs:
    """The pictures that files, folders and glob patterns mean; those below the folder ``output`` are no input.

    Raises UnreadableFileError where an input gives no picture.
    """
    inputs, seen = Inputs(), set[Path]()
    for name in map(str, names):
        for source, relative in _expand(name, output, recursive, inputs):
            if (real := source.resolve()) not in seen:
                seen.add(real)
                inputs.pictures[source] = relative
    missing = ", ".join(map(str, names))
    if not inputs.pictures:
        raise UnreadableFileError(f"{missing}: no pictures there. Give files, folders or patterns of pictures.")
    if not any(source.exists() for source in inputs.pictures):
        raise UnreadableFileError(f"{missing}: no such file.")
    return inputs


def _expand(name: str, output: Path, recursive: bool, inputs: Inputs) -> Iterator[tuple[Path, Path]]:
    path = Path(name)
    if path.is_dir():
        yield from _below(path, output, recursive, inputs)
    elif path.exists() or not has_magic(name):
        yield path, Path(path.name)
    else:
        yield from _matching(path, output, inputs)


def _below(folder: Path, output: Path, recursive: bool, inputs: Inputs) -> Iterator[tuple[Path, Path]]:
    skip = output.resolve()
    files = list_folder(folder, recursive=recursive, enter=lambda path: path.resolve() != skip)
    videos = [file for file in files.others if is_video(file)]
    inputs.others += [file for file in files.others if not is_video(file)]
    if has_video():
        files.pictures += videos
    else:
        files.foreign += videos
    if not files.pictures:
        raise UnreadableFileError(f"{folder} holds no pictures{_why(files, recursive)}.")
    inputs.foreign += files.foreign
    yield from ((file, file.relative_to(folder)) for file in files.pictures)


def not_read(path: Path) -> str:
    """What a file is whose format is not read here, with what to do about it."""
    return f"a video: {INSTALL} reads those" if is_video(path) else str(foreign(path))


def _why(files: Folder, recursive: bool) -> str:
    if files.foreign:
        return f" that are read here: {files.foreign[0].name} is {not_read(files.foreign[0])}"
    return none_read([]) + ("" if recursive else "; its subfolders are searched with recursive=True")


def _matching(pattern: Path, output: Path, inputs: Inputs) -> Iterator[tuple[Path, Path]]:
    base = Path(*_before_magic(pattern))
    matches = [match for match in sorted(base.glob(str(pattern.relative_to(base)))) if not match.is_dir()]
    if base.resolve() in output.resolve().parents:
        matches = [match for match in matches if not match.parent.resolve().is_relative_to(output.resolve())]
    pictures = [match for match in matches if is_picture(match) or (is_video(match) and has_video())]
    rest = [match for match in matches if match not in pictures and not match.name.startswith(".")]
    if not pictures:
        raise UnreadableFileError(f"{pattern} matches no pictures{none_read(rest)}.")
    inputs.foreign += [match for match in rest if is_foreign(match) or is_video(match)]
    inputs.others += [match for match in rest if not (is_foreign(match) or is_video(match))]
    yield from ((match, match.relative_to(base)) for match in pictures)


def _before_magic(pattern: Path) -> Iterator[str]:
    for part in pattern.parts[:-1]:
        if has_magic(part):
            return
        yield part
