"""An AttentionGAN II learns to undo what trained models of the other direction do to real images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from attn_i2i.recipes import RecipeParts, shifted
from torch import Tensor

from .taught import LearningOptions, TaughtRecipe, taught
from .teachers import Teachers, mask_of, reach_of

NAME = "attentiongan2-backtranslated"
BACK = {"A2B": "B2A", "B2A": "A2B"}  # the direction that undoes a direction


@dataclass(frozen=True)
class TrainingOptions(LearningOptions):
    """Each step one of the ``teachers`` is drawn for each direction.

    The mask is the mean of those of the models ``masked_by``, named as teachers are; without any, changes count
    everywhere. What is shown has noise, of a standard deviation drawn from 0 to ``noise`` for each image (which is in
    [-1, 1]).
    """

    masked_by: str = ""
    noise: float = 0.2


class BackTranslatedRecipe(TaughtRecipe):
    """Back-translation (Sennrich et al., arXiv:1511.06709, section 3); losses are named by the made-up domain.

    A teacher makes an image of A from a real image of B, with faults. To make the real image from it again is a task
    with a known answer. The generators are drawn to real images, so the teachers' faults are in what is shown and not
    in what is wanted. The faults matter the less, the more the teachers' images look like real ones. No gradient passes
    through a teacher: otherwise it could hide the answer in its image, as a cycle's generators do. Noise covers what a
    teacher hid when it was trained. Raises ConfigError without teachers that translate both ways, and what
    ``attn_i2i.load`` raises.

    Generator A2B is shown y + min(1, gain m) (f(y) - y) + noise and drawn to y. There f is the B2A generator of a
    teacher, and m the mean foreground mask of the models ``masked_by``. Generator B2A learns the other way round.
    """

    def __init__(self, parts: RecipeParts[TrainingOptions]) -> None:
        super().__init__(parts)
        self._noise = parts.training.noise
        self.masking = Teachers(parts.name, "masked_by", parts.training.masked_by, optional=True)
        parts.options["masked_by"] = self.masking.labels

    @torch.no_grad()
    def example(self, way: str, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """A made-up image and the real one it was made from. Raises ShapeError for images no larger than ``shift``."""
        back = BACK[way]
        real = shifted(batch[way[-1]], self._shift, self._random)
        chosen = int(torch.randint(len(self.teachers), (), generator=self._random))
        change = self.teachers.translate(chosen, back, real).image - real
        masks = [mask for i in range(len(self.masking)) for mask in mask_of(self.masking.translate(i, back, real))]
        example = real + reach_of(masks, self._gain) * change
        if self._noise:
            deviation = self._noise * torch.rand(len(real), 1, 1, 1, generator=self._random)
            example = example + (deviation * torch.randn(real.shape, generator=self._random)).to(real)
        return example, real


attentiongan2_backtranslated = taught(
    NAME,
    "One AttentionGAN II (arXiv:1911.11897) that learns to undo what models of the other direction do to real images.",
    BackTranslatedRecipe,
    TrainingOptions,
)
