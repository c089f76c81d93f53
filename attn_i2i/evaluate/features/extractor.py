"""Networks whose features the distances look through: by name, by path, or from timm."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...arguments import typed
from ...blocks.timm_trunk import TimmFeatures
from ...devices import by_way_of_cpu
from ...files import sha256
from ...models.mistaken import refuse_mistaken
from ...types import ConfigError, ShapeError, UnreadableFileError
from .inception import build_inception
from .weights import INCEPTION, digest_of, fetched, read_state

# What a network may want its pictures in, by (mean, deviation) of values in [0, 1].
RANGES = {
    "-1..1": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "0..1": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "0..255": ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
SCRIPTS = {".pt", ".ts", ".torchscript"}
EXPECTED = "inception, FILE.pth, FILE.pt (TorchScript), FILE.onnx, or timm:NAME[@FILE]"


@dataclass(frozen=True, eq=False)
class Extractor:
    """A network as a measure's eyes: its ``name``, the SHA-256 of its ``weights``, and what it does with pictures.

    ``network`` maps (B, 3, H, W) in [0, 1] to maps (B, D', h, w), None where it has none, and features (B, D).
    """

    name: str
    weights: str
    network: Callable[[Tensor], tuple[Tensor | None, Tensor]]

    @property
    def label(self) -> str:
        """The name and the first digits of the weights' hash: what stands beside every number."""
        return f"{self.name} {self.weights[:8]}"

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Features (B, D) on the CPU of (B, 3, H, W) pictures in [0, 1]."""
        return self.network(images)[1].float().cpu()

    @torch.no_grad()
    def maps(self, images: Tensor) -> Tensor | None:
        """Maps (B, D', h, w) on the CPU, or None."""
        maps = self.network(images)[0]
        return None if maps is None else maps.float().cpu()


@typed
def find_extractor(spec: str, device: str | torch.device = "cpu") -> Extractor:
    """The extractor that ``spec`` names.

    - ``inception``: the network of the published FIDs, fetched where it is not on this machine; its file by path:
      ``FILE.pth``.
    - ``FILE.pt``: a TorchScript file; one with ``layers``, as clean-fid's, is used as clean-fid does.
    - ``FILE.onnx``: through onnxruntime.
    - ``timm:NAME`` with timm's own weights, ``timm:NAME@FILE`` with those of a file.

    ``FILE?size=224&range=imagenet`` says what a file's network takes: a side in pixels (as given where absent) and one
    of -1..1 (the default), 0..1, 0..255, imagenet. Raises ConfigError, UnreadableFileError, ModelError.
    """
    if spec.startswith("timm:"):
        return _timm(spec.removeprefix("timm:"), device)
    if spec == "inception":
        return _inception("inception", fetched(INCEPTION), device)
    name, _, query = spec.partition("?")
    path = Path(name)
    if not path.is_file():
        raise UnreadableFileError(f"There is no file {name}: give {EXPECTED}.")
    if path.suffix in (".pth", ".safetensors"):
        return _inception("inception", path, device)
    refuse_mistaken(path)
    if path.suffix == ".onnx":
        return Extractor(path.name + _said(query), _onnx_digest(path), _onnx(path, _prepared(query)))
    if path.suffix in SCRIPTS:
        return Extractor(path.name + _said(query), sha256(path), _script(path, query, device))
    raise ConfigError(f"{name} is no network that is read here: give {EXPECTED}.")


def _inception(name: str, path: Path, device: str | torch.device) -> Extractor:
    network = build_inception(read_state(path)).to(device)
    return Extractor(name, sha256(path), lambda images: network(images.to(device)))


def _timm(spec: str, device: str | torch.device) -> Extractor:
    name, _, file = spec.partition("@")
    if file and not Path(file).is_file():
        raise UnreadableFileError(f"There is no file {file}: give timm:{name}@FILE with the weights of {name}.")
    network = TimmFeatures(name, read_state(Path(file)) if file else None).to(device).eval()
    prepare = _Prepared(network.side, network.mean, network.std)
    weights = sha256(file) if file else digest_of(network.model.state_dict())
    return Extractor(f"timm:{name}", weights, lambda images: network(prepare(images.to(device))))


def _script(path: Path, query: str, device: str | torch.device) -> Callable[[Tensor], tuple[Tensor | None, Tensor]]:
    try:
        network: Any = torch.jit.load(str(path), map_location=device).eval()
    except (RuntimeError, ValueError) as error:
        line = " ".join(str(error).split())[:200]
        raise UnreadableFileError(f"{path} cannot be read as TorchScript: {line}.") from error
    if hasattr(network, "layers") and not query:  # StyleGAN2's Inception, which clean-fid feeds with its own resizing
        prepare = _Prepared(299, (128 / 255,) * 3, (128 / 255,) * 3)
        return lambda images: _split(
            _run(path, lambda x: network.layers(x).flatten(1), prepare(images.to(device))), path
        )
    prepared = _prepared(query)
    return lambda images: _split(_run(path, network, prepared(images.to(device))), path)


def _run(path: Path, network: Callable[[Tensor], object], images: Tensor) -> object:
    """What a file's network gives; ShapeError in one line where it breaks, most often at the size."""
    try:
        return network(images)
    except Exception as error:  # a runtime has a class for every failure, and prints the network's code
        size, line = f"{images.shape[-1]}x{images.shape[-2]}", str(error).strip().splitlines()[-1][:160]
        raise ShapeError(
            f"{path} failed on a batch of {len(images)} of {size}: {line}; say what it takes"
            " (FILE?size=PIXELS&range=-1..1)."
        ) from error


def _onnx_digest(path: Path) -> str:
    """The SHA-256 of an ONNX file, and of the files beside it that it names: weights may lie there."""
    content = path.read_bytes()
    beside = [other for other in sorted(path.parent.iterdir()) if other.is_file() and other.name.encode() in content]
    if not beside:
        return sha256(path)
    return hashlib.sha256("".join(map(sha256, [path, *beside])).encode()).hexdigest()


def _onnx(path: Path, prepare: _Prepared) -> Callable[[Tensor], tuple[Tensor | None, Tensor]]:
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(f"{path} needs onnxruntime: pip install onnxruntime.") from error
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class for every kind of damage
        raise UnreadableFileError(f"{path} cannot be read as ONNX: {' '.join(str(error).split())[:200]}.") from error
    name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape

    def one(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {name: images.cpu().numpy()})[0])

    def run(images: Tensor) -> tuple[Tensor | None, Tensor]:
        at_once = 1 if shape[:1] == [1] else len(images)  # exported for one picture
        parts = [_split(_run(path, one, part), path) for part in prepare(images).split(at_once)]
        maps = [part[0] for part in parts if part[0] is not None]
        return torch.cat(maps) if maps else None, torch.cat([part[1] for part in parts])

    return run


def _split(output: object, path: Path) -> tuple[Tensor | None, Tensor]:
    """Maps and features of what a file's network gave: (B, D), or (B, D, h, w) whose mean is the feature."""
    if isinstance(output, Tensor) and output.ndim == 4:
        return output, output.mean((2, 3))
    if isinstance(output, Tensor) and output.ndim == 2:
        return None, output
    shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    raise ShapeError(f"{path} gave {shape}: expected features (B, D) or maps (B, D, h, w).")


class _Prepared(nn.Module):
    """(B, 3, H, W) in [0, 1] as a network wants it: 8 bits, resized with antialiasing, then normalised."""

    def __init__(self, side: int | None, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.side, self.mean, self.std = side, mean, std

    def forward(self, images: Tensor) -> Tensor:
        images = images.float().mul(255).round().div(255)
        if self.side is not None and images.shape[-2:] != (self.side, self.side):
            size, how = (self.side, self.side), {"mode": "bicubic", "antialias": True, "align_corners": False}
            images = by_way_of_cpu(F.interpolate, images.device, images, size, **how)
        mean, std = (images.new_tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (images - mean) / std


def _prepared(query: str) -> _Prepared:
    options = dict(parse_qsl(query, keep_blank_values=True))
    scale, side = options.pop("range", "-1..1"), options.pop("size", "")
    if options or scale not in RANGES or (side and not (side.isdecimal() and int(side) > 0)):
        raise ConfigError(f"?{query} was given: expected size=PIXELS and range={'|'.join(RANGES)}, joined by &.")
    return _Prepared(int(side) if side else None, *RANGES[scale])


def _said(query: str) -> str:
    return f"?{query}" if query else ""
