"""Trained models that another one learns from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from attn_i2i import Translation, load
from attn_i2i.blocks import foreground
from attn_i2i.files import sha256
from attn_i2i.hub import find_model
from attn_i2i.types import AttnI2IError, ConfigError
from torch import Tensor, nn

DIRECTIONS = ("A2B", "B2A")


class Teacher(NamedTuple):
    """A model, and the label that tells it from others of its name: weights count, the folder's place does not."""

    label: str
    generators: Mapping[str, nn.Module]


class Teachers:
    """Models that translate both ways, by their names or folders, separated by commas.

    ``recipe`` and ``option`` are for messages. Raises ConfigError without any unless ``optional``, or for a model that
    does not translate both ways, and what ``attn_i2i.load`` raises.
    """

    def __init__(self, recipe: str, option: str, names: str, *, optional: bool = False) -> None:
        teachers = [name.strip() for name in names.split(",") if name.strip()]
        if not teachers and not optional:
            raise ConfigError(
                f"{recipe}: no {option} were given; set {option} to names or folders of models, separated by commas."
            )
        self._recipe = recipe
        self._teachers = [_find(recipe, name) for name in teachers]
        self._built: dict[str, nn.ModuleList] = {}

    def __len__(self) -> int:
        return len(self._teachers)

    @property
    def labels(self) -> str:
        """All labels, separated by commas: what a resumed run has to agree with."""
        return ",".join(teacher.label for teacher in self._teachers)

    @torch.no_grad()
    def translate(self, index: int, way: str, image: Tensor) -> Translation:
        """What one of them makes of (B, 3, H, W). Its networks are built when they are first asked for.

        Raises what the network raises, with the teacher's label.
        """
        if way not in self._built:
            self._built[way] = nn.ModuleList([teacher.generators[way] for teacher in self._teachers]).to(image).eval()
        try:
            translation: Translation = self._built[way][index](image)
        except AttnI2IError as error:
            label = self._teachers[index].label
            raise type(error)(f"{self._recipe}: the teacher {label}: {error}") from error
        return translation


def reach_of(masks: list[Tensor], gain: float) -> Tensor | float:
    """How far changes count, in [0, 1]: ``gain`` times the mean of foreground masks, 1 without any."""
    return (gain * torch.stack(masks).mean(0)).clamp(max=1) if masks else 1.0


def mask_of(translation: Translation) -> list[Tensor]:
    """The foreground mask, (B, 1, H, W), or nothing where there is none or it leaves nothing out.

    Softmax masks without one for the background add up to 1 everywhere.
    """
    if translation.attention is None or translation.contents is None:
        return []
    spares = translation.contents.shape[1] == 1 or translation.attention.shape[1] > translation.contents.shape[1]
    return [foreground(translation)] if spares else []


def _find(recipe: str, name: str) -> Teacher:
    folder = find_model(name).folder
    generators = load(folder, device="cpu").generators
    problem = f"{recipe}: the teacher {name}"
    if set(DIRECTIONS).difference(generators):
        raise ConfigError(f"{problem} translates {', '.join(generators)}, expected A2B and B2A.")
    files = [folder / f"{way}.safetensors" for way in DIRECTIONS]
    if missing := [file.name for file in files if not file.is_file()]:
        raise ConfigError(f"{problem} has no {missing[0]}: it is not a whole model.")
    digest = hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()
    path = Path(name).absolute()
    if path.is_dir():
        name = path.parent.name if path.name == "model" else path.name
    return Teacher(f"{name}@{digest[:12]}", generators)
