"""Graphs into files: ONNX, OpenVINO's model, PyTorch's own exported program."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Literal

import torch

from ..files import sha256
from ..models.checksums import GRAPH_WEIGHTS
from ..types import ConfigError
from .facts import METADATA_KEY, Facts
from .graph import reason_of
from .inspect import WEIGHTS_KEY
from .runtimes import missing, openvino_core

ExportFormat = Literal["onnx", "openvino", "torch-export"]
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "torch-export": ".pt2"}  # endings that the runtimes themselves use
OPSET = 18  # the oldest that torch translates to, which most programs read
LARGEST = 2**31 - 2**20  # bytes of one protobuf message, less what else it holds


def onnx_model(program: torch.export.ExportedProgram, facts: Facts) -> Any:
    """The ONNX model (a protobuf message) of a graph, its inputs, outputs and free axes named."""
    try:
        import onnx  # noqa: F401  # torch imports both, and says less where they are missing
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise missing(error.name or "onnx", "onnx") from error
    with warnings.catch_warnings():  # of the translation's own parts; the answers are compared
        warnings.simplefilter("ignore")
        try:
            exported = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(facts.inputs),
                output_names=list(facts.outputs),
                external_data=False,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise ConfigError(
                f"This network cannot be written as ONNX ({reason_of(error)}): format='torch-export' may take it."
            ) from error
    if exported is None:
        raise ConfigError("torch.onnx gave no model of this network.")
    model = exported.model_proto
    _name_axes(model)
    return model


def _name_axes(model: Any) -> None:
    """Call the free axes batch, height and width instead of what tracing called them."""
    source = next(value for value in model.graph.input if value.name == "source")
    axes = [dimension.dim_param for dimension in source.type.tensor_type.shape.dim]
    names = {old: new for old, new in zip(axes, ("batch", "", "height", "width"), strict=True) if old and new}
    for value in (*model.graph.input, *model.graph.output):
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param:
                axis.dim_param = names.get(axis.dim_param, f"{value.name}_{axis.dim_param}"[:64])
    del model.graph.value_info[:]  # their axes have the old names


def write_onnx(model: Any, path: Path, facts: Facts) -> None:
    """One file that says what it is; ConfigError where it would be larger than ONNX allows one file to be."""
    del model.metadata_props[:]
    for key, value in {METADATA_KEY: facts.to_json(), "licence": facts.config.licence or "unstated"}.items():
        model.metadata_props.add(key=key, value=value)
    model.producer_name, model.doc_string = "attn_i2i", f"{facts.config.architecture}, {facts.direction}"
    if model.ByteSize() > LARGEST:
        raise ConfigError("This network is larger than 2 GB, which one ONNX file cannot hold.")
    path.write_bytes(model.SerializeToString(deterministic=True))


def describe_onnx(path: Path, facts: Facts) -> None:
    """Write anew what an ONNX file says of itself."""
    import onnx

    write_onnx(onnx.load(str(path)), path, facts)


def write_openvino(source: Path, path: Path, facts: Facts) -> None:
    """OpenVINO's model of the ONNX file ``source``: ``path`` (.xml) and its weights (.bin) beside it, as precise."""
    core = openvino_core()
    import openvino

    try:
        model = core.read_model(str(source))
    except RuntimeError as error:
        raise ConfigError(f"OpenVINO does not take this network ({reason_of(error)}): format='onnx' may.") from error
    model.set_rt_info(facts.to_json(), [METADATA_KEY])
    openvino.save_model(model, str(path), compress_to_fp16=False)
    model.set_rt_info(sha256(path.with_suffix(GRAPH_WEIGHTS)), [WEIGHTS_KEY])  # what it is written with is known now
    openvino.save_model(model, str(path), compress_to_fp16=False)


def write_program(program: torch.export.ExportedProgram, path: Path, facts: Facts) -> None:
    """PyTorch's exported program, for ``torch.export.load``, AOTInductor and ExecuTorch."""
    torch.export.save(program, str(path), extra_files={METADATA_KEY: facts.to_json()})
