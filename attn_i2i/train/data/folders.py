"""Where the training pictures are: one folder a domain, or one folder and a table of attributes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...images.formats import SUFFIXES
from ...registry import suggestion
from ...types import ConfigError, UnreadableFileError

NOT_PICTURES = frozenset({"masks"})
A_AND_B = ("A", "B")


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """Files, their (N, domains) labels of 0 and 1 where the recipe needs any, and some files held out to look at."""

    files: dict[str, list[str]]
    held_out: dict[str, list[str]]
    labels: np.ndarray | None = None
    held_out_labels: np.ndarray | None = None
    domains: list[str] | None = None

    def count(self) -> int:
        """Pictures of the larger domain."""
        return max(len(files) for files in self.files.values())

    def fingerprint(self) -> str:
        """A digest of names and labels: a run resumed on other data would be another run."""
        digest = hashlib.sha256()
        for domain, files in self.files.items():
            digest.update("\0".join([domain, *(Path(file).name for file in files)]).encode())
        digest.update(b"" if self.labels is None else self.labels.tobytes())
        return digest.hexdigest()


def two_domains(data: str | os.PathLike[str]) -> TrainingImages:
    """``trainA`` and ``trainB`` (or ``train/A``, ``A``), with ``testA`` and ``testB`` held out where they exist.

    Raises UnreadableFileError where a folder is missing or holds no pictures.
    """
    root = _folder(data)
    train = {side: _first(root, f"train{side}", f"train/{side}", side) for side in A_AND_B}
    missing = [f"train{side}" for side, folder in train.items() if folder is None]
    if missing:
        raise UnreadableFileError(
            f"{root} has no folder {' and no '.join(missing)}: put the pictures of the two domains into trainA and"
            f" trainB there.{suggestion(missing[0], _subfolders(root))}"
        )
    test = {side: _first(root, f"test{side}", f"test/{side}") for side in A_AND_B}
    files = {side: pictures_in(folder) for side, folder in train.items() if folder}
    return TrainingImages(files, {side: pictures_in(folder) if folder else [] for side, folder in test.items()})


def domain_folders(data: str | os.PathLike[str]) -> TrainingImages:
    """One folder a domain, in ``train`` (with ``test`` held out) or directly in ``data``; labels are one-hot."""
    root = _folder(data)
    base = _first(root, "train") or root
    names = [name for name in _subfolders(base) if name not in ("test", "val")]
    if {"trainA", "trainB"} <= set(names):
        raise UnreadableFileError(
            f"{root} is laid out for two domains (trainA, trainB): a multi-domain recipe needs one folder a domain,"
            " such as train/A and train/B."
        )
    if len(names) < 2:
        raise UnreadableFileError(
            f"{base} has {len(names)} folders of pictures: a multi-domain recipe needs one folder a domain, or a table"
            " of attributes (--attributes)."
        )
    files, labels = _labelled([pictures_in(base / name) for name in names])
    test = [
        pictures_in(base.parent / "test" / name) if (base.parent / "test" / name).is_dir() else [] for name in names
    ]
    held_out, held_out_labels = _labelled(test if base != root else [[] for _ in names])
    return TrainingImages({"image": files}, {"image": held_out}, labels, held_out_labels, names)


def attribute_table(
    data: str | os.PathLike[str], table: str | os.PathLike[str], selected: Sequence[str], held_out: int = 2000
) -> TrainingImages:
    """Pictures with attributes, as in CelebA's ``list_attr_celeba.txt``: names, then a row of 1 and -1 a picture.

    The first line may hold the number of rows. ``selected`` attributes become the label, in that order. The last
    ``held_out`` rows, or a tenth where that is less, are kept out of training. Raises ConfigError for an attribute
    the table lacks, UnreadableFileError for a row that does not fit or a picture that does not exist.
    """
    root, path = _folder(data), Path(table)
    columns, rows = _read_table(path)
    for name in selected:
        if name not in columns:
            raise ConfigError(
                f"{path} has no attribute {name!r}.{suggestion(name, columns)} It has {', '.join(columns)}."
            )
    if not selected:
        raise ConfigError(f"Choose attributes of {path} (--select), such as {', '.join(columns[:3])}.")
    picked = [columns.index(name) for name in selected]
    files = [str(root / name) for name, _ in rows]
    absent = next((file for file in files if not Path(file).is_file()), None)
    if absent:
        raise UnreadableFileError(
            f"{path} names {Path(absent).name}, but {absent} does not exist: is {root} its folder?"
        )
    labels = np.array([[values[i] == "1" for i in picked] for _, values in rows], np.float32)
    cut = len(files) - min(held_out, len(files) // 10)
    return TrainingImages({"image": files[:cut]}, {"image": files[cut:]}, labels[:cut], labels[cut:], list(selected))


def pictures_in(folder: Path) -> list[str]:
    """Every picture below ``folder``, sorted, hidden files and folders called ``masks`` left out."""
    found: list[str] = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in NOT_PICTURES)
        seen = [name for name in sorted(names) if not name.startswith(".")]
        found += [f"{parent}/{name}" for name in seen if os.path.splitext(name)[1].lower() in SUFFIXES]  # noqa: PTH122
    if not found:
        raise UnreadableFileError(f"{folder} holds no pictures ({' '.join(sorted(SUFFIXES))}).")
    return found


def _folder(data: str | os.PathLike[str]) -> Path:
    root = Path(data)
    if not root.is_dir():
        raise UnreadableFileError(f"{root} is no folder: give the folder that holds the training pictures.")
    return root


def _first(root: Path, *names: str) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _subfolders(root: Path) -> list[str]:
    names = (entry.name for entry in root.iterdir() if entry.is_dir())
    return sorted(name for name in names if not name.startswith(".") and name not in NOT_PICTURES)


def _labelled(folders: Sequence[list[str]]) -> tuple[list[str], np.ndarray]:
    identity = np.eye(len(folders), dtype=np.float32)
    return [file for files in folders for file in files], np.repeat(identity, [len(files) for files in folders], axis=0)


def _read_table(path: Path) -> tuple[list[str], list[tuple[str, list[str]]]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFileError(f"{path} cannot be read as a table of attributes: {error}.") from error
    lines = lines[1:] if lines and lines[0].strip().isdigit() else lines
    columns = lines[0].split() if lines else []
    rows = list(_rows(path, lines[1:], len(columns)))
    if not rows:
        raise UnreadableFileError(f"{path} has no rows: expected attribute names, then a picture and 1 or -1 for each.")
    return columns, rows


def _rows(path: Path, lines: list[str], width: int) -> Iterator[tuple[str, list[str]]]:
    for number, line in enumerate(lines, start=1):
        name, *values = line.split() or [""]
        if not name:
            continue
        if len(values) != width or not set(values) <= {"1", "-1", "0"}:
            raise UnreadableFileError(f"{path}, row {number}: expected a picture's name and {width} values of 1 or -1.")
        yield name, values
