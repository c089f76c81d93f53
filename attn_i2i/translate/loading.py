"""From a name or a folder to a Translator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from ..hub import find_model
from ..models.card import Card
from ..models.cards import find_card
from ..models.config import read_config
from ..models.directory import build_generator
from ..types import ModelError
from .translator import Generators, Translator


def load(
    name: str | Path,
    *,
    direction: str | None = None,
    revision: str | None = None,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
    compile: bool = False,  # noqa: A002
    accept_license: bool = False,
) -> Translator:
    """A Translator from a zoo name, ``"hf-hub:owner/repo"`` or a model directory.

    ``direction`` limits the model to one of its directions, named as in ``directions`` or by what its card says it
    does ("zebra2horse"). ``dtype`` is the precision of the network: pictures come
    back as float32 whatever it is. ``compile`` makes later pictures faster and the first one much slower; on a CPU it
    also allows Winograd's convolutions, whose answers differ by up to some 2e-5.
    """
    folder = _find(name, revision, accept_license)
    config = read_config(folder)
    card = _card(str(name))
    generators = Generators(config.directions, lambda one: build_generator(folder, config, one))
    if direction is not None and card is not None:
        direction = card.direction(direction)
    chosen: Mapping[str, nn.Module] = generators if direction is None else {direction: generators[direction]}
    return Translator(chosen, config, device=device, dtype=dtype, compile=compile, card=card)


def _find(name: str | Path, revision: str | None, accept_license: bool) -> Path:
    path = Path(name)
    if path.is_dir():
        return path
    if path.is_file():
        raise ModelError(f"{name} is a file, not a model: convert it first (attn-i2i convert {name} -o DIR).")
    return find_model(str(name), revision=revision, accept_license=accept_license)


def _card(name: str) -> Card | None:
    return find_card(name)
