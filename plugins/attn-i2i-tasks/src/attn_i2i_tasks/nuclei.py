"""Fluorescent nuclei, dimmed, blurred and noisy in one domain and clean in the other; between them nothing changes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from attn_i2i.types import ConfigError
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from .archives import members, picture
from .writing import Job, Report, check_positive, generator, write_task

Split = Literal["train", "val", "test"]
NUCLEI = "nuclei/nuclei.zip"
# An 8-bit level becomes 64 of a 14-bit camera in a 16-bit file, as fluorescence cameras write.
LEVEL = 64
DIM, BLUR = (0.35, 0.6), (1.0, 2.0)
# Photons at full scale make the noise of a short exposure; reading adds a third of an 8-bit level.
PHOTONS, READ = (2000.0, 8000.0), 24.0


class Field(NamedTuple):
    """``clean`` and ``degraded`` (H, W) uint16, equal where ``mask`` (H, W), uint8, is 0; it is 255 inside nuclei."""

    clean: NDArray[np.uint16]
    degraded: NDArray[np.uint16]
    mask: NDArray[np.uint8]


@dataclass(frozen=True)
class Nuclei:
    """The task: squares of up to 256 pixels from fluorescence microscopy, 16 bits, one channel.

    Nuclei alone are degraded, and a key decides how much. They are blurred by a standard deviation of 1 to 2 pixels.
    Their light above that of the space between is dimmed to 0.35 to 0.6. They get the noise of 2,000 to 8,000 photons
    at full scale, and of reading.
    """

    seed: int = 0

    def names(self, part: Split) -> list[str]:
        """Pictures of a part: every fifth is for tests, every tenth for validation."""
        every = [name.removeprefix("images/") for name in members(NUCLEI) if name.startswith("images/")]
        tests, validation = every[::5], every[1::10]
        if part == "train":
            return [name for name in every if name not in {*tests, *validation}]
        return tests if part == "test" else validation

    def draw(self, name: str, key: str) -> Field:
        """The picture ``name``, clean and degraded."""
        rng = generator(self.seed, key)
        clean = np.asarray(picture(NUCLEI, f"images/{name}").convert("L"), np.float64) * LEVEL
        inside = np.asarray(picture(NUCLEI, f"masks/{name}").convert("L")) > 0
        sigma, dim, photons = rng.uniform(*BLUR), rng.uniform(*DIM), rng.uniform(*PHOTONS)
        full, dark = 255.0 * LEVEL, float(np.median(clean[~inside]))
        # Blurred within the nuclei alone: light from between them must not leak in, nor theirs out.
        weight = gaussian_filter(inside.astype(np.float64), sigma)
        blurred = gaussian_filter(clean * inside, sigma) / np.maximum(weight, 1e-6)
        dimmed = np.maximum(dark + (blurred - dark) * dim, 0)
        noisy = rng.poisson(dimmed / full * photons) / photons * full + rng.normal(0, READ, clean.shape)
        degraded = np.where(inside, np.clip(noisy, 0, 65535), clean)
        return Field(
            np.rint(clean).astype(np.uint16), np.rint(degraded).astype(np.uint16), inside.astype(np.uint8) * 255
        )


def make_nuclei(
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    per_picture: int = 4,
    workers: int = 2,
    force: bool = False,
    report: Report | None = None,
) -> dict[str, int]:
    """Make trainA (degraded), trainB (clean), val and test folders of 16-bit TIFF, and masks; pictures a folder.

    Files of one name in testA and testB are one field, degraded and true. No field is in both trainA and trainB.
    Raises ConfigError for an option outside its range, TargetExistsError unless ``force``.
    """
    task = Nuclei(seed)
    check_positive(seed=seed, per_picture=per_picture, workers=workers)
    return write_task(
        folder,
        "nuclei",
        list(_jobs(task, per_picture)),
        {"seed": seed, "per_picture": per_picture},
        workers=workers,
        force=force,
        report=report,
    )


def _jobs(task: Nuclei, per_picture: int) -> Sequence[Job]:
    jobs = []
    training = task.names("train")
    if not training:
        raise ConfigError("The distribution holds no nuclei: install it again.")
    for index, name in enumerate(training):
        for number in range(per_picture if index % 2 == 0 else 1):
            stem = name.removesuffix(".webp")
            kind = ("degraded",) if index % 2 == 0 else ("clean",)
            side = "A" if index % 2 == 0 else "B"
            jobs.append(_job(task, name, kind, f"train{side}/{stem}_{number}"))
    for part in ("val", "test"):
        both = ("degraded", "clean")
        jobs += [_job(task, name, both, f"{part}?/{name.removesuffix('.webp')}") for name in task.names(part)]
    return jobs


def _job(task: Nuclei, name: str, kinds: tuple[str, ...], place: str) -> Job:
    """``place`` has ? for the domain's letter where a field goes to both."""
    places = [place] if len(kinds) == 1 else [place.replace("?", letter) for letter in "AB"]
    paths = [f"{each}.tif" for each in places] + [f"masks/{each}.png" for each in places]

    def draw() -> list[NDArray[Any]]:
        field = task.draw(name, place)
        return [getattr(field, kind) for kind in kinds] + [field.mask] * len(kinds)

    return Job(tuple(paths), draw)
