"""Pictures below a folder: each real file once, and what is left out told."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ...images.folder import list_folder
from ...types import UnreadableFileError

# Beside every picture there may be a mask; a training has no use for them, and they are no pictures of the domain.
MASKS = "masks"
# Folders that systems and programs leave behind, of which nobody wants to hear.
LITTER = frozenset({"__macosx", "_macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information"})
# Names that a note shows; the rest are counted.
SHOWN = 5


@dataclass
class Listing:
    """Picture files in the order of their names, folder by folder, and the names of what else was met."""

    pictures: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def notes(self, folder: Path) -> list[str]:
        """One line that counts and names what was left out; none where nothing was."""
        if not self.left_out:
            return []
        number = len(self.left_out)
        return [f"{folder}: {number} {'file' if number == 1 else 'files'} left out: {named(self.left_out)}."]


def named(names: list[str]) -> str:
    """A few of the names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def subfolders(root: Path) -> list[str]:
    """Names of the folders in ``root``, sorted; links count, but to it or above it; hidden ones and litter do not."""
    real = os.path.realpath(root)
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not _is_litter(path))
    except OSError as error:
        raise UnreadableFileError(f"The folder {root} cannot be read: {error.strerror or error}.") from error
    return [path.name for path in folders if not (path.is_symlink() and _holds(os.path.realpath(path), real))]


def list_pictures(folder: Path) -> Listing:
    """Everything below ``folder``, links followed, but none twice and none to the folders above it.

    Only regular files are pictures: a pipe or a device would be waited for without end. Folders called ``masks`` are
    left out. Raises UnreadableFileError for a folder that may not be read.
    """
    real, refused = os.path.realpath(folder), list[str]()

    def enter(path: Path) -> bool:
        if _is_litter(path):
            return False
        upwards = path.is_symlink() and _holds(os.path.realpath(path), real)
        if path.name == MASKS or upwards:
            refused.append(f"{path.relative_to(folder)}/{' (a link upwards)' if upwards else ''}")
        return path.name != MASKS and not upwards

    files = list_folder(folder, recursive=True, enter=enter)
    regular = {path: path.is_file() for path in files.pictures}
    others = [path for path, is_file in regular.items() if not is_file] + files.foreign + files.others
    left_out = sorted([*refused, *(str(path.relative_to(folder)) for path in others)])
    return Listing([str(path) for path, is_file in regular.items() if is_file], left_out)


def _is_litter(path: Path) -> bool:
    return path.name.startswith(".") or path.name.casefold() in LITTER


def _holds(outer: str, inner: str) -> bool:
    """Whether one real folder is another, or holds it."""
    return Path(inner).is_relative_to(outer)
