"""Archives where folders of pictures are expected: none is unpacked here, and none goes without a word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...types import UnreadableFileError
from .walk import named

# Plain tar files are read as shards of two domains; the others are what pictures are passed on in.
ENDINGS = (
    ".tar",
    ".tar.gz",
    ".tgz",
    ".tar.bz2",
    ".tbz",
    ".tbz2",
    ".tar.xz",
    ".txz",
    ".tar.zst",
    ".tzst",
    ".tar.lz4",
    ".zip",
    ".7z",
    ".rar",
    ".gz",
    ".bz2",
    ".xz",
    ".zst",
)
ANY = ""  # the name that every archive stands for


def ending_of(file: Path) -> str | None:
    """The ending of an archive's name, in small letters, ".tar.gz" as one; None for any other file."""
    return max((end for end in ENDINGS if file.name.casefold().endswith(end)), key=len, default=None)


def archives_of(folder: Path, names: Sequence[str]) -> list[Path]:
    """The archives in ``folder`` that stand for one of these names, capitals or not: trainA_1.zip stands for trainA."""
    try:
        files = sorted(folder.iterdir())
    except OSError:  # who reads the folder says what is wrong with it
        return []
    return [file for file in files if _is_one_of(file, names)]


def _is_one_of(file: Path, names: Sequence[str]) -> bool:
    ending = ending_of(file)
    if ending is None or file.name.startswith(".") or not file.is_file():
        return False
    stem = file.name[: -len(ending)].casefold()
    return any(name == ANY or _stands_for(stem, name.casefold()) for name in names)


def _stands_for(stem: str, name: str) -> bool:
    return stem.startswith(name) and not stem[len(name) : len(name) + 1].isalpha()


def beside_folders(root: Path, names: Sequence[str]) -> list[str]:
    """One line on archives beside the folders that are read; none where there are none."""
    files = [file.name for file in archives_of(root, names)]
    return [f"{root}: {named(files)} not read: the folders of pictures are."] if files else []


def refuse_archives(root: Path, names: Sequence[str]) -> None:
    """Raise UnreadableFileError where archives stand in the place of folders that are missing."""
    if files := archives_of(root, names):
        refuse_archive(files[0])


def refuse_archive(file: Path) -> None:
    """Raise the error for an archive in the place of a folder."""
    raise UnreadableFileError(f"{file} is an archive, which is not read: unpack it to folders of pictures.")
