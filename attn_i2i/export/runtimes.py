"""Exported graphs as generators: what onnxruntime and OpenVINO run, a Translator uses like any network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..models.checksums import check_beside
from ..types import ConfigError, ModelError, ShapeError, Translation, UnreadableFileError
from .facts import METADATA_KEY, Facts, read_facts
from .inspect import WEIGHTS_KEY, check_onnx, check_openvino, check_weights, reason_given

Runtime = Literal["onnx", "openvino"]
RUNTIMES: dict[str, Runtime] = {".onnx": "onnx", ".xml": "openvino"}
"""The runtime of a file by its ending, unless another is asked for; OpenVINO reads both."""
PACKAGES = {"onnx": "onnxruntime", "openvino": "openvino"}  # what to install for a runtime
RunGraph = Callable[[dict[str, Any]], "list[Any]"]
Sides = Sequence["int | None"]


class RuntimeSession(NamedTuple):
    """A graph that is ready to run: its inputs' sizes by name, None where free, and what each output may be called."""

    run: RunGraph
    facts: str | None
    inputs: Mapping[str, Sides]
    outputs: Sequence[Collection[str]]


class RuntimeGenerator(nn.Module):
    """A generator that runs the graph of ``path``, which goes by its path where this is pickled.

    It takes (B, C, H, W) in [-1, 1] on any device and computes in float32 where the runtime does: on ``device``, "cpu"
    or "cuda". Raises ConfigError without the runtime's package or device, ModelError or UnreadableFileError for a file
    that is no export of this library.
    """

    tiling = "approximate"  # what it computes over a whole picture lies within the graph, out of reach of strips

    def __init__(self, path: str | Path, runtime: Runtime, device: str = "cpu") -> None:
        super().__init__()
        self.path, self.runtime, self.place = Path(path), runtime, device
        check_beside(self.path)
        session = OPEN[runtime](self.path, device)
        self._run = session.run
        self.facts: Facts = read_facts(session.facts, path)
        _check_signature(self.facts, session, self.path)
        self.channels, self.domains = self.facts.channels, self.facts.domains
        self.image_size, self.margin = self.facts.image_size, self.facts.margin
        self.mean_style = self.facts.mean_style

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        self._check(image, domain)
        feed = {"source": image} | ({} if domain is None else {"domain": domain})
        arrays = {name: np.ascontiguousarray(value.detach().float().cpu().numpy()) for name, value in feed.items()}
        try:
            answer = [torch.from_numpy(np.array(part)) for part in self._run(arrays)]
        except Exception as error:  # each runtime has errors of its own; a graph may also answer with texts
            raise ModelError(f"{self.path} failed in {PACKAGES[self.runtime]}: {reason_given(error)}") from error
        parts = {
            name: part.to(image.device, image.dtype) for name, part in zip(self.facts.outputs, answer, strict=True)
        }
        return Translation(**parts)

    def _check(self, image: Tensor, domain: Tensor | None) -> None:
        """What a runtime would say in its own words, or not at all."""
        size = tuple(image.shape[-2:])
        if image.ndim != 4 or image.shape[1] != self.channels[0]:
            raise ShapeError(f"{self.path} takes (B, {self.channels[0]}, H, W), got {tuple(image.shape)}.")
        if self.image_size not in (None, size):
            raise ShapeError(f"{self.path} takes {self.image_size} (height, width) only, got {size}.")
        labels = None if domain is None else tuple(domain.shape)
        if labels != ((len(image), self.domains) if self.domains else None):
            raise ShapeError(f"{self.path} takes labels of {self.domains} domains, got {labels or 'none'}.")

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path.absolute(), "runtime": self.runtime, "device": self.place}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]  # a session holds threads and memory of its own process

    def __deepcopy__(self, memo: dict[int, Any]) -> RuntimeGenerator:
        return self  # a graph does not change, and a second session would hold its weights twice


def _check_signature(facts: Facts, session: RuntimeSession, path: Path) -> None:
    """ModelError for a graph whose inputs and outputs are not those that the file tells of."""
    sides = facts.image_size or (None, None)
    wanted: dict[str, Sides] = {"source": (None, facts.channels[0], *sides)}
    if facts.domains:
        wanted["domain"] = (None, facts.domains)
    names = zip(session.outputs, facts.outputs, strict=False)
    if len(session.outputs) != len(facts.outputs) or not all(name in output for output, name in names):
        raise ModelError(f"{path} says that it gives {', '.join(facts.outputs)}, and its graph gives something else.")
    if {name: list(shape) for name, shape in session.inputs.items()} != {n: list(s) for n, s in wanted.items()}:
        raise ModelError(
            f"{path} says that it takes {_shapes(wanted)}, and its graph takes {_shapes(session.inputs)}:"
            " export the model again (attn-i2i export)."
        )


