"""Tiles that overlap and fade into each other: for networks that cannot be computed in strips exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from ...types import ModelError, Translation
from .stream import RowSource, Strips
from .watching import tell

SIDE = 512  # pixels of a tile: twice what most networks were trained on
OVERLAP = 4  # a tile shares one part of so many with its neighbour


@dataclass
class Blended:
    """A network over square tiles of ``side`` pixels, each with its own statistics; what it gives is no exact answer.

    ``forward`` translates a tile (1, C, h, w). ``others`` stays empty: heatmaps and class scores are of whole pictures.
    """

    forward: Callable[[Tensor], Translation]
    size: tuple[int, int]
    side: int = SIDE
    others: dict[str, Tensor] = field(default_factory=dict)

    def run(self, source: RowSource, name: str) -> Iterator[Strips]:
        """Finished rows from the top down, as ``Stream.run`` gives them."""
        height, width = self.size
        sums: dict[str, Tensor] = {}
        weights = torch.zeros(())
        tops = self._starts(height)
        for top, following in pairwise([*tops, height]):
            rows = source(top, min(height, top + self.side))
            for left in self._starts(width):
                tile = rows[..., left : left + self.side]
                weight = self._fade(tile.shape[-2])[:, None] * self._fade(tile.shape[-1])
                weight = weight.to(tile.device)
                for part, values in self._parts(tile, name).items():
                    if part not in sums:
                        sums[part] = values.new_zeros(*values.shape[:-2], min(self.side, height), width)
                    sums[part][..., : tile.shape[-2], left : left + tile.shape[-1]] += values * weight
                if not weights.ndim:
                    weights = weight.new_zeros(min(self.side, height), width)
                weights[: tile.shape[-2], left : left + tile.shape[-1]] += weight
            done = following - top
            yield Strips(
                top, following, {part: values[..., :done, :] / weights[:done] for part, values in sums.items()}
            )
            tell(name, following, height)
            sums = {part: _shifted(values, done) for part, values in sums.items()}
            weights = _shifted(weights, done)

    def _starts(self, length: int) -> list[int]:
        step = max(1, self.side - self.side // OVERLAP)
        last = max(0, length - self.side)
        return [*range(0, last, step), last]

    def _fade(self, length: int) -> Tensor:
        """Weights that rise from one border and fall to the other over the overlap, and are nowhere 0."""
        places = torch.arange(length)
        wide = self.side // OVERLAP + 1
        return torch.minimum(places + 1, length - places).clamp(max=wide) / wide

    def _parts(self, tile: Tensor, name: str) -> dict[str, Tensor]:
        with torch.inference_mode():
            answer = self.forward(tile)
        if answer.image.shape[-2:] != tile.shape[-2:]:
            raise ModelError(f"{name}: the network changes the size of a tile, so that tiles do not fit together.")
        parts = {"image": answer.image, "attention": answer.attention, "contents": answer.contents}
        return {part: values for part, values in parts.items() if values is not None}


def _shifted(values: Tensor, rows: int) -> Tensor:
    """The same map, ``rows`` further down: what is above is done, and below it starts at 0."""
    rest = values[..., rows:, :]
    return torch.cat([rest, values.new_zeros(*values.shape[:-2], rows, values.shape[-1])], -2)
