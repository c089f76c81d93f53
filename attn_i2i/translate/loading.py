"""From a name or a folder to a Translator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from ..arguments import typed
from ..export.opening import StoredGraphs, exported_files, open_exported, place_of, runtime_named
from ..export.runtimes import RUNTIMES
from ..hub import find_model
from ..models.checksums import GRAPH_WEIGHTS, SUMS, read_sums
from ..models.config import ModelConfig, read_config
from ..models.directory import build_generator
from ..models.mistaken import refuse_mistaken
from ..types import ConfigError, ModelError
from .generators import Generators
from .translator import Translator


@typed
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
    runtime: Literal["torch", "onnx", "openvino"] | None = None,
) -> Translator:
    """A Translator from a zoo name, ``"hf-hub:owner/repo"``, a model folder or an exported file.

    ``direction`` limits the model to one of its directions, named as in ``directions`` or by what its card says it does
    ("zebra2horse"). ``dtype`` is the precision of the network; pictures always come back as float32. "auto" is float32,
    or bfloat16 on a CPU that has it, where the first picture shows that it is quicker and near enough (40 dB);
    ``attn_i2i.devices.PrecisionNotice`` says so. ``compile`` makes
    later pictures faster and the first one much slower. On a CPU it also allows Winograd's convolutions where they are
    measured to be quicker; their answers differ by up to some 2e-5. ``fetch`` says whether the authors' file of a model
    that is not here may be fetched. None fetches a file only if it is pinned by a hash and has at most 500 MB.
    ``runtime`` runs the networks through onnxruntime or OpenVINO, in float32. At first use a model is then exported
    into the model store. ``name`` may also be a file of ``attn-i2i export`` (.onnx, .xml), or a folder of them, whose
    ending names the runtime unless it is given.
    """
    if files := exported_files(name):
        return _from_files(files, name, direction, device, dtype, compile, runtime)
    engine = runtime_named(runtime, dtype, compile)
    folder, card = find_model(name, revision=revision, accept_license=accept_license, fetch=fetch)
    config, place = read_config(folder), folder.absolute()  # networks are built later: from another working folder, too
    build: Callable[[str], nn.Module] = StoredGenerators(place, config)
    if engine is not None:
        device = place_of(device, engine)
        build = StoredGraphs(place, config, engine, device)
    generators = Generators(config.directions, AsLoaded(build, place, _sums(place)))
    if direction is not None and card is not None:
        direction = card.direction(direction)
    chosen: Mapping[str, nn.Module] = generators if direction is None else {direction: generators[direction]}
    return Translator(chosen, config, device=device, dtype=dtype, compile=compile, card=card)


def _from_files(
    files: list[Path],
    name: str | Path,
    direction: str | None,
    device: str | torch.device | None,
    dtype: str | torch.dtype | None,
    compiled: bool,
    runtime: str | None,
) -> Translator:
    """A Translator of exported files."""
    for file in files:
        refuse_mistaken(file)
        if (weights := file.with_suffix(GRAPH_WEIGHTS)).is_file():
            refuse_mistaken(weights)
    if runtime == "torch":
        raise ConfigError(f"{name} is an exported graph: leave runtime out, or choose 'onnx' or 'openvino'.")
    engine = runtime_named(runtime or RUNTIMES[files[0].suffix.lower()], dtype, compiled)
    opened = open_exported(files, engine if runtime else None, device)
    generators = Generators(list(opened.generators), opened.generators.__getitem__)
    chosen: Mapping[str, nn.Module] = generators if direction is None else {direction: generators[direction]}
    place = next(iter(opened.generators.values())).place
    return Translator(chosen, opened.config, device=place, dtype=dtype)


def _sums(folder: Path) -> Mapping[str, str]:
    """What SHA256SUMS of a model folder says; nothing where it does not stand."""
    return read_sums(folder, "get the folder again") if (folder / SUMS).exists() else {}


@dataclass(frozen=True)
class AsLoaded:
    """Builds networks as long as the folder's SHA256SUMS says of them what it said when the model was loaded.

    A training may write another model to the folder meanwhile: of that, no network may stand beside an earlier one.
    """

    build: Callable[[str], nn.Module]
    folder: Path
    sums: Mapping[str, str]

    def __call__(self, direction: str) -> nn.Module:
        file = f"{direction}.safetensors"
        before, now = self.sums.get(file), _sums(self.folder).get(file)
        if before is not None and now is not None and before != now:
            raise ModelError(f"{self.folder} holds another model than when it was loaded: load it again.")
        return self.build(direction)


@dataclass(frozen=True)
class StoredGenerators:
    """Builds generators from a model folder, which goes by its path where this is pickled."""

    folder: Path
    config: ModelConfig

    def __call__(self, direction: str) -> nn.Module:
        return build_generator(self.folder, self.config, direction)
