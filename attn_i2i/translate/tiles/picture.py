"""One picture in strips, from its file's numbers to a result: the same as from a network that sees it whole."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from ...images.picture import Picture, PictureWarning
from ...interfaces import channels_of
from ...types import ShapeError, Translation
from ..channels import network_values
from ..compositing import assemble, native_size, normalised
from ..memory import free_bytes, too_large
from ..options import Options
from ..result import Result
from .blended import SIDE, Blended
from .kinds import Tiling, advertised
from .plan import StripGraph, analyse
from .scratch import ScratchArray
from .stream import Strips, StripStream
from .trace import UntileableError, trace

STRIP_BYTES = 2**29  # of what a strip takes at most: larger strips are no faster
PARTS = ("image", "foreground", "background", "mask", "contents", "kept")
# A part of a result that is larger goes into a file without a name, and into memory as it is looked at. The image does
# not: everybody looks at it.
PART_IN_MEMORY = 2**27


class SupportsStrips(Protocol):
    """A network with all that a call says, and what is done before and after it (`..running.TranslationRun`)."""

    @property
    def generator(self) -> nn.Module: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def label(self) -> Tensor | None: ...
    @property
    def options(self) -> Options: ...

    def native(self, picture: Picture) -> Tensor: ...

    def forward(self, picture: Picture, network: nn.Module, images: Tensor, label: Tensor | None) -> Translation: ...

    def check(self, translation: Translation, name: str) -> None: ...


class InStrips:
    """Pictures of one size through the network of ``run``, strip by strip; ``picture`` is one of them.

    ShapeError for networks that refuse, a PictureWarning for those whose answer is not exact then.
    """

    def __init__(self, run: SupportsStrips, picture: Picture) -> None:
        self.run = run
        self.size = native_size(run.generator, picture, run.options)
        kind = advertised(run.generator) or Tiling("exact")
        if kind.kind == "refused":
            raise ShapeError(f"{picture.name}: this network cannot be computed in strips (tile), because {kind.why}.")
        self.graph: StripGraph | None = None
        try:
            if kind.kind == "approximate":
                raise UntileableError(kind.why)
            shape = torch.Size((1, channels_of(run.generator)[0], *self.size))
            traced = trace(run.generator, shape, run.dtype, run.label, partial(run.forward, picture))
            self.graph = analyse(traced, run.device)
        except UntileableError as error:
            self._tell(picture, str(error))

    def translate(self, picture: Picture, limit: Tensor | None) -> Result:
        """The result of one picture; ``limit`` (1, H, W) says where it may change."""
        stream = self._stream(picture)
        arrays: dict[str, ScratchArray] = {}
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
        return Result(
            parts["image"],
            picture.values,
            parts.get("foreground"),
            parts.get("background"),
            parts.get("mask"),
            parts.get("contents"),
            heatmap,
            raw,
            limit,
            picture.alpha,
            picture.name,
            picture.icc,
            picture,
            parts.get("kept"),
        )

    def _tell(self, picture: Picture, why: str) -> None:
        if self.size != picture.size:
            raise ShapeError(f"{picture.name}: this network cannot be computed in strips, because {why}.")
        message = (
            f"{picture.name}: it is computed in tiles of {self._side()} pixels, each with statistics of its own,"
            f" because {why}: seams may show, and there is no heatmap."
        )
        warnings.warn(message, PictureWarning, stacklevel=5)

    def _side(self) -> int:
        tile = self.run.options.tile
        return tile if isinstance(tile, int) else SIDE

    def _stream(self, picture: Picture) -> StripStream | Blended:
        tile, free = self.run.options.tile, free_bytes(self.run.device)
        if self.graph is None:
            self._check_memory(0, picture, free)
            return Blended(partial(self._tile, picture), picture.size, self._side())
        budget = STRIP_BYTES if free is None else min(STRIP_BYTES, free // 4)
        stream = StripStream(self.graph, budget, tile if isinstance(tile, int) else None)
        self._check_memory(max(stream.strip_bytes(step, stream.count(step)) for step in stream.plan), picture, free)
        return stream

    def _tile(self, picture: Picture, tile: Tensor) -> Translation:
        height, width = tile.shape[-2:]
        cut = replace(picture, values=picture.values[:, :height, :width])
        return self.run.forward(cut, self.run.generator, tile, self.run.label)

    def _check_memory(self, strip: int, picture: Picture, free: int | None) -> None:
        """Raise ShapeError where a strip takes more than is free, or the image, which is whole where its source is."""
        channels = 1 if picture.channels == 1 else channels_of(self.run.generator)[1]
        image = channels * math.prod(picture.size) * torch.float32.itemsize
        here, home = self.run.device, picture.values.device
        apart = here.type != home.type
        claims = [(home, image, free_bytes(home)), (here, strip, free)] if apart else [(here, image + strip, free)]
        for device, needed, left in claims:
            if left is not None and needed > left:
                figures = f"{needed / 2**30:.1f} GB even in strips, {left / 2**30:.1f} are free"
                raise too_large(picture.name, 1, self.size, device, figures)

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
        self.run.check(translation, picture.name)
        rows = slice(strip.first, strip.last)
        cut = replace(picture, values=picture.values[:, rows], alpha=None)
        return assemble(cut, translation, None if limit is None else limit[:, rows], self.run.options)

    def _put(self, arrays: dict[str, ScratchArray], result: Result, strip: Strips, picture: Picture) -> None:
        for name in PARTS:
            part: Tensor | None = getattr(result, name)
            if part is None:
                continue
            if name not in arrays:
                shape = (*part.shape[:-2], *picture.size)
                large = name != "image" and math.prod(shape) * part.element_size() > PART_IN_MEMORY
                on_disk = large and part.device.type == "cpu"
                arrays[name] = ScratchArray(shape, part.dtype, on_disk, part.device)
            arrays[name].write(strip.first, part)


def _cut(values: Tensor, first: int, last: int) -> Tensor:
    return values[..., first:last, :]
