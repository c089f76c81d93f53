"""Where the training pictures are: one folder a domain."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...arguments import typed
from ...images.foreign import none_read
from ...registry import suggestion
from ...types import UnreadableFileError
from .archives import ANY, beside_folders, ending_of, refuse_archive, refuse_archives
from .identity import identity, spread
from .reading import RGB_BYTES, Reading
from .walk import MASKS, list_pictures, subfolders

A_AND_B = ("A", "B")
HELD_OUT = ("test", "val")  # folders beside the domains' that hold test pictures


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """Files, their (N, domains) labels of 0 and 1 where the recipe needs any, and some files held out to look at.

    ``notes`` are lines worth saying: what was left out, and what may not be meant. ``root`` is the folder that names
    are told from. ``reading`` is how networks see the pictures.
    """

    files: dict[str, list[str]]
    held_out: dict[str, list[str]]
    labels: np.ndarray | None = None
    held_out_labels: np.ndarray | None = None
    domains: list[str] | None = None
    notes: tuple[str, ...] = ()
    root: str = "."
    reading: Reading = RGB_BYTES

    def samples(self, number: int) -> dict[str, list[str]]:
        """Up to ``number`` pictures of each group, spread over it."""
        return {name: spread(files, number) for name, files in self.files.items()}

    def sources(self) -> Iterator[str]:
        """Every training picture."""
        return (file for files in self.files.values() for file in files)

    def count(self) -> int:
        """Pictures of the larger domain."""
        return max(len(files) for files in self.files.values())

    def counts(self) -> dict[str, int]:
        """Pictures by domain; those of a table by what its rows have."""
        if self.labels is None or self.domains is None:
            return {name: len(files) for name, files in self.files.items()}
        return {name: int(n) for name, n in zip(self.domains, self.labels.sum(axis=0), strict=True)}

    def identity(self) -> dict[str, Any]:
        """Which pictures these are: a run resumed on others would be another run."""
        groups: dict[str, Sequence[str]] = dict(self.files)
        if self.labels is not None and self.domains is not None and (self.labels.sum(axis=1) == 1).all():
            groups = {
                name: [file for file, label in zip(self.files["image"], self.labels, strict=True) if label[index]]
                for index, name in enumerate(self.domains)
            }
        return identity(Path(self.root), groups, None if self.labels is None else self.labels.tobytes(), self.domains)


def two_folders(root: Path) -> bool:
    """Whether a folder holds those of two domains."""
    return all(_of_side(root, "train", side) for side in A_AND_B)


@typed
def two_domains(data: str | os.PathLike[str]) -> TrainingImages:
    """``trainA`` and ``trainB`` (or ``train/A``, ``A``), with ``testA`` and ``testB`` held out where they exist.

    Raises UnreadableFileError where a folder is missing or holds no pictures.
    """
    root = folder_of(data)
    train = {side: _of_side(root, "train", side) for side in A_AND_B}
    missing = [f"train{side}" for side, folder in train.items() if folder is None]
    if missing:
        others = [name for name in subfolders(root) if root / name not in train.values()]
        refuse_archives(
            root, (*missing, *(name.removeprefix("train") for name in missing), "train") if others else (ANY,)
        )
        raise UnreadableFileError(
            f"{root} has no folder {' and no '.join(missing)}: put the pictures of the two domains into trainA and"
            f" trainB there.{suggestion(missing[0], others)}"
        )
    folders = {side: folder for side, folder in train.items() if folder is not None}
    if folders["A"].samefile(folders["B"]):
        raise UnreadableFileError(f"{folders['A']} and {folders['B']} are one folder: two domains need two.")
    notes: list[str] = []
    files = {side: _pictures(folder, notes) for side, folder in folders.items()}
    tests = {side: _of_side(root, "test", side) for side in A_AND_B}
    held_out = {side: [] if test is None else _pictures(test, notes, needed=False) for side, test in tests.items()}
    notes += beside_folders(
        root, [f"{part}{side}" for part in ("train", "test", "") for side in ("", *A_AND_B) if part + side]
    )
    return TrainingImages(files, held_out, notes=tuple(notes), root=str(root))


@typed
def domain_folders(data: str | os.PathLike[str]) -> TrainingImages:
    """One folder a domain, in ``train`` (with ``test`` held out) or directly in ``data``; labels are one-hot.

    A folder without pictures is no domain, which ``notes`` say.
    """
    root = folder_of(data)
    base = _first(root, "train") or root
    names = [name for name in subfolders(base) if base != root or name not in HELD_OUT]
    if {"trainA", "trainB"} <= set(names):
        raise UnreadableFileError(
            f"{root} is laid out for two domains (trainA, trainB): a multi-domain recipe needs one folder a domain,"
            " such as train/A and train/B."
        )
    notes: list[str] = []
    pictures = {name: _pictures(base / name, notes, needed=False) for name in names}
    domains = [name for name, files in pictures.items() if files]
    if len(domains) < 2:
        refuse_archives(base, (ANY,))
        raise UnreadableFileError(
            f"{base} has {len(domains)} folders of pictures: a multi-domain recipe needs one folder a domain, or a"
            " table of attributes (attributes=TABLE)."
        )
    notes += beside_folders(base, (ANY,)) + (beside_folders(root, (ANY,)) if base != root else [])
    if MASKS in domains:
        notes.append(f"{base / MASKS} is taken for a domain like the others: move it away if it is none.")
    files, labels = _labelled([pictures[name] for name in domains])
    test = _first(root, "test") if base != root else None
    folders = [test / name for name in domains] if test else []
    shown = [_pictures(folder, notes, needed=False) if folder.is_dir() else [] for folder in folders]
    held_out, held_out_labels = _labelled(shown or [[] for _ in domains])
    return TrainingImages(
        {"image": files}, {"image": held_out}, labels, held_out_labels, domains, tuple(notes), str(root)
    )


def folder_of(data: str | os.PathLike[str]) -> Path:
    """``data``, where it is a folder; else UnreadableFileError."""
    root = Path(data)
    if root.is_file() and ending_of(root):
        refuse_archive(root)
    if not root.is_dir():
        raise UnreadableFileError(f"{root} is no folder: give the folder that holds the training pictures.")
    return root


def _pictures(folder: Path, notes: list[str], *, needed: bool = True) -> list[str]:
    """The pictures below a folder; ``notes`` get what there is to say of it. Raises where none is there but needed."""
    listing = list_pictures(folder)
    if not listing.pictures and needed:
        others = f"; it has {', '.join(listing.left_out[:3])}" if listing.left_out else ""
        raise UnreadableFileError(f"{folder} holds no pictures{none_read(listing.left_out)}{others}.")
    notes += listing.notes(folder)
    notes += [] if listing.pictures else [f"{folder} holds no pictures: it is left out."]
    return listing.pictures


def _of_side(root: Path, part: str, side: str) -> Path | None:
    """The folder of one domain: ``trainA``, ``train/A`` or, for training, ``A``."""
    return _first(root, f"{part}{side}", f"{part}/{side}", *([side] if part == "train" else []))


def _first(root: Path, *names: str) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _labelled(folders: Sequence[list[str]]) -> tuple[list[str], np.ndarray]:
    identity = np.eye(len(folders), dtype=np.float32)
    return [file for files in folders for file in files], np.repeat(identity, [len(files) for files in folders], axis=0)
