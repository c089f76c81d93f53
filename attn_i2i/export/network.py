"""One generator as a graph: written, read again, compared with the network, and kept only where they agree."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import torch
from packaging.version import Version
from torch import Tensor, nn

from ..files import check_target
from ..models.build import evaluating
from ..models.config import ModelConfig
from ..types import ConfigError, ShapeError, Translation
from .assumed import doubtful_cases
from .compare import compare, psnr, same_shapes
from .facts import Facts, facts_of
from .graph import Example, names_of, traced
from .int8 import LEAST_PSNR, calibration_pictures, check_psnr, quantize_onnx
from .runtimes import Runtime, RuntimeGenerator
from .write import (
    OPSET,
    SUFFIXES,
    ExportFormat,
    describe_onnx,
    onnx_model,
    write_onnx,
    write_openvino,
    write_program,
)

# The exporter of 2.6 fails on masks and on sizes that strides do not divide; 2.7 was not tried.
NEEDED = Version("2.8")
SIDE = 64  # of the picture that shows which parts a network gives; 8 times the largest usual stride


@dataclass(frozen=True)
class ExportOptions:
    """How a model is exported; the fields are ``export_model``'s options."""

    format: ExportFormat = "onnx"
    int8: bool = False
    calibrate: Path | None = None
    least_psnr: float = LEAST_PSNR
    size: int | None = None

    def __post_init__(self) -> None:
        if Version(torch.__version__) < NEEDED:
            raise ConfigError(
                f"Exporting needs PyTorch {NEEDED} or newer, and {torch.__version__} is here: pip install -U torch."
            )
        if self.format not in get_args(ExportFormat):
            raise ConfigError(
                f"format={self.format!r} was given: expected one of {', '.join(get_args(ExportFormat))}, web."
            )
        if self.int8 != (self.calibrate is not None):
            raise ConfigError(
                "int8=True and calibrate=FOLDER go together: give a folder of pictures to calibrate by, or neither."
            )
        if self.int8 and self.format == "torch-export":
            raise ConfigError('int8=True was given for format="torch-export", which has no such form: leave it out.')
        if not math.isfinite(self.least_psnr):
            raise ConfigError(f"least_psnr={self.least_psnr} was given: expected a number of decibels.")
        if not self.int8 and self.least_psnr != LEAST_PSNR:
            raise ConfigError(f"least_psnr={self.least_psnr} was given, which is for int8=True: leave it out.")
        if self.size is not None and self.size < 1:
            raise ConfigError(f"size={self.size} was given: expected 1 or more pixels.")


class Program(nn.Module):
    """PyTorch's exported program, as it runs, as a generator whose ``outputs`` have these names."""

    def __init__(self, run: Callable[..., tuple[Tensor, ...]], outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.run, self.outputs = run, outputs

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        try:
            answer = self.run(image, domain)
        except AssertionError as error:  # what a program checks of its inputs
            raise ShapeError(f"The program does not take {tuple(image.shape)}: {error}") from error
        return Translation(**dict(zip(self.outputs, answer, strict=True)))


def export_network(
    network: nn.Module,
    config: ModelConfig,
    direction: str,
    folder: Path,
    options: ExportOptions,
    task: str | None = None,
    check: Callable[[Facts], None] | None = None,
) -> Facts:
    """Write one generator as ``folder``/``direction`` with its format's ending, and say what was compared.

    ``network`` is any module that keeps the contract of generators; ``task`` is what the direction is for;
    ``check`` raises where the network does not suit what the graph is for, before the work. The network is left in the
    mode that it was in. Raises TargetExistsError where the file is there already, and otherwise as ``export_model``.
    """
    path = folder / f"{direction}{SUFFIXES[options.format]}"
    check_target(path)
    facts = replace(facts_of(network, config, direction, (), options.size), task=task)
    # Before the work: a folder without pictures is told at once.
    pictures = calibration_pictures(options.calibrate, facts) if options.calibrate is not None else []
    with evaluating(network), tempfile.TemporaryDirectory(prefix=".attn_i2i-", dir=folder) as work:
        facts = replace(facts, outputs=names_of(network, facts.image_size or (SIDE, SIDE)))
        if check is not None:
            check(facts)
        facts = _written(network, facts, Path(work, path.name), pictures, options)
        for file in sorted(Path(work).iterdir(), reverse=True):  # an .xml last, after the weights that it needs
            file.replace(folder / file.name)
    return facts


def _written(
    network: nn.Module, facts: Facts, path: Path, pictures: Sequence[Example], options: ExportOptions
) -> Facts:
    """Write the graph, compare it, and write anew what it says of itself."""
    size = facts.image_size
    program = traced(network, size)
    also = doubtful_cases(program, network, size)
    if options.format == "torch-export":
        write_program(program, path, facts)
        other = Program(torch.export.load(path).module(), facts.outputs)
        facts = replace(facts, compared=compare(network, other, size, path.name, also))
        write_program(program, path, facts)
        return facts
    facts = replace(facts, opset=OPSET)
    with tempfile.TemporaryDirectory(dir=path.parent) as work:
        plain = Path(work, "plain.onnx")
        model = onnx_model(program, facts)
        write_onnx(model, plain, facts)
        keep = _keep_onnx(model) if options.format == "onnx" else _keep_openvino(plain)
        keep(path, facts)
        facts = replace(facts, compared=compare(network, _opened(path), size, path.name, also))
        if options.int8:
            facts = _int8(network, facts, plain, path, pictures, options.least_psnr)
        else:
            keep(path, facts)
    return facts


def _keep_onnx(model: Any) -> Callable[[Path, Facts], None]:
    return lambda path, facts: write_onnx(model, path, facts)


def _keep_openvino(plain: Path) -> Callable[[Path, Facts], None]:
    return lambda path, facts: write_openvino(plain, path, facts)


def _opened(path: Path) -> RuntimeGenerator:
    runtime: Runtime = "onnx" if path.suffix == ".onnx" else "openvino"
    return RuntimeGenerator(path, runtime)


def _int8(
    network: nn.Module, facts: Facts, plain: Path, path: Path, pictures: Sequence[Example], least_psnr: float
) -> Facts:
    """Write the 8-bit graph over the float32 one, if its pictures are near enough."""
    facts = replace(facts, precision="int8")
    quantized = plain.with_name("int8.onnx")
    quantize_onnx(plain, quantized, pictures, openvino=path.suffix == SUFFIXES["openvino"])
    _keep_quantized(quantized, path, facts)
    other = _opened(path)
    same_shapes(network, other, facts.image_size, path.name)
    decibels = psnr(network, other, pictures)
    check_psnr(decibels, least_psnr, path.name)
    compared = (facts.compared or {}) | {"int8_psnr": round(decibels, 2), "int8_pictures": len(pictures)}
    facts = replace(facts, compared=compared)
    _keep_quantized(quantized, path, facts)
    return facts


def _keep_quantized(quantized: Path, path: Path, facts: Facts) -> None:
    describe_onnx(quantized, facts)
    if path.suffix == ".onnx":
        path.write_bytes(quantized.read_bytes())
    else:
        write_openvino(quantized, path, facts)
