"""DiffAugment and its adaptive strength: what discriminators are shown of real images and of fakes alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..types import ConfigError
from .augment import brightened, contrasted, cut_out, saturated, translated

KINDS = ("color", "translation", "cutout")
"""What may be done to an image, in the order in which it is done (Zhao et al., arXiv:2006.10738, section 3)."""
ADAPTIVE = "adaptive"
# DiffAugment's published ranges: brightness of images in [-1, 1], factors of saturation and contrast, shares of a side.
BRIGHTNESS, SATURATION, CONTRAST = (-0.5, 0.5), (0.0, 2.0), (0.5, 1.5)
SHIFT, CUT = 1 / 8, 1 / 2


def read_kinds(recipe: str, text: str) -> tuple[tuple[str, ...], bool]:
    """The kinds of augmentation that ``text`` names, and whether their strength adapts; "adaptive" alone means all.

    Raises ConfigError for other words.

    >>> read_kinds("cyclegan", "cutout,color"), read_kinds("cyclegan", "adaptive")
    ((('color', 'cutout'), False), (('color', 'translation', 'cutout'), True))
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    strange = [word for word in words if word not in (*KINDS, ADAPTIVE)]
    if strange or len(set(words)) < len(words) or not words:
        raise ConfigError(
            f"{recipe}: augment={text!r} was given, expected {', '.join(KINDS)} or some of them, separated by commas,"
            f" with {ADAPTIVE} among them or alone for a strength that follows from the training."
        )
    adaptive = ADAPTIVE in words
    return tuple(kind for kind in KINDS if kind in words) or KINDS, adaptive


class Lens:
    """Shows (B, C, H, W) in [-1, 1], of any channels, as ``kinds`` say; a mask (B, 1, H, W) goes where its image goes.

    Each change is made to an image with probability ``chance`` (Karras et al., arXiv:2006.06676, section 2.2), whose
    draws are those of ``random``, a generator of the CPU. ``looks`` counts calls. ``mask`` is the last mask shown, as
    it came in.
    """

    def __init__(self, kinds: Sequence[str], random: torch.Generator, chance: float = 1.0) -> None:
        self.kinds, self.random, self.chance = kinds, random, chance
        self.looks = 0
        self.mask: Tensor | None = None

    def hook(self, module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """A forward pre-hook: other images and masks in the place of those that a discriminator is given."""
        image, mask = (*arguments, None)[:2] if len(arguments) < 2 else arguments[:2]
        by_name = len(arguments) < 2 and "attention" in named
        image, shown = self(image, named["attention"] if by_name else mask)
        if by_name:
            return (image, *arguments[1:]), {**named, "attention": shown}
        return (image, *((shown,) if len(arguments) > 1 else ()), *arguments[2:]), named

    def __call__(self, image: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The image and the mask as they are seen."""
        self.looks += 1
        self.mask = None if mask is None else mask.detach()
        if "color" in self.kinds:
            image = self._coloured(image)
        for kind, change in (("translation", self._movement), ("cutout", self._cut)):
            if kind in self.kinds:
                apply = change(image)
                image, mask = apply(image), None if mask is None else apply(mask)
        return image, mask

    def _coloured(self, image: Tensor) -> Tensor:
        count = len(image)
        amount, *factors = (self._drawn(count, *limits) for limits in (BRIGHTNESS, SATURATION, CONTRAST))
        image = brightened(image, torch.where(self._chosen(count), amount, 0.0))
        image = saturated(image, torch.where(self._chosen(count), factors[0], 1.0))
        return contrasted(image, torch.where(self._chosen(count), factors[1], 1.0))

    def _movement(self, image: Tensor) -> Callable[[Tensor], Tensor]:
        chosen = self._chosen(len(image))
        down, right = (
            torch.where(chosen, self._whole(len(image), -most, most), 0)
            for most in (int(side * SHIFT + 0.5) for side in image.shape[-2:])
        )
        return lambda part: translated(part, down, right)

    def _cut(self, image: Tensor) -> Callable[[Tensor], Tensor]:
        chosen = self._chosen(len(image))
        sides = [int(side * CUT + 0.5) for side in image.shape[-2:]]
        corners = []
        for side, length in zip(sides, image.shape[-2:], strict=True):
            centre = self._whole(len(image), 0, length - side % 2)
            # What is not chosen is cut beside the image.
            corners.append(torch.where(chosen, centre - side // 2, -side))
        return lambda part: cut_out(part, corners[0], corners[1], (sides[0], sides[1]))

    def _drawn(self, count: int, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=self.random, device="cpu")

    def _whole(self, count: int, low: int, high: int) -> Tensor:
        return torch.randint(low, high + 1, (count,), generator=self.random, device="cpu")

    def _chosen(self, count: int) -> Tensor:
        """Which images are changed; drawn at every chance, so that the draws behind it stay the same."""
        return torch.rand(count, generator=self.random, device="cpu") < self.chance
