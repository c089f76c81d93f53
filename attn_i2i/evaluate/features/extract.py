"""Features of batches through any function, for use from Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from ...types import ShapeError


@torch.no_grad()
def extract(extractor: Callable[[Tensor], Tensor], batches: Iterable[Tensor]) -> Tensor:
    """Features (N, D), float64 on the CPU, of batches of pictures in whatever range the ``extractor`` takes.

    An extractor maps (B, 3, H, W) to (B, D). The published numbers use the 2048 features of the last pooling of an
    Inception network trained by Google; only numbers from one extractor compare. Raises ShapeError.
    """
    parts = [extractor(batch) for batch in batches]
    if not parts or any(part.ndim != 2 for part in parts):
        shapes = [tuple(part.shape) for part in parts[:1]]
        raise ShapeError(
            f"The extractor gave {shapes or 'nothing'}: expected one (B, D) for each of one or more batches."
        )
    return torch.cat([part.cpu().double() for part in parts])
