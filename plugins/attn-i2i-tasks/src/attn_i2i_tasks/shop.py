"""Photographs of apples and oranges in shops, as they are: heaps, hands, price signs."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .archives import members, picture
from .writing import Job, Report, check_positive, write_task

SHOP = "shop/shop.zip"
LETTERS = {"apple": "A", "orange": "B"}


def make_shop(
    folder: str | os.PathLike[str], *, workers: int = 2, force: bool = False, report: Report | None = None
) -> dict[str, int]:
    """Make trainA (apples), trainB (oranges), testA and testB, train and test as published; pictures a folder.

    The shorter side has 160 pixels. Every eighth training picture is left out for validation, in valA and valB.
    Raises TargetExistsError unless ``force``.
    """
    check_positive(workers=workers)
    jobs, seen = [], dict.fromkeys(LETTERS, 0)
    for name in members(SHOP):
        part, kind, file = PurePosixPath(name).parts
        if part == "train":
            seen[kind] += 1
            part = "val" if seen[kind] % 8 == 0 else "train"
        jobs.append(_job(name, f"{part}{LETTERS[kind]}/{PurePosixPath(file).stem}.png"))
    return write_task(folder, "shop", jobs, {}, workers=workers, force=force, report=report)


def _job(name: str, path: str) -> Job:
    def draw() -> list[NDArray[Any]]:
        return [np.asarray(picture(SHOP, name).convert("RGB"))]

    return Job((path,), draw)
