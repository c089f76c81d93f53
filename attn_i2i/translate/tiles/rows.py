"""How rows of an operation's answer follow from rows of its inputs.

Strips are as wide as the map, so that left and right borders are the operation's own. Only rows need care: those that
a kernel sees above and below, those that padding repeats, and how resolutions lie on each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil, floor
from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor
from torch.fx import Node
from torch.fx.node import map_arg

from ...blocks.convolution import FEW_OUTPUTS, conv2d_by_columns
from ...devices import by_way_of_cpu

Get = Callable[[Node], Tensor]


@dataclass(frozen=True)
class Rows:
    """Each row follows from the same row: operations on single pixels, channels or along the width.

    ``node`` is the operation, ``height`` its rows, ``inputs`` what it reads in strips.
    """

    node: Node
    height: int
    inputs: tuple[Node, ...]

    @property
    def target(self) -> Any:
        """What the node calls."""
        return self.node.target

    def needs(self, first: int, last: int) -> tuple[int, int]:
        """Rows of the inputs that rows ``first`` to ``last`` (not included) are made of."""
        return first, last

    def make(self, get: Get, first: int, last: int) -> Tensor:
        """Those rows; ``get`` gives strips of the inputs as ``needs`` says, and whole tensors of all else."""

        def part(node: Node) -> Any:
            value = get(node)
            tall = node not in self.inputs and value.ndim > 1 and value.shape[-2] == self.height > 1
            return value[..., first:last, :] if tall else value

        kwargs = {key: value for key, value in self.node.kwargs.items() if key != "device"}
        answer: Tensor = self._call(map_arg(self.node.args, part), map_arg(kwargs, part), last - first)
        return answer

    def _call(self, args: Any, kwargs: Any, count: int) -> Tensor:
        answer: Tensor = self.target(*args, **kwargs)
        return answer


@dataclass(frozen=True)
class Reshaped(Rows):
    """Views and expansions that leave the two last axes: their sizes hold the rows of the strip."""

    def _call(self, args: Any, kwargs: Any, count: int) -> Tensor:
        source, sizes = args[0], list(args[1])
        sizes[-2] = count
        if "expand" in str(self.target):
            return cast(Tensor, source.expand(sizes))
        return cast(Tensor, source.reshape(sizes))


@dataclass(frozen=True)
class Picked(Rows):
    """Rows picked by number, -1 for rows of ``fill``; ``beside`` then pads the width: slices, mirrors, borders."""

    index: Tensor
    beside: Callable[[Tensor], Tensor]
    fill: float = 0.0

    def needs(self, first: int, last: int) -> tuple[int, int]:
        rows = self.index[first:last]
        rows = rows[rows >= 0]
        if not len(rows):  # nothing but fill: any row will do, and this one is at hand
            return (0, 1) if first == 0 else (int(self.index.max()), int(self.index.max()) + 1)
        return int(rows.min()), int(rows.max()) + 1

    def make(self, get: Get, first: int, last: int) -> Tensor:
        strip = get(self.inputs[0])
        start, _ = self.needs(first, last)
        index = self.index[first:last]
        inside = (index >= 0).nonzero()[:, 0]
        rows = strip.index_select(-2, (index[inside] - start).to(strip.device))
        if len(inside) == len(index):
            return self.beside(rows)
        shape = (*strip.shape[:-2], last - first, strip.shape[-1])
        return self.beside(strip.new_full(shape, self.fill).index_copy_(-2, inside.to(strip.device), rows))


@dataclass(frozen=True)
class SlidingWindow(Rows):
    """A kernel that slides over rows: convolutions and pools. ``above`` rows of ``fill`` stand before the first."""

    kernel: int
    stride: int
    above: int
    source: int
    call: Callable[[Get, Tensor], Tensor]
    fill: float = 0.0

    def needs(self, first: int, last: int) -> tuple[int, int]:
        start, end = self._span(first, last)
        begin = min(max(start, 0), self.source - 1)
        return begin, max(min(end, self.source), begin + 1)

    def _span(self, first: int, last: int) -> tuple[int, int]:
        """The rows under the kernel, those outside of the map too."""
        return first * self.stride - self.above, (last - 1) * self.stride - self.above + self.kernel

    def make(self, get: Get, first: int, last: int) -> Tensor:
        strip = get(self.inputs[0])
        start, end = self._span(first, last)
        over, under = min(max(0, -start), end - start), min(max(0, end - self.source), end - start)
        if over or under:
            begin = self.needs(first, last)[0]
            strip = strip[..., max(0, start) - begin : max(0, min(end, self.source) - begin), :]
            strip = F.pad(strip, (0, 0, over, under), value=self.fill)
        return self.call(get, strip)


def convolve(node: Node) -> Callable[[Get, Tensor], Tensor]:
    """A convolution that pads its width only."""
    settings: Any = node.args
    _, weight, bias, stride, padding, dilation, _, _, groups = settings

    def call(get: Get, strip: Tensor) -> Tensor:
        kernel = get(weight)
        offset = None if bias is None else get(bias)
        plain = stride == [1, 1] and dilation == [1, 1] and groups == 1 and strip.device.type == "cpu"
        if plain and len(kernel) <= FEW_OUTPUTS < kernel.shape[3]:
            return conv2d_by_columns(F.pad(strip, (padding[1], padding[1])), kernel, offset)
        sizes: Any = (stride, (0, padding[1]), dilation, groups)
        return F.conv2d(strip, kernel, offset, *sizes)

    return call


@dataclass(frozen=True)
class Transposed(Rows):
    """A transposed convolution: row r grows from the rows i with i * stride - padding + tap = r."""

    kernel: int
    stride: int
    padding: int
    source: int

    def needs(self, first: int, last: int) -> tuple[int, int]:
        start = ceil((first + self.padding - self.kernel + 1) / self.stride)
        end = floor((last - 1 + self.padding) / self.stride) + 1
        start = min(max(start, 0), self.source - 1)
        return start, max(min(end, self.source), start + 1)

    def make(self, get: Get, first: int, last: int) -> Tensor:
        settings: Any = self.node.args
        _, weight, bias, stride, padding, dilation, _, more, groups = settings
        strip = get(self.inputs[0])
        start, _ = self.needs(first, last)
        offset = None if bias is None else get(bias)
        sizes: Any = (stride, (0, padding[1]), more, groups, dilation)
        grown = F.conv_transpose2d(strip, get(weight), offset, *sizes)
        begin = first - (start * self.stride - self.padding)
        return grown[..., begin : begin + last - first, :]


@dataclass(frozen=True)
class Shuffled(Rows):
    """Sub-pixel shuffling: ``up`` rows grow from one, or one comes of ``down``."""

    up: int = 1
    down: int = 1

    def needs(self, first: int, last: int) -> tuple[int, int]:
        return first // self.up * self.down, ceil(last / self.up) * self.down

    def make(self, get: Get, first: int, last: int) -> Tensor:
        answer: Tensor = self.target(get(self.inputs[0]), *self.node.args[1:])
        begin = first % self.up
        return answer[..., begin : begin + last - first, :]


@dataclass(frozen=True)
class Resized(Rows):
    """Nearest, bilinear or bicubic resizing, antialiased or not: rows are weighted sums of rows.

    The operation itself tells the weights: it is asked what it makes of maps of a single row.
    """

    source: int
    operation: Callable[..., Tensor]
    settings: tuple[Any, ...]
    scales: tuple[float | None, float | None]

    def needs(self, first: int, last: int) -> tuple[int, int]:
        scale = self.source / self.height
        around = 2 * ceil(max(1.0, scale)) + 1  # a cubic kernel reaches two pixels, of the coarser of both maps
        return max(0, floor(first * scale) - around), min(self.source, ceil(last * scale) + around)

    def make(self, get: Get, first: int, last: int) -> Tensor:
        strip = get(self.inputs[0])
        start, end = self.needs(first, last)
        count = end - start
        single = strip.new_zeros(1, 1, self.source, count)
        single[0, 0, start:end].fill_diagonal_(1)
        resize = partial(by_way_of_cpu, self.operation, strip.device)
        weights = resize(single, [self.height, count], *self.settings, self.scales[0], None)
        across = resize(strip, [count, self.node.meta["shape"][-1]], *self.settings, None, self.scales[1])
        return weights[0, 0, first:last] @ across
