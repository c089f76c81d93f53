"""Finds pictures that should not be trained on, before the first step."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ...images.ranges import DTYPE
from ...images.read import read_image
from ...interfaces import RGB
from ...types import AttnI2IError
from .folders import TrainingImages
from .reading import check_channels


class NumberKind(NamedTuple):
    """What numbers a picture has."""

    dtype: str
    channels: int


@dataclass
class Findings:
    """Files that cannot be trained on (with the reason), without colour, the same everywhere, and identical ones.

    ``ranges`` are the smallest and the largest number of each kind of pictures, ``kinds`` how many there are of each.
    """

    corrupt: list[str] = field(default_factory=list)
    grey: list[str] = field(default_factory=list)
    constant: list[str] = field(default_factory=list)
    duplicates: list[list[str]] = field(default_factory=list)
    checked: int = 0
    kinds: Counter[NumberKind] = field(default_factory=Counter)
    ranges: dict[NumberKind, tuple[float, float]] = field(default_factory=dict)

    def lines(self, most: int = 5) -> list[str]:
        """The findings as text, ``most`` files of each kind."""
        same = [" = ".join(group) for group in self.duplicates]
        kinds = {"corrupt": self.corrupt, "grey": self.grey, "identical": same, "constant": self.constant}
        lines = [f"{self.checked} pictures checked: " + ", ".join(f"{len(v)} {k}" for k, v in kinds.items())]
        lines += self._numbers()
        for kind, files in kinds.items():
            lines += [f"  {kind}: {file}" for file in files[:most]]
            lines += [f"  {kind}: and {len(files) - most} more"] if len(files) > most else []
        return lines

    def _numbers(self) -> Iterator[str]:
        for kind, count in self.kinds.most_common():
            low, high = self.ranges[kind]
            yield f"  {count} of {kind.dtype}, channels={kind.channels}: numbers from {low:.6g} to {high:.6g}"


class _Examined(NamedTuple):
    """What there is to say of one picture; ``digest`` is that of the bytes of its file."""

    digest: str
    trouble: str | None = None
    grey: bool = False
    constant: bool = False
    kind: NumberKind | None = None
    range: tuple[float, float] = (0.0, 0.0)


def check(pictures: TrainingImages) -> Findings:
    """Read every training and held-out picture once; identical means byte for byte, across all folders."""
    files = [file for group in (pictures.files, pictures.held_out) for files in group.values() for file in files]
    findings, seen = Findings(checked=len(files)), dict[str, list[str]]()
    with ThreadPoolExecutor() as pool:
        for file, told in zip(files, pool.map(lambda name: _examine(name, pictures), files), strict=True):
            seen.setdefault(told.digest, []).append(file)
            findings.corrupt += [told.trouble] if told.trouble else []
            findings.grey += [file] if told.grey else []
            findings.constant += [file] if told.constant else []
            if told.kind is not None:
                findings.kinds[told.kind] += 1
                low, high = findings.ranges.get(told.kind, told.range)
                findings.ranges[told.kind] = min(low, told.range[0]), max(high, told.range[1])
    findings.duplicates = [group for group in seen.values() if len(group) > 1]
    return findings


def _examine(file: str, pictures: TrainingImages) -> _Examined:
    reading = pictures.reading
    try:
        # first: it refuses what is no regular file, such as a pipe that nobody writes
        picture = read_image(file, range=DTYPE if reading.range is None else reading.range)
        with Path(file).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        check_channels(file, picture.channels, reading)
    except (AttnI2IError, OSError) as error:
        return _Examined(f"unread {file}", str(error))
    numbers = picture.numbers()
    low, high = float(numbers.min()), float(numbers.max())
    kind = NumberKind(numbers.dtype.name, picture.channels)
    grey = reading.channels == RGB and bool((numbers == numbers[:1]).all())
    constant = bool((numbers == numbers[:, :1, :1]).all())
    return _Examined(digest, None, grey, constant, kind, (low, high))
