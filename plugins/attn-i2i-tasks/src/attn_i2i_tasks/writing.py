"""A task becomes a folder: every picture by its own key, whole or not at all, the same bytes for the same seed."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from attn_i2i.files import TargetExistsError, atomic_dir
from attn_i2i.types import ConfigError
from numpy.typing import NDArray

from .archives import DATA

Report = Callable[[int], None]


class Job(NamedTuple):
    """Pictures that are drawn together: ``draw()`` gives an array for each path below the folder."""

    paths: tuple[str, ...]
    draw: Callable[[], Sequence[NDArray[Any]]]


def generator(seed: int, key: str) -> np.random.Generator:
    """The random source that ``key`` alone decides, whatever is drawn before it."""
    return np.random.default_rng(list(sha256(f"{seed}/{key}".encode()).digest()))


def check_positive(**options: int) -> None:
    """Raise ConfigError for an option below 1 (``seed``: below 0)."""
    for name, value in options.items():
        if value < (name != "seed"):
            raise ConfigError(f"{name}={value} was given: expected {int(name != 'seed')} or more.")


def write_task(
    folder: str | os.PathLike[str],
    name: str,
    jobs: Sequence[Job],
    settings: Mapping[str, Any],
    *,
    workers: int,
    force: bool,
    report: Report | None,
) -> dict[str, int]:
    """Write all pictures, ``task.json`` and the notices of the task ``name``; returns the pictures of each folder.

    ``report`` is called with the number of jobs after each. Raises TargetExistsError unless ``force``.
    """
    target = Path(folder)
    if force and target.is_dir() and any(target.iterdir()) and not (target / "task.json").is_file():
        raise TargetExistsError(f"{target} holds no task, so force=True does not replace it: choose another folder.")
    with atomic_dir(folder, force=force) as temporary:
        for parent in {str(Path(path).parent) for job in jobs for path in job.paths}:
            (temporary / parent).mkdir(parents=True, exist_ok=True)

        def run(job: Job) -> None:
            for path, pixels in zip(job.paths, job.draw(), strict=True):
                write_picture(temporary / path, pixels)

        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(run, jobs):
                if report is not None:
                    report(len(jobs))
        (temporary / "task.json").write_text(json.dumps({"task": name, **settings}, indent=1) + "\n", encoding="utf-8")
        for terms in (DATA / name).iterdir():
            if terms.name.startswith(("NOTICE", "LICENSE")):
                (temporary / terms.name).write_text(terms.read_text(encoding="utf-8"), encoding="utf-8")
    return dict(Counter(str(Path(path).parent) for job in jobs for path in job.paths if not path.startswith("masks/")))


def write_picture(path: Path, pixels: NDArray[Any]) -> None:
    """8-bit PNG, or 16-bit one-channel TIFF where the name says so."""
    if path.suffix == ".tif":
        import tifffile

        tifffile.imwrite(path, pixels, photometric="minisblack", compression="zlib", metadata=None, software="")
    else:
        from PIL import Image

        Image.fromarray(pixels).save(path)
