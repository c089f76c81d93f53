"""Finds pictures that should not be trained on, before the first step."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ...images.read import read_image
from ...types import AttnI2IError
from .folders import TrainingImages

GREY = 1 / 255


@dataclass
class Findings:
    """Files that cannot be read (with the reason), that hold no colour, and groups of identical ones."""

    corrupt: list[str] = field(default_factory=list)
    grey: list[str] = field(default_factory=list)
    duplicates: list[list[str]] = field(default_factory=list)
    checked: int = 0

    def lines(self, most: int = 5) -> list[str]:
        """The findings as text, ``most`` files of each kind."""
        same = [" = ".join(group) for group in self.duplicates]
        kinds = {"corrupt": self.corrupt, "grey": self.grey, "identical": same}
        lines = [f"{self.checked} pictures checked: " + ", ".join(f"{len(v)} {k}" for k, v in kinds.items())]
        for kind, found in kinds.items():
            lines += [f"  {kind}: {one}" for one in found[:most]]
            lines += [f"  {kind}: and {len(found) - most} more"] if len(found) > most else []
        return lines


def check(pictures: TrainingImages) -> Findings:
    """Read every training and held-out picture once; identical means byte for byte, across all folders."""
    files = [file for group in (pictures.files, pictures.held_out) for files in group.values() for file in files]
    findings, seen = Findings(checked=len(files)), dict[str, list[str]]()
    with ThreadPoolExecutor() as pool:
        for file, (digest, trouble, grey) in zip(files, pool.map(_examine, files), strict=True):
            seen.setdefault(digest, []).append(file)
            findings.corrupt += [trouble] if trouble else []
            findings.grey += [file] if grey else []
    findings.duplicates = [group for group in seen.values() if len(group) > 1]
    return findings


def _examine(file: str) -> tuple[str, str | None, bool]:
    """Digest of the bytes, what is wrong with the picture, and whether its three channels are equal."""
    try:
        rgb = read_image(file).rgb  # first: it refuses what is no regular file, such as a pipe that nobody writes
        with Path(file).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except (AttnI2IError, OSError) as error:
        return f"unread {file}", str(error), False
    return digest, None, bool((rgb.amax(0) - rgb.amin(0)).max() < GREY)
