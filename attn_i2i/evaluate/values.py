"""What a batch of pictures offers to measures: each need is read or computed when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ..images import read_mask
from ..types import ShapeError
from .data import Data
from .features import Extractor, Perceptual
from .outputs import Outputs

TRUE = 0.5
"""From here on a given mask counts as foreground, where it must be one or the other."""


@dataclass(frozen=True)
class Means:
    """What looks at pictures: networks for features and for LPIPS, and the threshold of a model's own mask."""

    extractor: Extractor | None = None
    perceptual: Perceptual | None = None
    threshold: float = 0.5


@dataclass
class MeasuringBatch:
    """The pictures ``stems`` of one subject, of one size, with or without given masks."""

    data: Data
    outputs: Outputs
    means: Means
    stems: list[str]

    def need(self, name: str) -> object:
        """The value of ``name``, a key of NEEDS for measures over pictures."""
        return getattr(self, name)

    @cached_property
    def source(self) -> Tensor:
        return torch.stack([self.data.rgb(self.data.inputs[stem]) for stem in self.stems])

    @cached_property
    def output(self) -> Tensor:
        return self._like_source(self.outputs.pictures)

    @cached_property
    def truth(self) -> Tensor:
        assert self.data.truth is not None
        return torch.stack([self._truth(stem) for stem in self.stems])

    @cached_property
    def cycled(self) -> Tensor:
        assert self.outputs.cycled is not None
        return self._like_source(self.outputs.cycled)

    @cached_property
    def area(self) -> Tensor:
        """Where the picture or its truth shows the foreground."""
        assert self.data.masks is not None
        masks = self._masks(self.data.masks)
        there = self.data.truth_masks
        if there is None or not all(stem in there for stem in self.stems):
            return masks
        return torch.maximum(masks, self._masks(there))

    @cached_property
    def attention(self) -> Tensor:
        assert self.outputs.attention is not None
        return self._masks(self.outputs.attention)

    @cached_property
    def mask(self) -> Tensor:
        """Given masks, else the model's own at the threshold."""
        if self.data.masks is not None:
            return self.area
        return (self.attention >= self.means.threshold).float()

    @cached_property
    def true_mask(self) -> Tensor:
        assert self.data.masks is not None
        return self._masks(self.data.masks) > TRUE

    @property
    def threshold(self) -> float:
        return self.means.threshold

    @property
    def perceptual(self) -> Callable[[Tensor, Tensor], Tensor]:
        network = self.means.perceptual
        assert network is not None
        device = network.heads[0].device
        return lambda first, second: network(first.to(device), second.to(device)).cpu()

    @cached_property
    def output_maps(self) -> Tensor | None:
        assert self.means.extractor is not None
        return self.means.extractor.maps(self.output)

    @cached_property
    def source_maps(self) -> Tensor | None:
        assert self.means.extractor is not None
        return self.means.extractor.maps(self.source)

    def _like_source(self, pictures: object) -> Tensor:
        size = self.source.shape[-2:]
        return torch.stack([fitted(self.data.rgb(pictures[stem]), size) for stem in self.stems])  # type: ignore[index]

    def _truth(self, stem: str) -> Tensor:
        assert self.data.truth is not None
        path = self.data.truth[stem]
        truth, size = self.data.rgb(path), self.source.shape[-2:]
        if truth.shape[-2:] != size:
            ours = self.data.inputs[stem]
            raise ShapeError(
                f"{path} has {truth.shape[-1]}x{truth.shape[-2]} pixels, its input {ours} has {size[1]}x{size[0]}:"
                " bring both to one size, or say that they are no pairs (pairs=False)."
            )
        return truth

    def _masks(self, masks: object) -> Tensor:
        size = self.source.shape[-2], self.source.shape[-1]
        return torch.stack([_mask(masks[stem], size) for stem in self.stems])  # type: ignore[index]


def _mask(path: Path, size: tuple[int, int]) -> Tensor:
    try:
        return read_mask(path, size)
    except ShapeError as error:
        raise ShapeError(f"{path}: {error}") from error


def fitted(picture: Tensor, size: torch.Size) -> Tensor:
    """``picture`` (3, H, W) at ``size``: other programs write one size whatever they read."""
    if picture.shape[-2:] == size:
        return picture
    resized = F.interpolate(picture[None], size, mode="bicubic", antialias=True, align_corners=False)
    return resized[0].clamp(0, 1)
