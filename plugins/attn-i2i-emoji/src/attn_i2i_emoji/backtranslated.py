"""An AttentionGAN II learns to undo what trained models of the other direction do to real images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from attn_i2i.recipes import Presets, resolve, shifted
from torch import Tensor

from .taught import LearningOptions, NetworkOptions, TaughtRecipe
from .teachers import Teachers, mask_of, reach_of

NAME = "attentiongan2-backtranslated"
PRESETS: Presets = {"released": {}}
BACK = {"A2B": "B2A", "B2A": "A2B"}


@dataclass(frozen=True)
class TrainingOptions(LearningOptions):
    """Each step one of the ``teachers`` is drawn for each direction.

    The mask is the mean of those of the models ``masked_by``, named as teachers are; without any, changes count
    everywhere. What is shown has noise, of a standard deviation drawn from 0 to ``noise`` for each image (which is in
    [-1, 1]).
    """

    masked_by: str = ""
    noise: float = 0.2


def attentiongan2_backtranslated(*, preset: str = "released", **options: Any) -> BackTranslatedRecipe:
    """One AttentionGAN II (arXiv:1911.11897) by back-translation (Sennrich et al., arXiv:1511.06709, section 3).

    A teacher makes an image of A from a real one of B, badly; to tell that one from it is a task with a known answer.
    What is learnt is drawn to real images, so faults of the teachers are in what is shown and not in what is wanted.
    They matter the less, the more the teachers' images look like real ones. No gradient passes through a teacher, which
    could hide the answer in its image otherwise, as a cycle's generators do; noise covers what one hid when it was
    trained. Raises ConfigError without teachers that translate both ways, and what ``attn_i2i.load`` raises.
    """
    shape, training = resolve(NAME, PRESETS, preset, options, NetworkOptions, TrainingOptions)
    return BackTranslatedRecipe(NAME, shape, training)


class BackTranslatedRecipe(TaughtRecipe):
    """Losses ``A`` and ``B`` are named after the domain of the images that are made up.

    Generator A2B is drawn to y for y + min(1, gain m) (f(y) - y) + noise, with f the B2A generator of a teacher and m
    the mean foreground mask of the models ``masked_by``; generator B2A the other way round.
    """

    def __init__(self, name: str, shape: NetworkOptions, training: TrainingOptions) -> None:
        super().__init__(name, shape, training)
        self.masking = Teachers(name, "masked_by", training.masked_by, optional=True)
        self.options |= {"masked_by": self.masking.labels}

    @torch.no_grad()
    def example(self, way: str, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """A made-up image and the real one it was made from. Raises ShapeError for images no larger than ``shift``."""
        o, back = self._options, BACK[way]
        real = shifted(batch[way[-1]], o.shift, self._random)
        chosen = int(torch.randint(len(self.teachers), (), generator=self._random))
        change = self.teachers.translate(chosen, back, real).image - real
        masks = [mask for i in range(len(self.masking)) for mask in mask_of(self.masking.translate(i, back, real))]
        made = real + reach_of(masks, o.gain) * change
        if o.noise:
            deviation = o.noise * torch.rand(len(real), 1, 1, 1, generator=self._random)
            made = made + (deviation * torch.randn(real.shape, generator=self._random)).to(real)
        return made, real
