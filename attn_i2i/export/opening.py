"""Exported files as the generators of a Translator: those of a user, and those that ``load`` makes for a runtime."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from ..files import atomic_dir
from ..files.swapping import mend
from ..models.checksums import SUMS, ChecksumError, check_beside, digest_of, write_sums
from ..models.config import CONFIG, ModelConfig
from ..models.directory import build_generator
from ..models.places import target_for
from ..types import ConfigError, ModelError
from ..version import __version__
from .facts import Facts
from .network import ExportOptions, export_network
from .runtimes import RUNTIMES, Runtime, RuntimeGenerator, missing
from .write import SUFFIXES, ExportFormat

PROGRAM = SUFFIXES["torch-export"]
ENGINES: dict[str, Runtime] = {"onnx": "onnx", "openvino": "openvino"}
FORMATS: dict[Runtime, ExportFormat] = {"onnx": "onnx", "openvino": "openvino"}


class Opened(NamedTuple):
    """The generators of exported files by direction, and the model's configuration."""

    generators: Mapping[str, RuntimeGenerator]
    config: ModelConfig


def runtime_named(runtime: str | None, dtype: object, compiled: bool) -> Runtime | None:
    """The runtime that ``load`` was asked for, None for PyTorch's; ConfigError for what it cannot do."""
    if runtime is None or runtime == "torch":
        return None
    engine = ENGINES.get(runtime)
    if engine is None:
        raise ConfigError(f"runtime={runtime!r} was given: expected torch, {', '.join(ENGINES)}.")
    if compiled or dtype not in (None, "float32", torch.float32):
        raise ConfigError(
            f"runtime={runtime!r} computes in float32, and compiles nothing: leave dtype and compile out."
        )
    return engine


def exported_files(name: str | Path) -> list[Path]:
    """The exported files that ``name`` means: itself, or those of a folder of them; none for anything else."""
    path = Path(name)
    mend(path)
    if path.suffix.lower() == PROGRAM and path.is_file():
        raise ModelError(
            f"{path} is a program for torch.export.load, which may run code that is hidden in such a file: load takes"
            " the model itself, .onnx and .xml files."
        )
    if path.suffix.lower() in RUNTIMES and (path.is_file() or not path.exists()):
        if not path.exists():
            raise ModelError(f"There is no file {path}.")
        return [path]
    if path.is_dir() and not (path / CONFIG).exists():
        return sorted(file for file in path.iterdir() if file.suffix.lower() in RUNTIMES and file.is_file())
    return []


def open_exported(files: Sequence[Path], runtime: Runtime | None, device: str | torch.device | None) -> Opened:
    """The generators of exported files; ModelError where two are of one direction."""
    generators: dict[str, RuntimeGenerator] = {}
    for file in files:
        chosen: Runtime = runtime or RUNTIMES[file.suffix.lower()]
        if chosen == "onnx" and file.suffix.lower() != ".onnx":
            raise ConfigError(f"{file} is OpenVINO's: leave runtime out, or choose runtime='openvino'.")
        generator = RuntimeGenerator(file, chosen, place_of(device, chosen))
        direction = generator.facts.direction
        if direction in generators:
            raise ModelError(
                f"{file} and {generators[direction].path} are both of the direction {direction}: name one."
            )
        generators[direction] = generator
    return Opened(generators, _config_of([generator.facts for generator in generators.values()]))


def _config_of(facts: Sequence[Facts]) -> ModelConfig:
    first = facts[0].config
    own = {each.direction: dict(each.config.config) for each in facts if each.config.config != first.config}
    return replace(first, directions=[each.direction for each in facts], own=own)


def place_of(device: str | torch.device | None, runtime: Runtime) -> str:
    """The device a runtime computes on: as asked for, else a CUDA device that both it and PyTorch can use."""
    if device is not None:
        return str(device)
    if runtime == "onnx" and torch.cuda.is_available():
        try:
            import onnxruntime
        except ImportError as error:
            raise missing("onnxruntime", "onnx") from error
        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            return "cuda"
    return "cpu"


@dataclass(frozen=True)
class StoredGraphs:
    """Generators of a model folder through a runtime: exported into the model store at first use."""

    folder: Path
    config: ModelConfig
    runtime: Runtime
    device: str

    def __call__(self, direction: str) -> nn.Module:
        format = FORMATS[self.runtime]  # noqa: A001
        network = build_generator(self.folder, self.config, direction)  # checks the weights too
        parts = (__version__, torch.__version__, format, direction, digest_of(self.folder / CONFIG))
        weights = digest_of(self.folder / f"{direction}.safetensors")
        digest = hashlib.sha256("\n".join((*parts, weights, *code_of(network))).encode()).hexdigest()
        target = target_for(f"exported-{digest[:32]}")
        file = target / f"{direction}{SUFFIXES[format]}"
        if not _is_whole(file):
            with atomic_dir(target, force=True) as work:
                export_network(network, self.config, direction, work, ExportOptions(format))
                write_sums(work)
        return RuntimeGenerator(file, self.runtime, self.device)


def code_of(network: nn.Module) -> list[str]:
    """The names and SHA-256 of the files that a network's modules are written in, but for PyTorch's own.

    A plugin that changes what its network computes has other files, and a graph of before is not taken for it.
    """
    kinds = {type(module) for module in network.modules()}
    modules = {kind.__module__ for kind in kinds if kind.__module__.partition(".")[0] != "torch"}
    files = {name: getattr(sys.modules.get(name), "__file__", None) for name in modules}
    return sorted(
        f"{name} {digest_of(Path(file)) if file and Path(file).is_file() else ''}" for name, file in files.items()
    )


def _is_whole(file: Path) -> bool:
    """Whether a stored graph is as it was written: one that is damaged is exported anew."""
    try:
        check_beside(file)
    except (ChecksumError, FileNotFoundError):
        return False
    return (file.parent / SUMS).is_file()
