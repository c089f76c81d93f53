"""Pictures through a network, a batch at a time, as many as fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..images.picture import Picture
from ..types import ConfigError, ModelError, Translation
from .channels import as_grey, channels_of, network_values
from .compositing import at_size, native_size, resized
from .memory import PIXELS_WITHOUT_ESTIMATE, free_bytes, needed_bytes, too_large
from .options import Options

PIXELS_PER_BATCH = 8 * 256 * 256


@dataclass(frozen=True)
class Run:
    """One network with all that a call says; ``label`` is (1, domains), ``style`` (1, style_dim), or None."""

    generator: nn.Module
    device: torch.device
    dtype: torch.dtype
    label: Tensor | None
    options: Options
    batch_size: int | None = None
    style: Tensor | None = None

    def batches(self, pictures: Sequence[Picture]) -> Iterator[tuple[list[int], Translation]]:
        """Batch by batch, the indexes of its pictures and their translation."""
        for indexes in self._alike(pictures):
            step = self._fitting(len(indexes), pictures[indexes[0]])
            for start in range(0, len(indexes), step):
                part = indexes[start : start + step]
                yield part, self._translate([pictures[i] for i in part])

    def _alike(self, pictures: Sequence[Picture]) -> Iterator[list[int]]:
        """Indexes of pictures that have one size, device and number of channels, a batch at a time."""
        if self.batch_size is not None and self.batch_size < 1:
            raise ConfigError(f"batch_size={self.batch_size} was given: expected 1 or more.")
        groups: dict[Any, list[int]] = {}
        for i, picture in enumerate(pictures):
            groups.setdefault((picture.size, picture.values.device, picture.channels), []).append(i)
        for (size, *_), indexes in groups.items():
            step = self.batch_size or max(1, PIXELS_PER_BATCH // (size[0] * size[1]))
            yield from (indexes[i : i + step] for i in range(0, len(indexes), step))

    def _fitting(self, count: int, picture: Picture) -> int:
        """How many of ``count`` pictures like this one fit into memory at once; ShapeError where not even one does."""
        size = native_size(self.generator, picture, self.options)
        if count * size[0] * size[1] < PIXELS_WITHOUT_ESTIMATE:
            return count
        shape = torch.Size((1, channels_of(self.generator)[0], *size))
        free, needed = free_bytes(self.device), needed_bytes(self.generator, shape, self.dtype, self.label)
        if free is None or needed is None or count * needed <= free:
            return count
        if needed > free or self.batch_size is not None:
            few = count if self.batch_size is not None else 1
            figures = f"{few * needed / 2**30:.1f} GB, {free / 2**30:.1f} are free"
            raise too_large(picture.name, few, size, self.device, figures)
        return free // needed

    @torch.no_grad()
    def _translate(self, pictures: Sequence[Picture]) -> Translation:
        """The translation of pictures of one size at that size, float32, images in [-1, 1] as the network left them."""
        first = pictures[0]
        size, native = first.size, native_size(self.generator, first, self.options)
        images = torch.stack([network_values(picture, self.generator).to(self.device) for picture in pictures]) * 2 - 1
        if native != size:
            images = resized(images, native, "bicubic").clamp(-1, 1)
        translation = self._whole(images.to(self.dtype), first.name)
        if not translation.image.isfinite().all():
            hint = "" if self.dtype in (torch.float32, torch.float64) else ": use bfloat16 or float32"
            raise ModelError(f"{first.name}: the network gave no finite numbers in {self.dtype}{hint}.")
        translation = Translation._make(None if part is None else part.float() for part in translation)
        if first.channels == 1 and channels_of(self.generator)[0] != 1:
            translation = as_grey(translation)
        return translation if native == size else at_size(translation, size)

    def _whole(self, images: Tensor, name: str) -> Translation:
        """The answer at the size of ``images``, also of a network that eats ``margin`` pixels at each side."""
        margin: int = getattr(self.generator, "margin", 0)
        if not margin:
            return self._answer(images, name)
        height, width = images.shape[-2:]
        if margin > 0:
            mode = "reflect" if margin < min(height, width) else "replicate"
            images = F.pad(images, (margin,) * 4, mode=mode)
        answer = self._answer(images, name)
        start = max(0, -margin)
        return answer._replace(image=answer.image[..., start : start + height, start : start + width])

    def _answer(self, images: Tensor, name: str) -> Translation:
        labels = [] if self.label is None else [self.label.to(images).expand(len(images), -1)]
        named = {} if self.style is None else {"style": self.style.to(images).expand(len(images), -1)}
        try:
            answer: Translation = self.generator(images, *labels, **named)
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "allocate memory" not in str(error):
                raise
            size = images.shape[-2], images.shape[-1]
            raise too_large(name, len(images), size, self.device) from error
        return answer
