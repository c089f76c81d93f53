"""The convolutions that a network does for an input, as pieces of work that can be timed."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..blocks.convolution import Conv2d

WORTH = 10**8
"""Multiplications of a convolution below which no way gains what asking would cost: about a millisecond."""
MOST = 4 * 10**9
"""Multiplications that one timed run has at most: some 20 ms of two cores."""


class Work(NamedTuple):
    """A convolution of one kind and size: on ``2**level`` by ``2**level`` pixels, forward or ``trained`` as well."""

    inputs: int
    outputs: int
    kernel: int
    level: int
    dtype: str
    threads: int
    trained: bool

    @property
    def family(self) -> Work:
        """What the work shares with that of other sizes."""
        return self._replace(level=0)

    @property
    def multiplications(self) -> int:
        """Of one forward pass."""
        return self.inputs * self.outputs * self.kernel**2 * 4**self.level

    def __str__(self) -> str:
        side, passes = 2**self.level, "training" if self.trained else "forward"
        return (
            f"{self.kernel}x{self.kernel} {self.inputs}>{self.outputs} {side}x{side} {self.dtype} {passes}"
            f" threads={self.threads}"
        )


def level_of(pixels: int) -> int:
    """The power of 2 whose square comes nearest to so many pixels of a batch.

    >>> level_of(64 * 64), level_of(2 * 80 * 80)
    (6, 7)
    """
    return round(math.log(max(1, pixels), 4))


def work_of(conv: Conv2d, pixels: int, dtype: torch.dtype, threads: int, *, trained: bool) -> Work:
    """The work of ``conv`` on a batch of so many pixels, made smaller where one run would take long."""
    name = str(dtype).removeprefix("torch.")
    work = Work(conv.in_channels, conv.out_channels, conv.kernel_size[0], level_of(pixels), name, threads, trained)
    while work.multiplications > MOST and work.level:
        work = work._replace(level=work.level - 1)
    return work


def convolutions(network: nn.Module, inputs: Sequence[Tensor], named: Mapping[str, Tensor]) -> dict[Conv2d, list[int]]:
    """The pixels of every batch that each ``Conv2d`` inside gets to see; none where the network does not tell.

    A copy of the network, which shares its weights, runs once on a batch of no pictures: milliseconds, whatever the
    size. A network that takes no such batch runs on tensors without content, for which PyTorch imports its compiler.
    """
    with contextlib.suppress(Exception):  # a network may ask for the first picture of a batch
        shared = {id(parameter): parameter for parameter in network.parameters()}
        batch = max(len(tensor) for tensor in inputs)
        return _seen(network, shared, [t[:0] for t in inputs], {name: t[:0] for name, t in named.items()}, batch)
    with contextlib.suppress(Exception):  # any network may do what tensors without content cannot
        bare: dict[int, Any] = {id(p): nn.Parameter(p.detach().to("meta"), False) for p in network.parameters()}
        bare |= {id(buffer): buffer.detach().to("meta") for buffer in network.buffers()}
        return _seen(network, bare, [_outline(t) for t in inputs], {name: _outline(t) for name, t in named.items()})
    return {}


def _seen(
    network: nn.Module,
    memo: dict[int, Any],
    inputs: Sequence[Tensor],
    named: Mapping[str, Tensor],
    batch: int | None = None,
) -> dict[Conv2d, list[int]]:
    """Pixels by convolution; ``batch`` is how many pictures an empty batch stands for."""
    outline = copy.deepcopy(network, dict(memo)).eval()
    outline._compiled_call_impl = None  # Module.compile keeps it beside the forward that is looked at here
    originals = dict(zip(outline.modules(), network.modules(), strict=True))
    seen: dict[Conv2d, list[int]] = {}

    def look(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        shape = arguments[0].shape
        original = originals[module]
        assert isinstance(original, Conv2d)
        seen.setdefault(original, []).append((shape[0] if batch is None else batch) * shape[2] * shape[3])

    for module in originals:
        if isinstance(module, Conv2d):
            module.register_forward_pre_hook(look)
    with torch.no_grad(), _NoWarning():
        outline(*inputs, **named)
    return seen


class _NoWarning(TorchFunctionMode):
    """Variances of a batch of no pictures are asked of one without content, because PyTorch warns of the former."""

    VARIANCES = frozenset((torch.var, Tensor.var))

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if func in self.VARIANCES and args[0].shape[0] == 0:
            one = args[0].new_zeros(()).expand(1, *args[0].shape[1:])
            return func(one, *args[1:], **(kwargs or {}))[:0]
        return func(*args, **(kwargs or {}))


def _outline(tensor: Tensor) -> Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
