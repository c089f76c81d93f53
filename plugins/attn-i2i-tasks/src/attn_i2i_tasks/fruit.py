"""Apples and oranges, cut out of photographs, over photographed textures: real pixels with exact masks."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from attn_i2i.types import ConfigError
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .archives import members, picture
from .writing import Job, Report, check_positive, generator, write_task

Kind = Literal["apple", "orange"]
Split = Literal["train", "val", "test"]
KINDS: tuple[Kind, Kind] = ("apple", "orange")
FRUIT, TEXTURES = "fruit/fruit.zip", "fruit/textures.zip"
# A film of about 310 frames turns a fruit once. Its last fifth is for tests and what lies before for validation.
ARCS: dict[Split, tuple[int, int]] = {"train": (0, 200), "val": (200, 245), "test": (245, 400)}
SCALES = (0.45, 0.8)  # of the frame
# How much light and shade differ across the fruit, and the channel gains of warm and cold light.
SHADE, WARMTH = 0.25, 0.12


class Scene(NamedTuple):
    """``image`` (size, size, 3) and ``alpha`` (size, size), uint8; where alpha is 0 the image is background."""

    image: NDArray[np.uint8]
    alpha: NDArray[np.uint8]


@dataclass(frozen=True)
class Fruit:
    """The task: one fruit over a texture, with a soft shadow, ``size`` pixels square.

    The direction of the light, its warmth, the place, size and turn of the fruit vary alike in both domains; a key
    decides them. With ``bars`` a fence stands before the fruit, and ``count`` fruits may lie over each other: what is
    hidden by a bar is background. ``fenced`` is the share of training pictures that have a fence where ``bars`` is off,
    alike in both domains; all other pictures stay as they are. Raises ConfigError for an option outside its range.
    """

    size: int = 128
    seed: int = 0
    count: int = 1
    bars: bool = False
    fenced: float = 0.0

    def __post_init__(self) -> None:
        if not 32 <= self.size <= 2048:
            raise ConfigError(f"size={self.size} was given: expected 32 to 2048 pixels.")
        if not 0 <= self.fenced <= 1:
            raise ConfigError(f"fenced={self.fenced} was given: expected a share from 0 to 1.")
        check_positive(seed=self.seed, count=self.count)

    def cutouts(self, kind: Kind, part: Split) -> list[str]:
        """Frames of the films of a kind that belong to a part."""
        low, high = ARCS[part]
        return [name for name in members(FRUIT) if name.startswith(kind) and low <= _frame(name) < high]

    def textures(self, part: Split) -> list[str]:
        """Textures of a part: every tenth is for validation, every fifth for tests."""
        tests, validation = set(members(TEXTURES)[::5]), set(members(TEXTURES)[1::10])
        chosen = {"test": tests, "val": validation, "train": set(members(TEXTURES)) - tests - validation}
        return sorted(chosen[part])

    def draw(self, kind: Kind, part: Split, key: str) -> Scene:
        """A fruit of ``kind`` in the scene that ``key`` decides."""
        rng = generator(self.seed, key)
        behind = self._texture(part, rng)
        angle, warmth = rng.uniform(0, 2 * np.pi), rng.uniform(-WARMTH, WARMTH)
        alpha = np.zeros((self.size, self.size), np.float32)
        image = behind
        for _ in range(int(rng.integers(1, self.count + 1))):
            image, alpha = self._add(image, alpha, str(rng.choice(self.cutouts(kind, part))), angle, rng)
        # A source of its own, so that no other draw depends on the share.
        chosen = part == "train" and generator(self.seed, f"fence/{key}").random() < self.fenced
        if self.bars or chosen:
            image, alpha = self._fence(image, alpha, part, rng)
        image = image * (1 + warmth * np.array([1, 0, -1], np.float32))
        return Scene(_bytes(image), _bytes(alpha))

    def _texture(self, part: Split, rng: np.random.Generator) -> NDArray[np.float32]:
        name = str(rng.choice(self.textures(part)))
        texture = picture(TEXTURES, name).rotate(90 * int(rng.integers(4)))
        side = int(rng.integers(96, 129))
        left, top = (int(offset) for offset in rng.integers(0, 129 - side, 2))
        box = (left, top, left + side, top + side)
        resized = texture.resize((self.size, self.size), Image.Resampling.BICUBIC, box)
        brightness = rng.uniform(0.7, 1.1)
        return np.asarray(resized, np.float32) * np.float32(brightness / 255)

    def _add(
        self,
        image: NDArray[np.float32],
        alpha: NDArray[np.float32],
        name: str,
        angle: float,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One more fruit over ``image``, shaded from ``angle``, and its shadow on what lies below."""
        side = max(8, round(self.size * rng.uniform(*SCALES)))
        left, top = (int(offset) for offset in rng.integers(0, self.size - side + 1, 2))
        cut = _without_rim(picture(FRUIT, name)).rotate(rng.uniform(-25, 25), Image.Resampling.BICUBIC)
        cut = cut.resize((side, side), Image.Resampling.LANCZOS)
        layer = Image.new("RGBA", (self.size, self.size))
        layer.paste(cut, (left, top))
        pixels = np.asarray(layer, np.float32) / np.float32(255)
        share: NDArray[np.float32] = pixels[..., 3]
        y, x = np.mgrid[: self.size, : self.size].astype(np.float32)
        towards = ((x - left - side / 2) * np.cos(angle) + (y - top - side / 2) * np.sin(angle)) / (side / 2)
        fruit = pixels[..., :3] * (1 + np.float32(SHADE) * np.clip(towards, -1, 1))[..., None]
        shadow = _shadow(share, side, angle) * (1 - alpha)
        below = image * (1 - np.float32(rng.uniform(0.3, 0.6)) * shadow)[..., None]
        return below + (fruit - below) * share[..., None], np.maximum(alpha, share)

    def _fence(
        self, image: NDArray[np.float32], alpha: NDArray[np.float32], part: Split, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Bars of another texture before everything."""
        pitch = self.size * rng.uniform(0.2, 0.35)
        width = pitch * rng.uniform(0.15, 0.35)
        axis = np.arange(self.size, dtype=np.float32) + np.float32(rng.uniform(0, pitch))
        inside = (axis % pitch < width).astype(np.float32)
        cover = np.broadcast_to(inside[None, :] if rng.random() < 0.5 else inside[:, None], alpha.shape)
        bars = self._texture(part, rng)
        return image + (bars - image) * cover[..., None], alpha * (1 - cover)


def make_fruit(
    folder: str | os.PathLike[str],
    *,
    size: int = 128,
    seed: int = 0,
    per_fruit: int = 6,
    tests: int = 100,
    count: int = 1,
    bars: bool = False,
    fenced: float = 0.0,
    workers: int = 2,
    force: bool = False,
    report: Report | None = None,
) -> dict[str, int]:
    """Make trainA (apples), trainB (oranges), valA, valB, testA, testB and their masks; returns pictures a folder.

    Each training cut-out is drawn ``per_fruit`` times; ``tests`` pictures a domain are for tests, as many for
    validation. No cut-out and no texture of one part occurs in another. Raises ConfigError for an option outside its
    range, TargetExistsError unless ``force``.
    """
    task = Fruit(size, seed, count, bars, fenced)
    check_positive(per_fruit=per_fruit, tests=tests, workers=workers)
    settings = {"size": size, "seed": seed, "per_fruit": per_fruit, "tests": tests, "count": count, "bars": bars}
    settings |= {"fenced": fenced}
    jobs = list(_jobs(task, per_fruit, tests))
    return write_task(folder, "fruit", jobs, settings, workers=workers, force=force, report=report)


def _jobs(task: Fruit, per_fruit: int, tests: int) -> list[Job]:
    jobs = []
    for letter, kind in zip("AB", KINDS, strict=True):
        # Both domains get as many training pictures: oranges have half the cut-outs.
        training = per_fruit * max(len(task.cutouts(each, "train")) for each in KINDS)
        parts: tuple[tuple[Split, int], ...] = (("train", training), ("val", tests), ("test", tests))
        for part, number in parts:
            jobs += [_job(task, kind, part, f"{part}{letter}", index) for index in range(number)]
    return jobs


def _job(task: Fruit, kind: Kind, part: Split, folder: str, index: int) -> Job:
    """The file's name says its kind: pictures of one name in both domains would be taken for a pair."""
    path = f"{folder}/{kind}_{index:04d}.png"

    def draw() -> tuple[NDArray[Any], NDArray[Any]]:
        return tuple(task.draw(kind, part, f"{folder}/{index:04d}.png"))  # type: ignore[return-value]

    return Job((path, f"masks/{path}"), draw)


def _frame(name: str) -> int:
    match = re.search(r"_(\d+)\.webp$", name)
    assert match is not None, name
    return int(match[1])


def _without_rim(cut: Image.Image) -> Image.Image:
    """The cut-out without its outermost pixel, which still has the white of the studio in it."""
    cut = cut.copy()
    cut.putalpha(cut.getchannel("A").filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(0.5)))
    return cut


def _shadow(share: NDArray[np.float32], side: int, angle: float) -> NDArray[np.float32]:
    """The fruit's outline, moved away from the light and blurred, in [0, 1]."""
    outline = Image.fromarray(_bytes(share))
    reach = 0.12 * side
    moved = Image.new("L", outline.size)
    moved.paste(outline, (round(-reach * np.cos(angle)), round(-reach * np.sin(angle))))
    blurred: NDArray[np.float32] = np.asarray(moved.filter(ImageFilter.GaussianBlur(0.06 * side)), np.float32)
    return blurred / np.float32(255)


def _bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
