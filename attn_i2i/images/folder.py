"""Which files of a folder are pictures, and what else lies there."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..types import UnreadableFileError
from .foreign import is_foreign
from .formats import is_picture

# What systems leave in folders by themselves; hidden files are left out anyway.
LITTER = frozenset({"thumbs.db", "desktop.ini", "icon\r"})


@dataclass
class Folder:
    """Files of a folder in the order of their names: ``pictures``, those of ``foreign`` formats, and ``others``."""

    pictures: list[Path] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def list_folder(folder: Path, *, recursive: bool = False, enter: Callable[[Path], bool] = lambda path: True) -> Folder:
    """Sort a folder's files by their names, with ``recursive`` also those of the folders below that ``enter`` takes.

    Links are followed, but each real folder is searched and each real file listed only once, so that loops end. A file
    that lies in the folder itself is listed under its name there. Hidden files and folders are left out.
    """
    result = Folder()
    for path in _once(folder, recursive, enter):
        if is_picture(path):
            result.pictures.append(path)
        elif is_foreign(path):
            result.foreign.append(path)
        elif path.name.lower() not in LITTER:
            result.others.append(path)
    for paths in (result.pictures, result.foreign, result.others):
        paths.sort(key=lambda path: _files_first(path.relative_to(folder)))
    return result


def _files_first(path: Path) -> list[tuple[bool, str]]:
    """A key that sorts the files of a folder before those of its folders."""
    return [*((True, part) for part in path.parts[:-1]), (False, path.name)]


def _once(folder: Path, recursive: bool, enter: Callable[[Path], bool]) -> Iterator[Path]:
    """Everything but folders; links wait until all that lies there by itself has been seen."""
    seen, waiting, links = {os.path.realpath(folder)}, [folder], deque[Path]()
    while waiting or links:
        path = waiting.pop() if waiting else links.popleft()
        real = os.path.realpath(path)
        if path != folder and (real in seen or (path.is_dir() and not (recursive and enter(path)))):
            continue
        seen.add(real)
        if path != folder and not path.is_dir():
            yield path
            continue
        for entry in _entries(path):
            (links if entry.is_symlink() else waiting).append(entry)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise UnreadableFileError(f"The folder {folder} cannot be read: {error.strerror or error}.") from error
