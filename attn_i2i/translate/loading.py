"""From a name or a folder to a Translator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..hub import find_model
from ..models.config import ModelConfig, read_config
from ..models.directory import build_generator
from ..registry import require_types
from .generators import Generators
from .translator import Translator


def load(
    name: str | Path,
    *,
    direction: str | None = None,
    revision: str | None = None,
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
    compile: bool = False,  # noqa: A002
    accept_license: bool = False,
    fetch: bool | None = None,
) -> Translator:
    """A Translator from a zoo name, ``"hf-hub:owner/repo"`` or a model directory.

    ``direction`` limits the model to one of its directions, named as in ``directions`` or by what its card says it
    does ("zebra2horse"). ``dtype`` is the precision of the network: pictures come
    back as float32 whatever it is. ``compile`` makes later pictures faster and the first one much slower; on a CPU it
    also allows Winograd's convolutions, whose answers differ by up to some 2e-5. ``fetch`` says whether the authors'
    file of a model that is not here may be fetched; None fetches what is pinned by a hash and at most 500 MB.
    """
    require_types(str | None, direction=direction)
    require_types(bool, compile=compile)
    folder, card = find_model(name, revision=revision, accept_license=accept_license, fetch=fetch)
    config = read_config(folder)
    generators = Generators(config.directions, StoredGenerators(folder, config))
    if direction is not None and card is not None:
        direction = card.direction(direction)
    chosen: Mapping[str, nn.Module] = generators if direction is None else {direction: generators[direction]}
    return Translator(chosen, config, device=device, dtype=dtype, compile=compile, card=card)


@dataclass(frozen=True)
class StoredGenerators:
    """Builds generators from a model folder, which goes by its path where this is pickled."""

    folder: Path
    config: ModelConfig

    def __call__(self, direction: str) -> nn.Module:
        return build_generator(self.folder, self.config, direction)