def _shapes(inputs: Mapping[str, Sides]) -> str:
    shapes = {name: ", ".join("any" if side is None else str(side) for side in sides) for name, sides in inputs.items()}
    return ", ".join(f"{name} ({shape})" for name, shape in shapes.items())[:200]


def missing(package: str, extra: str) -> ConfigError:
    """The error for a runtime that is not installed."""
    return ConfigError(f"This needs {package}, which is not installed: pip install 'attn-i2i[{extra}]'.")


def _open_onnx(path: Path, device: str) -> RuntimeSession:
    try:
        import onnxruntime
    except ImportError as error:
        raise missing("onnxruntime", "onnx") from error
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}.get(device.partition(":")[0])
    if provider not in onnxruntime.get_available_providers():
        raise ConfigError(f"device={device!r} was given, but this onnxruntime cannot use it: choose device='cpu'.")
    check_onnx(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # errors are raised, and said in our words
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # onnxruntime has a class for every kind of damage
        raise _unreadable(path, "ONNX", error) from error
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    inputs = {
        value.name: [side if isinstance(side, int) else None for side in value.shape] for value in session.get_inputs()
    }
    outputs = [{value.name} for value in session.get_outputs()]
    return RuntimeSession(lambda feed: session.run(None, feed), text, inputs, outputs)


@cache
def _once(make: Callable[[], Any]) -> Any:
    return make()


def openvino_core() -> Any:
    """The process's one OpenVINO core. Raises ConfigError where the package is missing.

    Each core that compiles gives the thread a stack for signals, and puts back the one before when it goes. Two that go
    in the order they came leave a stack that is freed, and the next Ctrl-C ends the process (OpenVINO 2026.4).
    """
    try:
        import openvino
    except ImportError as error:
        raise missing("openvino", "openvino") from error
    return _once(openvino.Core)


def _open_openvino(path: Path, device: str) -> RuntimeSession:
    core = openvino_core()
    if device != "cpu":
        raise ConfigError(f"device={device!r} was given, but OpenVINO is used on the CPU here: choose device='cpu'.")
    # Processors with bfloat16 would be given it unasked: an answer is that of the network or says so.
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    is_onnx = path.suffix.lower() == ".onnx"
    (check_onnx if is_onnx else check_openvino)(path)
    try:
        model = core.read_model(str(path))
        text = _onnx_facts(path) if is_onnx else _noted(model, METADATA_KEY)
        if not is_onnx:
            check_weights(path, _noted(model, WEIGHTS_KEY))
        compiled = core.compile_model(model, "CPU", settings)
    except Exception as error:  # OpenVINO raises RuntimeError and its own
        if isinstance(error, ConfigError | ModelError):
            raise
        raise _unreadable(path, "ONNX" if is_onnx else "an OpenVINO model", error) from error
    inputs = {
        port.get_any_name(): [None if side.is_dynamic else side.get_length() for side in port.get_partial_shape()]
        for port in compiled.inputs
    }
    outputs = [port.get_names() for port in compiled.outputs]
    return RuntimeSession(lambda feed: list(compiled(feed).values()), text, inputs, outputs)


def _onnx_facts(path: Path) -> str | None:
    try:
        import onnx
    except ImportError as error:
        raise missing("onnx", "openvino") from error
    properties = onnx.load(str(path), load_external_data=False).metadata_props
    return next((entry.value for entry in properties if entry.key == METADATA_KEY), None)


def _noted(model: Any, key: str) -> str | None:
    return str(model.get_rt_info([key]).value) if model.has_rt_info([key]) else None


def _unreadable(path: Path, kind: str, error: Exception) -> UnreadableFileError:
    return UnreadableFileError(
        f"{path} cannot be read as {kind}: {reason_given(error)}. Export the model again (attn-i2i export)."
    )


OPEN: dict[str, Callable[[Path, str], RuntimeSession]] = {"onnx": _open_onnx, "openvino": _open_openvino}
