"""Several trained models become one AttentionGAN II: its generators learn the mean of what the others change."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from attn_i2i.types import ShapeError
from torch import Tensor

from .taught import LearningOptions, TaughtRecipe, taught
from .teachers import mask_of, reach_of


class DistilledRecipe(TaughtRecipe):
    """One model from several of the same task, of any architecture; losses are named by the domain of the images.

    Trainings that differ in their seed or options agree in what the data show, and differ in what they made up. The
    mean keeps what they agree in (distillation of an ensemble, Hinton et al., arXiv:1503.02531). The masks of those
    that have any keep the background from those that have none. Raises ConfigError without teachers that translate both
    ways, and what ``attn_i2i.load`` raises.

    Generators A2B and B2A are drawn to x + min(1, gain m) (y - x) for image x. There y is the mean of the teachers'
    images, and m the mean of their foreground masks, 1 if no teacher has any.
    """

    def example(self, way: str, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        image = batch[way[0]]
        return image, self.target(way, image)

    @torch.no_grad()
    def target(self, way: str, image: Tensor) -> Tensor:
        """What generator ``way`` should make of (B, 3, H, W), of that shape.

        Each teacher sees it at another place in a larger, reflected image. Raises ShapeError for images no larger than
        ``shift``, and what a teacher raises, with its label.
        """
        room, (height, width) = self._shift, image.shape[-2:]
        if room >= min(height, width):
            raise ShapeError(f"shift={room} was given for images of {height}x{width}: expected less than either side.")
        images, masks = [], []
        for index in range(len(self.teachers)):
            top, left = torch.randint(room + 1, (2,), generator=self._random).tolist()
            larger = F.pad(image, (left, room - left, top, room - top), mode="reflect")
            translation = self.teachers.translate(index, way, larger)
            here = slice(top, top + height), slice(left, left + width)
            images.append(translation.image[..., *here])
            masks += [mask[..., *here] for mask in mask_of(translation)]
        return image + reach_of(masks, self._gain) * (torch.stack(images).mean(0) - image)


attentiongan2_distilled = taught(
    "attentiongan2-distilled",
    "One AttentionGAN II (arXiv:1911.11897) from several models of the same task, of any architecture.",
    DistilledRecipe,
    LearningOptions,
)
