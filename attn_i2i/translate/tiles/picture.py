"""One picture in strips, from its file's numbers to a result: the same as from a network that sees it whole."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...images.picture import Picture
from ...types import Translation
from ..channels import channels_of, network_values
from ..compositing import assemble, native_size, normalised
from ..memory import free_bytes, too_large
from ..result import Result
from .plan import analyse
from .scratch import Array
from .stream import Stream, Strips
from .trace import trace

if TYPE_CHECKING:
    from ..running import Run

STRIP_BYTES = 2**29  # of what a strip takes at most: larger strips are no faster
PARTS = ("image", "foreground", "background", "mask", "contents", "kept")
# A part of a result that is larger goes into a file without a name, and into memory as it is looked at. The image does
# not: everybody looks at it.
PART_IN_MEMORY = 2**27


class InStrips:
    """Pictures of one size through the network of ``run``, strip by strip; ``picture`` is one of them."""

    def __init__(self, run: Run, picture: Picture) -> None:
        self.run = run
        self.size = native_size(run.generator, picture, run.options)
        shape = torch.Size((1, channels_of(run.generator)[0], *self.size))
        self.traced = trace(run.generator, shape, run.dtype, run.label, partial(run.forward, picture))

    def translate(self, picture: Picture, limit: Tensor | None) -> Result:
        """The result of one picture; ``limit`` (1, H, W) says where it may change."""
        tile, free = self.run.options.tile, free_bytes(self.run.device)
        budget = STRIP_BYTES if free is None else min(STRIP_BYTES, free // 4)
        stream = Stream(analyse(self.traced, self.run.device), budget, tile if isinstance(tile, int) else None)
        self._check_memory(stream, picture, free)
        arrays: dict[str, Array] = {}
        try:
            for strip in stream.run(self._source(picture), picture.name):
                self._put(arrays, self._assembled(picture, strip, limit), strip, picture)
            parts = {name: array.tensor() for name, array in arrays.items()}
        finally:
            for array in arrays.values():
                array.close()
        raw = stream.others.get("heatmap")
        raw = None if raw is None else raw[0].float().to(picture.values.device)
        heatmap = None if raw is None else normalised(raw, picture.size)
        common = (picture.alpha, picture.name, picture.icc, picture)
        names = ("image", "foreground", "background", "mask", "contents")
        image, *masks = (parts.get(name) for name in names)
        assert image is not None
        return Result(image, picture.values, *masks, heatmap, raw, limit, *common, parts.get("kept"))

    def _check_memory(self, stream: Stream, picture: Picture, free: int | None) -> None:
        needed = max(stream.strip_bytes(step, stream.count(step)) for step in stream.plan)
        if free is not None and needed > free:
            figures = f"{needed / 2**30:.1f} GB even in strips, {free / 2**30:.1f} are free"
            raise too_large(picture.name, 1, self.size, self.run.device, figures)

    def _source(self, picture: Picture) -> partial[Tensor]:
        """What gives rows of the network's input."""
        network_values(replace(picture, values=picture.values[:, :1]), self.run.generator)  # are its channels right?
        if self.size != picture.size:
            small = self.run.native(picture)[None]
            return partial(_cut, small)
        return partial(self._rows, picture)

    def _rows(self, picture: Picture, first: int, last: int) -> Tensor:
        rows = picture.values[:, first:last].to(self.run.device)
        if picture.stored is not None:
            rows = rows.clamp(0, 1)
        channels = channels_of(self.run.generator)[0]
        return (rows.expand(channels, -1, -1)[None] * 2 - 1).to(self.run.dtype)

    def _assembled(self, picture: Picture, strip: Strips, limit: Tensor | None) -> Result:
        parts = {name: part[0] for name, part in strip.parts.items() if name != "heatmap"}
        translation = Translation(**parts)
        self.run.check(translation.image, picture.name)
        rows = slice(strip.first, strip.last)
        cut = replace(picture, values=picture.values[:, rows], alpha=None)
        return assemble(cut, translation, None if limit is None else limit[:, rows], self.run.options)

    def _put(self, arrays: dict[str, Array], result: Result, strip: Strips, picture: Picture) -> None:
        for name in PARTS:
            part: Tensor | None = getattr(result, name)
            if part is None:
                continue
            if name not in arrays:
                shape = (*part.shape[:-2], *picture.size)
                large = name != "image" and math.prod(shape) * part.element_size() > PART_IN_MEMORY
                on_disk = large and part.device.type == "cpu"
                arrays[name] = Array(shape, part.dtype, on_disk, part.device)
            arrays[name].write(strip.first, part)


def _cut(values: Tensor, first: int, last: int) -> Tensor:
    return values[..., first:last, :]
