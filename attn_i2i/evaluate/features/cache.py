"""Features of pictures, remembered by what the pictures show and by the network that looked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ...files import save_safetensors
from .extractor import Extractor

BATCH = 16
"""Pictures of one size that a network sees at once: more gains little on a CPU and needs much memory."""


def cached_features(
    images: Iterable[Tensor],
    extractor: Extractor,
    folder: Path,
    advance: Callable[[], None] = lambda: None,
) -> Tensor:
    """Features (N, D) of (3, H, W) pictures in [0, 1] of any sizes, in order; what ``folder`` holds is not done again.

    A picture is known by its 8-bit pixels, the extractor by its name and weights. Every batch is stored when it is
    done. ``advance`` is called after each picture.
    """
    store = folder / hashlib.sha256(f"{extractor.name} {extractor.weights}".encode()).hexdigest()[:16]
    store.mkdir(parents=True, exist_ok=True)
    rows: dict[int, Tensor] = {}
    for indexes, batch in _batches(images):
        keys = [_key(image) for image in batch]
        features = [_stored(store / f"{key}.safetensors") for key in keys]
        todo = [place for place, row in enumerate(features) if row is None]
        if todo:
            fresh = extractor.features(torch.stack([batch[place] for place in todo]))
            for place, row in zip(todo, fresh, strict=True):
                features[place] = row
                save_safetensors({"features": row}, store / f"{keys[place]}.safetensors", force=True)
        for index, row in zip(indexes, features, strict=True):
            assert row is not None
            rows[index] = row
            advance()
    return torch.stack([rows[index] for index in range(len(rows))])


def _batches(images: Iterable[Tensor]) -> Iterator[tuple[list[int], list[Tensor]]]:
    """Indexes and pictures that follow each other and have one size."""
    indexes: list[int] = []
    batch: list[Tensor] = []
    for index, image in enumerate(images):
        if batch and (len(batch) == BATCH or image.shape != batch[0].shape):
            yield indexes, batch
            indexes, batch = [], []
        indexes.append(index)
        batch.append(image)
    if batch:
        yield indexes, batch


def _key(image: Tensor) -> str:
    pixels = image.mul(255).round().byte().contiguous()
    return hashlib.sha256(repr(tuple(pixels.shape)).encode() + pixels.numpy().tobytes()).hexdigest()


def _stored(path: Path) -> Tensor | None:
    """The features in a file; None where there is none, or a damaged one."""
    try:
        return load_file(path)["features"]
    except (OSError, SafetensorError, KeyError):
        return None
