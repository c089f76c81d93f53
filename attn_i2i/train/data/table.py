"""One folder of pictures and a table of their attributes, as CelebA has it, in any of the forms it is passed on in."""

from __future__ import annotations

import codecs
import csv
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...arguments import refuse_repeated, typed
from ...images.foreign import HEAD_BYTES, stand_in
from ...registry import suggestion
from ...types import ConfigError, UnreadableFileError
from .archives import ANY, refuse_archives
from .folders import TrainingImages, folder_of
from .walk import named, subfolders

# What the column of names is called where it is called anything; CelebA's own table leaves it out.
NAME_COLUMNS = frozenset(
    {"", "image_id", "image", "image_name", "img", "file", "filename", "file_name", "file name", "name", "path", "id"}
)
PRESENT, ABSENT = frozenset({"1", "true", "yes"}), frozenset({"-1", "0", "false", "no"})
# Not str.splitlines, which also cuts names at separators that file systems allow.
LINE = re.compile("\r\n|\n|\r")
# The endings that spreadsheets and numpy put behind whole numbers.
DECIMALS = (".0", ".00", ".000000000000000000e+00")


@dataclass(frozen=True)
class Table:
    """Attributes, and a row of 0 and 1 for each picture's name."""

    columns: list[str]
    rows: dict[str, list[bool]]


@typed
def attribute_table(
    data: str | os.PathLike[str], table: str | os.PathLike[str], selected: Sequence[str], held_out: int = 2000
) -> TrainingImages:
    """Pictures with attributes: a line of names, then a row of 1 and -1 (or 0) a picture, as in CelebA.

    Columns are separated by blanks, tabs, commas or semicolons. The first line may hold the number of rows, and the
    line of names may begin with one for the pictures. ``selected`` attributes become the label, in that order. Rows of
    pictures that are not there are left out, which ``notes`` say. The last ``held_out`` rows, or a tenth where that is
    less, are kept out of training. Raises ConfigError for an attribute the table lacks, UnreadableFileError for a row
    that does not fit, or where no picture is there.
    """
    root, path = folder_of(data), Path(table)
    content = read_table(path)
    _check_selected(path, content.columns, selected)
    picked = [content.columns.index(name) for name in selected]
    files = {name: str(root / name) for name in content.rows}
    absent = [name for name, file in files.items() if not os.path.isfile(file)]  # noqa: PTH113  # millions of them
    if len(absent) == len(files):
        refuse_archives(root, (ANY,))
        nested = next((name for name in subfolders(root) if (root / name / absent[0]).is_file()), None)
        advice = f"is {root} its folder?" if nested is None else f"give {root / nested} as the folder."
        raise UnreadableFileError(f"{path} names {absent[0]}, but {files[absent[0]]} does not exist: {advice}")
    missing = set(absent)
    there = [name for name in files if name not in missing]
    labels = np.array([[content.rows[name][i] for i in picked] for name in there], np.float32)
    notes = [f"{path}: {len(absent)} of {len(files)} rows name pictures that are not in {root}: {named(absent)}."]
    notes = (notes if absent else []) + list(_doubts(labels, selected))
    paths, cut = [files[name] for name in there], len(there) - min(held_out, len(there) // 10)
    return TrainingImages(
        {"image": paths[:cut]},
        {"image": paths[cut:]},
        labels[:cut],
        labels[cut:],
        list(selected),
        tuple(notes),
        str(root),
    )


def _check_selected(path: Path, columns: list[str], selected: Sequence[str]) -> None:
    for name in selected:
        if name not in columns:
            raise ConfigError(
                f"{path} has no attribute {name!r}.{suggestion(name, columns)} It has {', '.join(columns)}."
            )
        if columns.count(name) > 1:
            raise ConfigError(f"{path} has {columns.count(name)} columns called {name!r}: rename all but one.")
    refuse_repeated("select", selected)
    if not selected:
        raise ConfigError(f"Choose attributes of {path} (select=[...]), such as {', '.join(columns[:3])}.")


def _doubts(labels: np.ndarray, selected: Sequence[str]) -> Iterator[str]:
    """Attributes that nothing can be learnt from: of one value everywhere, or equal to another."""
    for index, name in enumerate(selected):
        column = labels[:, index]
        if (column == column[0]).all():
            value = "have" if column[0] else "lack"
            yield f"All pictures {value} the attribute {name!r}: nothing can be learnt of it."
            continue
        for other in range(index):
            if (column == labels[:, other]).all():
                yield f"The attributes {selected[other]!r} and {name!r} are equal in every picture: one is enough."


def read_table(path: Path) -> Table:
    """The whole table; raises UnreadableFileError, naming the row, for what does not fit."""
    lines = _lines(path)
    if lines and "".join(lines[0]).isdigit():
        lines = lines[1:]
    columns = lines[0] if lines else []
    if len(lines) < 2:
        raise UnreadableFileError(f"{path} has no rows: expected attribute names, then a picture and 1 or -1 for each.")
    columns = columns[1:] if columns[0].casefold() in NAME_COLUMNS and len(lines[1]) == len(columns) else columns
    rows: dict[str, list[bool]] = {}
    for number, (name, *texts) in enumerate(lines[1:], start=1):
        values = [_value(text) for text in texts]
        if len(values) != len(columns) or None in values:
            raise UnreadableFileError(
                f"{path}, row {number}: expected a picture's name and {len(columns)} values of 1 or -1 (or 0), found"
                f" {' '.join([name, *texts])[:80]!r}."
            )
        row = [bool(value) for value in values]
        if rows.setdefault(name, row) != row:
            raise UnreadableFileError(f"{path}, row {number}: {name} was named before, with other values.")
    return Table(columns, rows)


def _value(text: str) -> bool | None:
    """Whether an attribute is there; None for what is no value."""
    plain = text.casefold().lstrip("+")
    for ending in DECIMALS:
        plain = plain.removesuffix(ending)
    return True if plain in PRESENT else False if plain in ABSENT else None


def _lines(path: Path) -> list[list[str]]:
    """Lines as cells, blank ones left out."""
    text = _text(path)
    separator = next((mark for mark in ",;\t" if mark in _heading(text)), None)
    lines = LINE.split(text)
    if separator is None:
        rows: Iterator[list[str]] = (line.split() for line in lines)
    else:
        rows = ([cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator))
    try:
        return [row for row in rows if any(row)]
    except csv.Error as error:
        raise UnreadableFileError(f"{path} cannot be read as a table of attributes: {error}.") from error


def _heading(text: str) -> str:
    """The first line that is more than a number, which tells how columns are separated."""
    lines = (line for line in LINE.split(text) if line.strip(" ,;\t") and not line.strip(" ,;\t").isdigit())
    return next(lines, "")


def _text(path: Path) -> str:
    """The file as text; bytes that are no UTF-8 stay what they are in names of files."""
    if path.exists() and not path.is_file():
        raise UnreadableFileError(f"{path} cannot be read as a table of attributes: it is no regular file.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read as a table of attributes: {error.strerror}.") from error
    if told := stand_in(content[:HEAD_BYTES]):
        raise UnreadableFileError(f"{path} is {told}.")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace").removeprefix("\ufeff")
    text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="surrogateescape")
    if "\0" in text:
        raise UnreadableFileError(f"{path} cannot be read as a table of attributes: it is no text.")
    return text
