"""Eight-bit graphs: ranges of all layers are measured on pictures of the kind that will be translated."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..images.folder import list_folder
from ..images.read import read_image
from ..types import AttnI2IError, ConfigError, ModelError, UnreadableFileError
from .facts import Facts
from .graph import Example, reason_of
from .runtimes import missing

MOST_PICTURES = 128  # beyond that ranges hardly move, and calibrating takes minutes
CONVOLUTIONS = ["Conv", "ConvTranspose"]
LEAST_PSNR = 35.0
"""Decibels against the network below which an int8 graph is not kept: differences begin to be seen there."""


def calibration_pictures(folder: Path, facts: Facts) -> list[Example]:
    """The pictures of ``folder`` as the network takes them, each with a label of one domain in turn if it takes any.

    Raises UnreadableFileError for a folder without pictures.
    """
    if not folder.is_dir():
        raise UnreadableFileError(f"{folder} is no folder: give one of pictures to calibrate by.")
    files = list_folder(folder, recursive=True).pictures
    if not files:
        raise UnreadableFileError(f"{folder} holds no pictures to calibrate by.")
    step = max(1, len(files) // MOST_PICTURES)
    chosen = files[::step][:MOST_PICTURES]
    return [_example(file, number, facts) for number, file in enumerate(chosen)]


def _example(file: Path, number: int, facts: Facts) -> Example:
    values = read_image(file, range=facts.config.preprocessing.get("range")).values.clamp(0, 1)
    takes = facts.channels[0]
    if len(values) == 1 and takes == 3:
        values = values.expand(3, -1, -1)
    if len(values) != takes:
        raise ConfigError(f"{file} has {len(values)} channels, and this network takes {takes}.")
    source = values[None] * 2 - 1
    if facts.image_size not in (None, tuple(source.shape[-2:])):
        source = nn.functional.interpolate(source, facts.image_size, mode="bicubic", antialias=True).clamp(-1, 1)
    label = torch.eye(facts.domains)[[number % facts.domains]] if facts.domains else None
    return Example(source, label)


def quantize_onnx(source: Path, path: Path, pictures: Sequence[Example], *, openvino: bool = False) -> None:
    """The int8 graph of the ONNX file ``source``: convolutions in 8 bits, whose weights have a scale a channel.

    Norms and what puts masks and contents together stay in float32: 8 bits there cost 7 to 12 dB. So do the answers of
    the convolutions, which norms read: to round them cost the shipped CycleGAN 10 dB. For ``openvino`` convolutions
    whose answer is averaged over at once stay in float32 too: OpenVINO 2026.4 computes them wrongly in 8 bits (U-GAT-IT
    came to 21 dB before its AdaLIN was exported without).
    """
    try:
        import onnx
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    except ImportError as error:
        raise missing("onnxruntime", "onnx") from error

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.feeds = _feeds(pictures)

        def get_next(self) -> dict[str, Any] | None:
            return next(self.feeds, None)

    model = onnx.load(str(source))
    # It is simplified already, so onnxruntime need not warn.
    model.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    options: dict[str, Any] = {
        "quant_format": QuantFormat.QDQ,
        "op_types_to_quantize": CONVOLUTIONS,
        "per_channel": True,
        "activation_type": QuantType.QUInt8,
        "weight_type": QuantType.QInt8,
        "nodes_to_exclude": _averaged(model) if openvino else [],
        "extra_options": {"OpTypesToExcludeOutputQuantization": CONVOLUTIONS},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            quantize_static(model, str(path), Reader(), **options)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # onnxruntime has a class for every kind of failure
            raise ModelError(f"Calibrating failed: {reason_of(error)}. Other pictures may do.") from error


def _averaged(model: Any) -> list[str]:
    """The convolutions whose answer goes into a mean."""
    means = {name for node in model.graph.node if node.op_type == "ReduceMean" for name in node.input}
    return [node.name for node in model.graph.node if node.op_type in CONVOLUTIONS and node.output[0] in means]


def _feeds(pictures: Sequence[Example]) -> Iterator[dict[str, Any]]:
    for source, domain in pictures:
        yield {"source": source.numpy()} | ({} if domain is None else {"domain": domain.numpy()})


def check_psnr(decibels: float, least: float, where: object) -> None:
    """Raise AttnI2IError for an int8 graph that is too far from its network."""
    if decibels < least:
        raise AttnI2IError(
            f"{where} is not kept: in int8 the PSNR of its pictures to the network's is {decibels:.1f} dB, less than"
            f" {least:.0f}. More pictures of the kind that it will see may help (calibrate), or float32 (without int8)."
            f" least_psnr={int(decibels)} keeps it."
        )
