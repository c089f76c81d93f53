"""Several trained models become one AttentionGAN II: its generators learn the mean of what the others change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.functional import l1_loss
from torch.optim import Optimizer

from ...blocks import allow_winograd, foreground
from ...interfaces import Update
from ...recipes import Layout, Presets, adam, by_step, flattened, initialise, resolve, sum_of
from ...types import ConfigError
from .networks import scheme2

PRESETS: Presets = {"released": {}}
DIRECTIONS = {"A2B": "A", "B2A": "B"}


@dataclass(frozen=True)
class NetworkOptions:
    """``attention_kernel`` closes the attention decoder."""

    width: int = 64
    blocks: int = 9
    masks: int = 10
    background: bool = True
    attention_kernel: int = 1


@dataclass(frozen=True)
class TrainingOptions:
    """``teachers`` are names or folders of models, separated by commas, that translate both ways.

    What they change counts as far as ``gain`` times their mean foreground mask reaches, at most wholly. Each of them is
    shown every image moved by 0 to ``shift`` pixels. Rates fall to 0 over the last ``decay_steps`` of ``steps``.
    """

    teachers: str = ""
    gain: float = 10.0
    shift: int = 4
    learning_rate: float = 1e-3
    beta1: float = 0.5
    beta2: float = 0.999
    steps: int = 10_000
    decay_steps: int = 10_000
    seed: int = 0


def attentiongan2_distilled(*, preset: str = "released", **options: Any) -> DistilledRecipe:
    """One AttentionGAN II (arXiv:1911.11897) from several models of the same task, of any architecture.

    Trainings that differ in their seed or options agree in what the data show and differ in what they made up; the
    mean keeps the former (distillation of an ensemble, Hinton et al., arXiv:1503.02531). The masks of those that have
    any keep the background from those that have none. Raises ConfigError without teachers that translate both ways, and
    what ``attn_i2i.load`` raises.
    """
    shape, training = resolve("attentiongan2-distilled", PRESETS, preset, options, NetworkOptions, TrainingOptions)
    names = [name.strip() for name in training.teachers.split(",") if name.strip()]
    if not names:
        raise ConfigError(
            "attentiongan2-distilled: no teachers were given; set teachers to names or folders of models, separated by"
            " commas."
        )
    return DistilledRecipe(shape, training, [_teacher(name) for name in names])


def _teacher(name: str) -> Mapping[str, nn.Module]:
    """The generators of a model that translates both ways; they are built when they are first asked for."""
    from ...translator import load

    generators = load(name, device="cpu").generators
    if DIRECTIONS.keys() - generators.keys():
        raise ConfigError(
            f"attentiongan2-distilled: the teacher {name} translates {', '.join(generators)}, expected A2B and B2A."
        )
    return generators


class DistilledRecipe:
    """A batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1]; its losses have the same names.

    They are L1 distances of what generators A2B and B2A make of the images to x + min(1, gain m) (y - x), with y the
    mean of the teachers' images and m that of the foreground masks, 1 where no teacher has any. The weights of the
    teachers are read at the first step.
    """

    def __init__(
        self, shape: NetworkOptions, training: TrainingOptions, teachers: Sequence[Mapping[str, nn.Module]]
    ) -> None:
        config = vars(shape)
        self.networks = nn.ModuleDict({f"G_{way}": initialise(scheme2(**config)) for way in DIRECTIONS})
        generators = {way: f"G_{way}" for way in DIRECTIONS}
        self.layout = Layout("attentiongan2", config, generators)
        self.options = flattened(shape, training)
        self._options, self._models = training, teachers
        self._teachers: dict[str, nn.ModuleList] = {}
        self._random = torch.Generator().manual_seed(training.seed)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators."""
        o = self._options
        return {"G": adam(self.networks.values(), o.learning_rate, (o.beta1, o.beta2))}

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        losses = {
            domain: l1_loss(self.networks[f"G_{way}"](batch[domain]).image, self._target(way, batch[domain]))
            for way, domain in DIRECTIONS.items()
        }
        update("G", sum_of(losses))
        return {name: loss.detach() for name, loss in losses.items()}

    @torch.no_grad()
    def _target(self, way: str, image: Tensor) -> Tensor:
        """What the teachers change in (B, 3, H, W), each shown it at another place in a larger, reflected image."""
        if not self._teachers:
            self._build_teachers(image)
        height, width = image.shape[-2:]
        room, images, masks = self._options.shift, [], []
        for teacher in self._teachers[way]:
            top, left = torch.randint(room + 1, (2,), generator=self._random).tolist()
            made = teacher(F.pad(image, (left, room - left, top, room - top), mode="reflect"))
            here = slice(top, top + height), slice(left, left + width)
            images.append(made.image[..., *here])
            if made.attention is not None:
                masks.append(foreground(made)[..., *here])
        change = torch.stack(images).mean(0) - image
        reach = (self._options.gain * torch.stack(masks).mean(0)).clamp(max=1) if masks else 1
        return image + reach * change

    def _build_teachers(self, like: Tensor) -> None:
        for way in DIRECTIONS:
            self._teachers[way] = nn.ModuleList([model[way] for model in self._models]).to(like)
            allow_winograd(self._teachers[way])

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        o = self._options
        return o.learning_rate * by_step(step, total=o.steps, decay=o.decay_steps)

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of a whole training."""
        return self._options.steps

    def on_epoch(self, epoch: int) -> None:
        """Nothing changes from epoch to epoch."""

    def state_dict(self) -> dict[str, Any]:
        return {"random": self._random.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._random.set_state(state["random"].cpu())
