"""Backgrounds made by code: gradients, smooth noise and textures."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["calm", "loud"]
Array = NDArray[np.float32]


def background(rng: np.random.Generator, size: int, kind: Kind = "calm") -> Array:
    """A random (size, size, 3) background in [0, 1].

    Calm: a gradient between two near, muted colours and smooth noise of low contrast. Loud: any two colours, joined
    by a gradient, stripes, checks or dots, and stronger noise.
    """
    if kind == "calm":
        first = rng.uniform(0.2, 0.9) + rng.normal(0, 0.12, 3)
        second, mix, strength = first + rng.normal(0, 0.1, 3), gradient(rng, size), rng.uniform(0.01, 0.05)
    else:
        first = rng.uniform(0.05, 0.95, 3)
        second, strength = rng.uniform(0.05, 0.95, 3), rng.uniform(0.05, 0.2)
        pattern: Callable[[np.random.Generator, int], Array] = (gradient, stripes, checks, dots)[rng.integers(4)]
        mix = pattern(rng, size)
    picture = first + (second - first) * mix[..., None] + strength * noise(rng, size)
    return np.clip(picture, 0, 1).astype(np.float32)


def gradient(rng: np.random.Generator, size: int) -> Array:
    """A linear or radial ramp over [0, 1], (size, size)."""
    if rng.random() < 0.5:
        ramp = _rotated(rng, size)[0]
    else:
        y, x = _grid(size)
        ramp = np.hypot(x - rng.uniform(-0.6, 0.6), y - rng.uniform(-0.6, 0.6))
    low, high = ramp.min(), ramp.max()
    return ((ramp - low) / (high - low)).astype(np.float32)


def stripes(rng: np.random.Generator, size: int) -> Array:
    """Stripes at any angle with edges one or two pixels soft, (size, size) in [0, 1]."""
    return _soft(_wave(rng, size, _rotated(rng, size)[0]))


def checks(rng: np.random.Generator, size: int) -> Array:
    """A rotated chess board, (size, size) in [0, 1]."""
    x, y = _rotated(rng, size)
    cycles = rng.uniform(2, 8)
    return _soft(np.sin(np.pi * cycles * x) * np.sin(np.pi * cycles * y) * size / cycles / 4)


def dots(rng: np.random.Generator, size: int) -> Array:
    """Round dots on a rotated lattice, (size, size) in [0, 1]."""
    x, y = _rotated(rng, size)
    cycles, radius = rng.uniform(2, 8), rng.uniform(0.2, 0.4)
    distance = np.hypot((x * cycles) % 1 - 0.5, (y * cycles) % 1 - 0.5)
    return _soft((radius - distance) * size / cycles / 2)


def noise(rng: np.random.Generator, size: int, octaves: int = 4) -> Array:
    """Smooth coloured noise, (size, size, 3), mean about 0 and deviation about 1: each octave twice as fine, half as
    strong.
    """
    total = np.zeros((size, size, 3), np.float32)
    for octave in range(octaves):
        points = 2 ** (octave + 1) + 1
        lattice = rng.standard_normal((points, points, 3), np.float32)
        weights = _interpolation(size, points)
        total += (
            np.einsum("yi,ijc,xj->yxc", weights, lattice, weights, optimize=["einsum_path", (0, 1), (0, 1)]) / 2**octave
        )
    return total


@cache
def _grid(size: int) -> tuple[Array, Array]:
    axis = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    return axis[:, None], axis[None, :]


@cache
def _interpolation(size: int, points: int) -> Array:
    """(size, points) weights of a cosine interpolation from ``points`` lattice values; each row sums to 1."""
    position = np.linspace(0, points - 1, size)
    left = np.minimum(position.astype(int), points - 2)
    right_share = (1 - np.cos(np.pi * (position - left))) / 2
    weights = np.zeros((size, points), np.float32)
    weights[np.arange(size), left] = 1 - right_share
    weights[np.arange(size), left + 1] = right_share
    return weights


def _rotated(rng: np.random.Generator, size: int) -> tuple[Array, Array]:
    """Coordinates in frame widths, turned by a random angle."""
    y, x = _grid(size)
    angle = rng.uniform(0, 2 * np.pi)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _wave(rng: np.random.Generator, size: int, along: Array) -> Array:
    """A wave of 2 to 10 cycles a frame whose slope at its zeros is about one a pixel."""
    cycles = rng.uniform(2, 10)
    wave: Array = np.sin(2 * np.pi * (cycles * along + rng.random())) * size / cycles / 6
    return wave


def _soft(signed: Array) -> Array:
    """A step at 0 that takes about two pixels, for ``signed`` in pixels."""
    return np.clip(signed / 2 + 0.5, 0, 1).astype(np.float32)
