"""The random numbers of a process: Python's, numpy's and torch's, which recipes and networks draw from."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ..devices import GPUS, is_available


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's generators."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_states() -> dict[str, Any]:
    """The states of Python's, numpy's and torch's generators, as plain values and tensors."""
    version, numbers, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        **{kind: torch.get_device_module(kind).get_rng_state() if is_available(kind) else None for kind in GPUS},
    }


def restore_random(states: Mapping[str, Any]) -> None:
    """Continue the random numbers of ``random_states``'s answer."""
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    for kind in GPUS:
        if states.get(kind) is not None and is_available(kind):
            torch.get_device_module(kind).set_rng_state(states[kind])


@contextmanager
def untouched() -> Iterator[None]:
    """Whatever is drawn or seeded inside, the numbers outside go on as if nothing had been."""
    before = random_states()
    try:
        yield
    finally:
        restore_random(before)
