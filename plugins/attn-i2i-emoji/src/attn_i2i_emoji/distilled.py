"""Several trained models become one AttentionGAN II: its generators learn the mean of what the others change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from attn_i2i import Translation, load
from attn_i2i.blocks import allow_winograd, foreground
from attn_i2i.files import sha256
from attn_i2i.hub import find_model
from attn_i2i.interfaces import Update
from attn_i2i.model import create
from attn_i2i.recipes import Layout, Presets, StepSchedule, adam, flattened, initialise, resolve, sum_of
from attn_i2i.types import AttnI2IError, ConfigError, ShapeError
from torch import Tensor, nn
from torch.optim import Optimizer

NAME = "attentiongan2-distilled"
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
    shown every image moved by 0 to ``shift`` pixels. The learning rate falls to 0 over all ``steps``.
    """

    teachers: str = ""
    gain: float = 10.0
    shift: int = 4
    learning_rate: float = 1e-3
    beta1: float = 0.5
    beta2: float = 0.999
    steps: int = 10_000
    seed: int = 0

    @property
    def decay_steps(self) -> int:
        """All of them."""
        return self.steps


class Teacher(NamedTuple):
    """A model, and the label that tells it from others of its name: weights count, the folder's place does not."""

    label: str
    generators: Mapping[str, nn.Module]


def attentiongan2_distilled(*, preset: str = "released", **options: Any) -> DistilledRecipe:
    """One AttentionGAN II (arXiv:1911.11897) from several models of the same task, of any architecture.

    Trainings that differ in their seed or options agree in what the data show and differ in what they made up; the
    mean keeps the former (distillation of an ensemble, Hinton et al., arXiv:1503.02531). The masks of those that have
    any keep the background from those that have none. Raises ConfigError without teachers that translate both ways,
    and what ``attn_i2i.load`` raises.
    """
    shape, training = resolve(NAME, PRESETS, preset, options, NetworkOptions, TrainingOptions)
    names = [name.strip() for name in training.teachers.split(",") if name.strip()]
    if not names:
        raise ConfigError(
            f"{NAME}: no teachers were given; set teachers to names or folders of models, separated by commas."
        )
    return DistilledRecipe(shape, training, [_teacher(name) for name in names])


def _teacher(name: str) -> Teacher:
    """The model of that name; its networks are built when they are first asked for."""
    folder = find_model(name)
    generators = load(folder, device="cpu").generators
    if DIRECTIONS.keys() - generators.keys():
        raise ConfigError(f"{NAME}: the teacher {name} translates {', '.join(generators)}, expected A2B and B2A.")
    files = [folder / f"{way}.safetensors" for way in DIRECTIONS]
    if missing := [file.name for file in files if not file.is_file()]:
        raise ConfigError(f"{NAME}: the teacher {name} has no {missing[0]}: it is not a whole model.")
    digest = hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()
    path = Path(name).absolute()
    if path.is_dir():
        name = path.parent.name if path.name == "model" else path.name
    return Teacher(f"{name}@{digest[:12]}", generators)


class DistilledRecipe(StepSchedule):
    """A batch is ``A`` and ``B``, (B, 3, H, W) in [-1, 1]; its losses have the same names.

    They are L1 distances of what generators A2B and B2A make of the images to x + min(1, gain m) (y - x), with y the
    mean of the teachers' images and m that of the foreground masks, 1 where no teacher has any. ``options`` name the
    teachers by their weights, so that a resumed run has the same ones.
    """

    def __init__(self, shape: NetworkOptions, training: TrainingOptions, teachers: list[Teacher]) -> None:
        config = vars(shape)
        self.networks = nn.ModuleDict({f"G_{way}": initialise(create("attentiongan2", **config)) for way in DIRECTIONS})
        self.layout = Layout("attentiongan2", config, {way: f"G_{way}" for way in DIRECTIONS})
        self.options = flattened(shape, training) | {"teachers": ",".join(teacher.label for teacher in teachers)}
        self._options: TrainingOptions = training
        self._teachers = teachers
        self._built: dict[str, nn.ModuleList] = {}
        self._random = torch.Generator().manual_seed(training.seed)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam for both generators."""
        o = self._options
        return {"G": adam(self.networks.values(), o.learning_rate, (o.beta1, o.beta2))}

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        losses = {
            domain: F.l1_loss(self.networks[f"G_{way}"](batch[domain]).image, self.target(way, batch[domain]))
            for way, domain in DIRECTIONS.items()
        }
        update("G", sum_of(losses))
        return {name: loss.detach() for name, loss in losses.items()}

    @torch.no_grad()
    def target(self, way: str, image: Tensor) -> Tensor:
        """What generator ``way`` should make of (B, 3, H, W), of that shape.

        Each teacher sees it at another place in a larger, reflected image. Raises ShapeError for images no larger than
        ``shift``, and what a teacher raises, with its label.
        """
        room, (height, width) = self._options.shift, image.shape[-2:]
        if room >= min(height, width):
            raise ShapeError(f"shift={room} was given for images of {height}x{width}: expected less than either side.")
        images, masks = [], []
        for teacher, network in zip(self._teachers, self._networks(way, image), strict=True):
            top, left = torch.randint(room + 1, (2,), generator=self._random).tolist()
            try:
                made = network(F.pad(image, (left, room - left, top, room - top), mode="reflect"))
            except AttnI2IError as error:
                raise type(error)(f"{NAME}: the teacher {teacher.label}: {error}") from error
            here = slice(top, top + height), slice(left, left + width)
            images.append(made.image[..., *here])
            if _spares_background(made):
                masks.append(foreground(made)[..., *here])
        change = torch.stack(images).mean(0) - image
        reach = (self._options.gain * torch.stack(masks).mean(0)).clamp(max=1) if masks else 1
        return image + reach * change

    def _networks(self, way: str, like: Tensor) -> nn.ModuleList:
        if way not in self._built:
            self._built[way] = nn.ModuleList([teacher.generators[way] for teacher in self._teachers]).to(like).eval()
            allow_winograd(self._built[way])
        return self._built[way]

    def state_dict(self) -> dict[str, Any]:
        return {"random": self._random.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._random.set_state(state["random"].cpu())


def _spares_background(made: Translation) -> bool:
    """Whether the masks leave anything out: softmax masks without one for the background add up to 1 everywhere."""
    if made.attention is None or made.contents is None:
        return False
    return made.contents.shape[1] == 1 or made.attention.shape[1] > made.contents.shape[1]
