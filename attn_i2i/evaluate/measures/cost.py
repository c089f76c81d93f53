"""What a network costs: parameters, multiply-adds, seconds and memory for one picture."""

from __future__ import annotations

import time
import weakref
from statistics import median
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ...devices import synchronise
from ...interfaces import Measure
from ...types import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

REPEATS = 3
"""Timed runs after one that warms up; the median leaves out one disturbed run."""


def parameters(generator: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """Number of the network's parameters.

    >>> parameters(nn.Conv2d(3, 8, 3), ())
    224.0
    """
    return float(sum(parameter.numel() for parameter in generator.parameters()))


@torch.no_grad()
def multiply_adds(generator: Callable[..., Any], inputs: tuple[Tensor, ...]) -> float:
    """Multiply-adds of the convolutions and matrix products of one run, half of PyTorch's count of operations.

    >>> multiply_adds(nn.Conv2d(3, 8, 3), (torch.zeros(1, 3, 4, 4),))
    864.0
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        generator(*inputs)
    return counter.get_total_flops() / 2


@torch.no_grad()
def seconds(generator: Callable[..., Any], inputs: tuple[Tensor, ...]) -> float:
    """Median time of a run of one picture, on the device that it lies on, after one run to warm up."""
    device = inputs[0].device
    times = []
    for _ in range(REPEATS + 1):
        synchronise(device)
        start = time.perf_counter()
        generator(*inputs)
        synchronise(device)
        times.append(time.perf_counter() - start)
    return median(times[1:])


@torch.no_grad()
def peak_memory(generator: Callable[..., Any], inputs: tuple[Tensor, ...]) -> float:
    """Most MiB of tensors alive at once in one run, the network's weights and its input not counted.

    What a library takes inside one operation is not seen.

    >>> peak_memory(lambda x: (x + 1) * 2, (torch.zeros(1, 1, 512, 512),))
    2.0
    """
    with _Alive() as alive:
        generator(*inputs)
    return alive.peak / 2**20


class _Alive(TorchDispatchMode):
    """Counts the bytes of the storages that operations make, as long as they live."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = {_storage(value)._cdata for value in tree_leaves((args, kwargs)) if _real(value)}
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if _real(value) and (key := _storage(value)._cdata) not in self._seen | before:
                self._watch(key, value)
        return result

    def _watch(self, key: int, value: Tensor) -> None:
        size = _storage(value).nbytes()
        self._seen.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(_storage(value), self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.now -= size


def _real(value: object) -> bool:
    return isinstance(value, Tensor) and value.layout is torch.strided


def _storage(value: Tensor) -> torch.UntypedStorage:
    return value.untyped_storage()


def generator_inputs(generator: nn.Module, picture: Tensor) -> tuple[Tensor, ...]:
    """What a generator is run with to tell its cost: ``picture`` (1, C, H, W), and a label where it needs one.

    Raises ShapeError for a picture of another shape.
    """
    if picture.ndim != 4 or len(picture) != 1:
        raise ShapeError(f"A picture of shape {tuple(picture.shape)} was given: expected (1, C, H, W).")
    domains = getattr(generator, "domains", None)
    return (picture,) if not domains else (picture, picture.new_zeros(1, domains))


NEEDS = ("generator", "inputs")
PARAMETERS = Measure(parameters, NEEDS, better="lower", over="model")
MULTIPLY_ADDS = Measure(multiply_adds, NEEDS, better="lower", over="model", summary="Multiply-adds of one picture")
SECONDS = Measure(seconds, NEEDS, unit="s", better="lower", over="model", summary="Seconds a picture takes")
PEAK_MEMORY = Measure(
    peak_memory, NEEDS, unit="MiB", better="lower", over="model", summary="Most memory of tensors for one picture"
)
