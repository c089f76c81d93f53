"""Pictures through a network, a batch at a time, as many as fit into memory."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..devices import is_shortage
from ..images.picture import Picture, PictureWarning
from ..interfaces import channels_of
from ..tuning import this_tuner
from ..tuning.precision import AutoPrecision
from ..types import ConfigError, Translation
from .answers import check_shapes, check_values
from .channels import as_grey, network_values
from .compositing import assemble, at_size, native_size, resized
from .memory import PIXELS_WITHOUT_ESTIMATE, free_bytes, needed_bytes, too_large
from .options import Options
from .result import Result
from .tiles.picture import InStrips
from .tiles.trace import Forward

PIXELS_PER_BATCH = 8 * 256 * 256  # on a GPU: eight pictures of the published size
CPU_PIXELS_PER_BATCH = 256 * 256  # more leave its cache: 8 pictures of 256 pixels took half as long again as one by one


@dataclass(frozen=True)
class TranslationRun:
    """One network with all that a call says; ``label`` is (1, domains), ``style`` (1, style_dim), or None."""

    generator: nn.Module
    device: torch.device
    dtype: torch.dtype
    label: Tensor | None
    options: Options
    batch_size: int | None = None
    style: Tensor | None = None

    def results(self, pictures: Sequence[Picture], limits: Sequence[Tensor | None]) -> Iterator[tuple[int, Result]]:
        """The index and the result of each picture, as they are done; ``limits`` are the masks of what may change."""
        for index, result in self._computed(pictures, limits):
            self._warn_of_depth(pictures[index])
            yield index, result

    def _computed(self, pictures: Sequence[Picture], limits: Sequence[Tensor | None]) -> Iterator[tuple[int, Result]]:
        for indexes in self._alike(pictures):
            first = pictures[indexes[0]]
            step = self._fitting(len(indexes), first)
            if not step:
                strips = InStrips(self, first)
                yield from ((i, strips.translate(pictures[i], limits[i])) for i in indexes)
                continue
            for start in range(0, len(indexes), step):
                part = indexes[start : start + step]
                translation = self._translate([pictures[i] for i in part])
                for row, i in enumerate(part):
                    single = Translation._make(None if values is None else values[row] for values in translation)
                    yield i, assemble(pictures[i], single, limits[i], self.options)

    def _alike(self, pictures: Sequence[Picture]) -> Iterator[list[int]]:
        """Indexes of pictures that have one size, device and number of channels, a batch at a time."""
        if self.batch_size is not None and self.batch_size < 1:
            raise ConfigError(f"batch_size={self.batch_size} was given: expected 1 or more.")
        groups: dict[Any, list[int]] = {}
        for i, picture in enumerate(pictures):
            groups.setdefault((picture.size, picture.values.device, picture.channels), []).append(i)
        for (size, *_), indexes in groups.items():
            step = self.at_once(size)
            yield from (indexes[i : i + step] for i in range(0, len(indexes), step))

    def at_once(self, size: tuple[int, int]) -> int:
        """How many pictures of that size share a batch, if memory allows it."""
        pixels = CPU_PIXELS_PER_BATCH if self.device.type == "cpu" else PIXELS_PER_BATCH
        return self.batch_size or max(1, pixels // prod(size))

    def _fitting(self, count: int, picture: Picture) -> int:
        """How many of ``count`` pictures like this one fit into memory at once; 0 where not even one: in strips.

        ShapeError where strips are not wanted, or where the caller wants more at once.
        """
        tile, size = self.options.tile, native_size(self.generator, picture, self.options)
        if isinstance(tile, int):
            return count if tile >= size[0] and getattr(self.generator, "image_size", None) is None else 0
        if count * max(prod(size), prod(picture.size)) < PIXELS_WITHOUT_ESTIMATE:
            return count
        shape = torch.Size((1, channels_of(self.generator)[0], *size))
        network = Forward(self.generator, lambda *call: self.forward(picture, *call))
        free, needed = free_bytes(self.device), needed_bytes(network, shape, self.dtype, self.label)
        if free is None or needed is None or count * needed <= free:
            return count
        if self.batch_size is None and needed <= free:
            return free // needed
        few = count if self.batch_size is not None and needed <= free else 1
        figures = f"{few * needed / 2**30:.1f} GB, {free / 2**30:.1f} are free"
        if few > 1 or tile == "off" or getattr(self.generator, "image_size", None) is not None:
            raise too_large(picture.name, few, size, self.device, figures)
        self._tell(picture, figures)
        return 0

    def _warn_of_depth(self, picture: Picture) -> None:
        """Say where a picture has more levels than the precision in which its network sees and answers."""
        dtype = self.dtype
        if isinstance(self.generator, AutoPrecision) and self.generator.found is not None:
            dtype = getattr(torch, self.generator.found.dtype)
        if picture.dtype == np.uint8 or dtype.itemsize > 2:
            return
        message = (
            f"Pictures of {picture.dtype} are computed in {str(dtype).removeprefix('torch.')}, in which"
            " neighbouring levels are the same: numbers change where masks are 0, too, unless the background is kept."
            " Use float32."
        )
        warnings.warn(message, PictureWarning, stacklevel=4)

    def _tell(self, picture: Picture, figures: str) -> None:
        height, width = picture.size
        message = (
            f"{picture.name}: {width}x{height} pixels do not fit into memory whole ({figures}): computed in strips,"
            " which takes longer."
        )
        warnings.warn(message, PictureWarning, stacklevel=4)

    @torch.no_grad()
    def _translate(self, pictures: Sequence[Picture]) -> Translation:
        """The translation of pictures of one size at that size, float32, images in [-1, 1] as the network left them."""
        first = pictures[0]
        images = torch.stack([self.native(picture) for picture in pictures])
        translation = self.forward(first, self.generator, images, self.label)
        self.check(translation, first.name)
        return translation

    def native(self, picture: Picture) -> Tensor:
        """What the network gets to see of a picture: (C, H, W) in [-1, 1]."""
        values = network_values(picture, self.generator).to(self.device) * 2 - 1
        size = native_size(self.generator, picture, self.options)
        if size != picture.size:
            values = resized(values[None], size, "bicubic")[0].clamp(-1, 1)
        return values.to(self.dtype)

    def forward(self, picture: Picture, network: nn.Module, images: Tensor, label: Tensor | None) -> Translation:
        """What becomes of ``images`` of that picture's kind: float32, at its size, grey where it is grey."""
        whole = replace(self, generator=network, label=label)._whole(images, picture.name)
        translation = Translation._make(None if part is None else part.float() for part in whole)
        if picture.channels == 1 and channels_of(network)[0] != 1:
            translation = as_grey(translation)
        return translation if translation.image.shape[-2:] == picture.size else at_size(translation, picture.size)

    def check(self, translation: Translation, name: str) -> None:
        """Raise ModelError where a network's answer is not finite, or its masks are none."""
        hint = "" if self.dtype in (torch.float32, torch.float64) else ": use bfloat16 or float32"
        check_values(translation, name, f" in {self.dtype}{hint}")

    def _whole(self, images: Tensor, name: str) -> Translation:
        """The answer at the size of ``images``, also of a network that eats ``margin`` pixels at each side."""
        margin: int = getattr(self.generator, "margin", 0)
        if not margin:
            return check_shapes(self._answer(images, name), images, self.generator, name)
        height, width = images.shape[-2:]
        padded = images
        if margin > 0:
            mode = "reflect" if margin < min(height, width) else "replicate"
            padded = F.pad(images, (margin,) * 4, mode=mode)
        answer = self._answer(padded, name)
        start = max(0, -margin)
        answer = answer._replace(image=answer.image[..., start : start + height, start : start + width])
        return check_shapes(answer, images, self.generator, name)

    def _answer(self, images: Tensor, name: str) -> Translation:
        labels = [] if self.label is None else [self.label.to(images).expand(len(images), -1)]
        named = {} if self.style is None else {"style": self.style.to(images).expand(len(images), -1)}
        this_tuner().fit(self.generator, [images, *labels], named)
        try:
            answer: Translation = self.generator(images, *labels, **named)
        except (MemoryError, RuntimeError) as error:
            if not is_shortage(error):
                raise
            size = images.shape[-2], images.shape[-1]
            raise too_large(name, len(images), size, self.device) from error
        return answer
