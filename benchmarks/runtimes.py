"""A network's exported graphs as ways of running it, for `benchmarks.inference`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from attn_i2i.export.network import ExportOptions, export_network
from attn_i2i.export.runtimes import RuntimeGenerator, openvino_core
from attn_i2i.export.write import ExportFormat
from attn_i2i.models.config import ModelConfig

RUNTIMES: dict[str, tuple[ExportFormat, str]] = {
    "onnxruntime": ("onnx", "float32"),
    "onnxruntime int8": ("onnx", "int8"),
    "OpenVINO": ("openvino", "float32"),
    "OpenVINO bf16": ("openvino", "bf16"),
    "OpenVINO int8": ("openvino", "int8"),
}
"""The ways: the format of the graph and what it computes in."""
CALIBRATING = 4  # pictures whose ranges are measured: time does not depend on them, and weights are random here


def exported(network: nn.Module, family: str, options: dict[str, Any], way: str, side: int) -> Callable[..., Any]:
    """The forward of ``network`` through a runtime; its graph is in memory when this returns."""
    format, precision = RUNTIMES[way]  # noqa: A001
    int8 = precision == "int8"
    with tempfile.TemporaryDirectory() as work:
        if int8:
            pictures = Path(work, "pictures")
            pictures.mkdir()
            random = np.random.default_rng(0)
            for index in range(CALIBRATING):
                Image.fromarray(random.integers(0, 256, (side, side, 3), np.uint8)).save(pictures / f"{index}.png")
            chosen = ExportOptions(format, int8=True, calibrate=pictures, least_psnr=-100)
        else:
            chosen = ExportOptions(format)
        export_network(network, ModelConfig(family, dict(options), ["A2B"]), "A2B", Path(work), chosen)
        path = Path(work, "A2B.xml" if format == "openvino" else "A2B.onnx")
        run = bfloat16(path) if precision == "bf16" else RuntimeGenerator(path, format)  # type: ignore[arg-type]
    return lambda image: tuple(part for part in run(image) if part is not None)


def bfloat16(path: Path) -> Callable[[Tensor], list[Tensor]]:
    """OpenVINO's own bfloat16, which `attn_i2i.load` leaves off."""
    settings = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino_core().compile_model(str(path), "CPU", settings)
    return lambda image: [torch.from_numpy(np.array(part)) for part in compiled({"source": image.numpy()}).values()]
