"""bfloat16 where it is quicker and near enough: decided by the first picture that a network sees."""

from __future__ import annotations

import copy
import hashlib
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..devices import PrecisionNotice, is_shortage
from ..types import Translation
from . import timing
from .tuner import Found, Tuner, this_tuner
from .work import level_of

LEAST_DECIBELS = 40.0
"""PSNR to the float32 answer from which on a difference is not seen: one of 256 levels is 48 dB."""
MOST_SIDE = 512
"""Side of what is cut out of a larger picture to decide by, in pixels: four runs of it take some seconds."""
ROUNDS = 2
IDENTITY = 4096
"""Numbers of each tensor that tell a network from others; two trained networks differ in the first already."""


class AutoPrecision(nn.Module):
    """A generator that computes in bfloat16 if its first picture shows that this is quicker and near enough.

    Images and answers are float32 either way. Other devices than a CPU, gradients, and tensors without content take
    float32. ``tuner`` and ``compete`` are replaced where nothing should depend on time.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        compiled: bool = False,
        tuner: Callable[[], Tuner] = this_tuner,
        compete: Callable[..., Mapping[str, float]] | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.found: Found | None = None
        self._compiled, self._tuner, self._compete = compiled, tuner, compete
        self._chosen: list[Any] = []  # a list, so that its weights are no part of this module's

    def __getattr__(self, name: str) -> Any:
        """What the network advertises, such as channels and domains."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("network"), name)

    def forward(self, image: Tensor, *labels: Any, **named: Any) -> Translation:
        """The network's translation."""
        if image.device.type != "cpu" or image.dtype != torch.float32 or torch.is_grad_enabled():
            answer: Translation = self.network(image, *labels, **named)
            return answer
        if self.found is None:
            self._decide([_middle(self.network, image)[:1], *(label[:1] for label in labels)], named)
        if self.found is not None and self.found.dtype == "bfloat16":
            (image,), labels = _narrow([image]), tuple(_narrow(labels))
            named = dict(zip(named, _narrow(named.values()), strict=True))
        return _wide(self._chosen[0](image, *labels, **named))

    def __deepcopy__(self, memo: dict[int, Any]) -> AutoPrecision:
        """A copy that has decided nothing: what is compiled, and the weights in bfloat16, are not copied."""
        other = AutoPrecision(
            copy.deepcopy(self.network, memo), compiled=self._compiled, tuner=self._tuner, compete=self._compete
        )
        return other.train(self.training)

    def _decide(self, inputs: Sequence[Tensor], named: Mapping[str, Tensor]) -> None:
        exact, low = _eager(self.network, None), _eager(self.network, torch.bfloat16)
        first = {name: value[:1] for name, value in named.items()}

        def measure() -> Found:
            return compare(exact, low, inputs, first, self._compete or timing.shortest)

        finding = self._tuner().precision(_key(self.network, inputs[0]), measure)
        if finding.dtype == "bfloat16":
            warnings.warn(f"{finding}: it is taken.", PrecisionNotice, stacklevel=2)
        chosen = low if finding.dtype == "bfloat16" else self.network
        self._chosen = [torch.compile(chosen) if self._compiled else chosen]
        self.found = finding


class _UnsupportedError(Exception):
    """A step of a network that PyTorch does not have in bfloat16."""


def compare(
    exact: nn.Module,
    low: nn.Module,
    inputs: Sequence[Tensor],
    named: Mapping[str, Tensor],
    compete: Callable[..., Mapping[str, float]],
) -> Found:
    """How a network's copy in bfloat16 compares with it, for one batch of inputs."""
    images: dict[str, Tensor] = {}

    def run(name: str, network: nn.Module, prepared: Sequence[Tensor], others: Mapping[str, Tensor]) -> None:
        images[name] = network(*prepared, **others).image

    def run_low() -> None:
        try:
            run("bfloat16", low, _narrow(inputs), dict(zip(named, _narrow(named.values()), strict=True)))
        except (RuntimeError, TypeError) as error:
            if is_shortage(error):
                raise
            raise _UnsupportedError(" ".join(str(error).split())[:200]) from error

    try:
        with torch.no_grad():
            runs = {"float32": lambda: run("float32", exact, inputs, named), "bfloat16": run_low}
            seconds = compete(runs, rounds=ROUNDS)
    except _UnsupportedError as error:
        warnings.warn(f"bfloat16 fails in this network ({error}): float32 is taken.", PrecisionNotice, stacklevel=2)
        return Found("float32", 0.0, 0.0)
    faster = seconds["float32"] / seconds["bfloat16"]
    decibels = psnr(images["bfloat16"].float(), images["float32"])
    good = faster * timing.MARGIN > 1 and decibels >= LEAST_DECIBELS
    return Found("bfloat16" if good else "float32", round(faster, 3), round(decibels, 2))


def psnr(answer: Tensor, expected: Tensor) -> float:
    """PSNR in decibels of images in [-1, 1]; 0 where the answer is not finite, at most 200.

    >>> psnr(torch.full((1, 3, 2, 2), 0.02), torch.zeros(1, 3, 2, 2))
    40.0
    """
    error = float((answer - expected).square().mean())
    if not math.isfinite(error):
        return 0.0
    return round(min(200.0, 10 * math.log10(4 / max(error, 1e-20))), 2)


def forget(network: nn.Module, tuner: Callable[[], Tuner] = this_tuner) -> None:
    """Forget what was decided about these weights, for any size: the next picture decides anew."""
    tuner().forget_precision(_weights(network))


def _key(network: nn.Module, image: Tensor) -> str:
    """What a decision holds for: these weights, this size of a picture, this number of threads."""
    side = 2 ** level_of(image.shape[2] * image.shape[3])
    return f"{_weights(network)}{side}x{side} threads={torch.get_num_threads()}"


def _weights(network: nn.Module) -> str:
    """What the keys of a network begin with."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().flatten()[:IDENTITY].cpu().double().numpy().tobytes())
    return f"network {digest.hexdigest()[:12]} "


def _middle(network: nn.Module, image: Tensor) -> Tensor:
    """The middle of large images; all of them where the network takes one size."""
    if getattr(network, "image_size", None) is not None:
        return image
    top, left = (max(0, side - MOST_SIDE) // 2 for side in image.shape[2:])
    return image[..., top : top + MOST_SIDE, left : left + MOST_SIDE]


def _eager(network: nn.Module, dtype: torch.dtype | None) -> nn.Module:
    """The network, not compiled, with the same weights, or with copies of them in ``dtype``."""
    memo: dict[int, Any] = {
        id(p): nn.Parameter(p.detach() if dtype is None else p.detach().to(dtype), False) for p in network.parameters()
    }
    memo |= {
        id(b): b.detach() if dtype is None or not b.is_floating_point() else b.detach().to(dtype)
        for b in network.buffers()
    }
    copied = copy.deepcopy(network, memo)
    copied._compiled_call_impl = None
    return copied


def _narrow(tensors: Any) -> list[Tensor]:
    return [tensor.to(torch.bfloat16) for tensor in tensors]


def _wide(answer: Translation) -> Translation:
    return Translation._make(None if part is None else part.float() for part in answer)
