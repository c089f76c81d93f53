"""Which operations are known in strips: what of their arguments says how rows follow from rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.fx import Node

from .rows import Picked, Reshaped, Resized, Rows, Shuffled, SlidingWindow, Transposed, convolve
from .statistics import Deviation, Gathering, Moments, Reduced, Spread, normalise
from .trace import Item, UntileableError

aten = torch.ops.aten
Shapes = Mapping[Node, torch.Size]
Whole = Callable[[Node], Tensor]

# Operations that change no value, or whose rule is that of any pointwise one.
PLAIN = {"alias", "clone", "_to_copy", "detach", "contiguous", "lift_fresh_copy", "native_batch_norm"}
PLAIN |= {"_native_batch_norm_legit_no_training", "ones_like", "zeros_like", "full_like"}
# Activations that torch does not tag as pointwise, or did not in 2.6.
PLAIN |= {"hardswish", "_prelu_kernel", "leaky_relu"}
# Operations along one axis, and where that stands among their arguments.
ALONG = {
    "glu": 1,
    "_softmax": 1,
    "_log_softmax": 1,
    "cat": 1,
    "stack": 1,
    "split": 2,
    "split_with_sizes": 2,
    "unbind": 1,
}
ALONG |= {"select": 1, "unsqueeze": 1, "squeeze": 1, "cumsum": 1, "slice": 1, "index_select": 1}
REDUCTIONS = ("mean", "sum", "amax", "amin", "linalg_vector_norm", "var", "std", "var_mean")


def operation(node: Node) -> tuple[Any, str]:
    """The operation of a node and its bare name."""
    target: Any = node.target.operation if isinstance(node.target, Item) else node.target
    return target, str(getattr(target, "overloadpacket", target)).rpartition(".")[2]


def is_random(node: Node) -> bool:
    """Whether an operation draws numbers: strips would draw others than the whole."""
    return torch.Tag.nondeterministic_seeded in getattr(operation(node)[0], "tags", ())


def gathering(node: Node, source: Node, shapes: Shapes) -> Callable[[], Gathering] | None:
    """What gathers a statistic over all rows of ``source``; None where the operation is none."""
    target, name = operation(node)
    if isinstance(target, Moments | Deviation):
        return partial(target.gathering, shapes[source])
    if name not in REDUCTIONS:
        return None
    rank = len(shapes[source])
    axes, keep, correction = _reduction(node, name)
    axes = sorted(axis % rank for axis in (axes or range(rank)))
    if rank - 2 not in axes:
        return None
    if name in ("var", "std", "var_mean"):
        if rank != 4 or axes != [2, 3]:
            raise UntileableError(f"{name} over axes {axes} of {rank} is not known in strips")
        kind = "mean" if isinstance(node.target, Item) and node.target.index == 1 else name
        return partial(Spread, shapes[source][1], kind, correction, keep)
    order = node.args[1] if name == "linalg_vector_norm" and len(node.args) > 1 else 2
    if order != 2:
        raise UntileableError(f"a vector norm of order {order} is not known in strips")
    return partial(Reduced, name, axes, keep, node.meta["dtype"])


def _reduction(node: Node, name: str) -> tuple[Any, bool, float]:
    """Axes, whether they are kept, and the correction of variances."""
    place = 2 if name == "linalg_vector_norm" else 1
    axes = node.args[place] if len(node.args) > place else node.kwargs.get("dim")
    keep = node.args[place + 1] if len(node.args) > place + 1 else node.kwargs.get("keepdim", False)
    correction: Any = node.kwargs.get("correction", 1)
    if name in ("var", "std", "var_mean") and str(operation(node)[0]).endswith((".dim", ".default")):
        raise UntileableError(f"{node.target} is not known in strips")
    return axes, bool(keep), 1.0 if correction is None else float(correction)


def rule(node: Node, inputs: tuple[Node, ...], shapes: Shapes, whole: Whole) -> Rows:
    """How the rows of ``node`` follow from those of its ``inputs``; UntileableError where that is not known."""
    target, name = operation(node)
    shape, source = shapes[node], shapes[inputs[0]]
    height = shape[-2] if len(shape) > 1 else 0
    special = SPECIAL.get(name)
    if special is not None and (answer := special(node, inputs, shapes, whole)) is not None:
        return answer
    if any(shapes[other][-2] != height for other in inputs) or len(source) < 2:
        raise UntileableError(f"{target} mixes maps of several heights")
    pointwise = torch.Tag.pointwise in getattr(target, "tags", ())
    if pointwise or target is normalise or name in PLAIN or _leaves_rows(node, name, source):
        return Rows(node, height, inputs)
    raise UntileableError(f"{target} needs the whole picture")


def _leaves_rows(node: Node, name: str, source: torch.Size) -> bool:
    """Whether an operation along axes leaves the one that holds the rows."""
    rank = len(source)
    args: Any = node.args
    if name in ("permute", "transpose"):
        order = list(range(rank))
        if name == "permute":
            order = [axis % rank for axis in args[1]]
        else:
            a, b = (axis % rank for axis in args[1:3])
            order[a], order[b] = order[b], order[a]
        return order[-2:] == [rank - 2, rank - 1]
    if name == "flip":
        return all(axis % rank != rank - 2 for axis in args[1])
    if name in ("mean", "sum", "amax", "amin"):
        axes, keep, _ = _reduction(node, name)
        return bool(axes) and all(axis % rank < rank - 2 or (keep and axis % rank == rank - 1) for axis in axes)
    if name not in ALONG or (name == "squeeze" and len(args) < 2):
        return False
    place = ALONG[name]
    axis: Any = args[place] if len(args) > place else node.kwargs.get("dim", 0)
    if name in ("unsqueeze", "stack"):
        return bool(axis % (rank + 1) <= rank - 2)
    axis %= rank
    return bool(axis < rank - 2 or (axis == rank - 1 and name not in ("select", "squeeze", "unbind")))


def _convolution(node: Node, inputs: tuple[Node, ...], shapes: Shapes, whole: Whole) -> Rows:
    args: Any = node.args
    x, weight, _, stride, padding, dilation, transposed, _, _ = args
    if inputs != (x,) or len(shapes[x]) != 4:
        raise UntileableError("a convolution by a map, or in other than two dimensions, is not known in strips")
    taps: int = (shapes[weight][2] - 1) * dilation[0] + 1
    height, source = shapes[node][-2], shapes[x][-2]
    step, pad = stride[0], padding[0]
    if transposed:
        return Transposed(node, height, inputs, taps, step, pad, source)
    return SlidingWindow(node, height, inputs, taps, step, pad, source, convolve(node))


def _pool(node: Node, inputs: tuple[Node, ...], shapes: Shapes, whole: Whole) -> Rows:
    target, name = operation(node)
    args: list[Any] = list(node.args)
    kernel, stride = args[1], (args[2] if len(args) > 2 and args[2] else args[1])
    padding = args[3] if len(args) > 3 else [0, 0]
    average = name == "avg_pool2d"
    rest = args[4:]
    if average:  # rounding up, borders that do not count, a divisor
        unusual = rest[:1] == [True] or (rest[1:2] == [False] and any(padding)) or any(rest[2:])
    else:  # dilation, rounding up
        unusual = rest[:1] not in ([], [1], [[1, 1]]) or any(rest[1:])
    pairs = [value if len(value) == 2 else [*value, *value] for value in (kernel, stride, padding)]
    if unusual or node.kwargs or (isinstance(node.target, Item) and node.target.index):
        raise UntileableError(f"{target} with these settings is not known in strips")

    def call(get: Any, strip: Tensor) -> Tensor:
        answer = target(strip, pairs[0], pairs[1], [0, pairs[2][1]])
        return answer if average else answer[0]

    edge = 0.0 if average else -torch.inf
    place = (pairs[0][0], pairs[1][0], pairs[2][0], shapes[inputs[0]][-2])
    return SlidingWindow(node, shapes[node][-2], inputs, *place, call, edge)


def _padding(node: Node, inputs: tuple[Node, ...], shapes: Shapes, whole: Whole) -> Rows:
    _, name = operation(node)
    source, args = shapes[inputs[0]][-2], cast(Any, node.args)
    sizes: list[int] = [*args[1], 0, 0][: max(4, len(args[1]))]
    left, right, above, below = sizes[:4]
    rows = torch.arange(-above, source + below)
    beside = [left, right, 0, 0, *sizes[4:]]
    if name == "constant_pad_nd":
        fill: Any = args[2] if len(args) > 2 else 0.0
        index = torch.where((rows < 0) | (rows >= source), -1, rows)
        return Picked(node, len(rows), inputs, index, partial(F.pad, pad=beside, value=fill), fill)
    mode = "reflect" if name == "reflection_pad2d" else "replicate"
    mirrored = source - 1 - (source - 1 - rows.abs()).abs()
    index = mirrored if mode == "reflect" else rows.clamp(0, source - 1)
    return Picked(node, len(rows), inputs, index, partial(F.pad, pad=beside[:4], mode=mode))


def _picking(node: Node, inputs: tuple[Node, ...], shapes: Shapes, whole: Whole) -> Rows | None:
    _, name = operation(node)
    shape = shapes[inputs[0]]
    axis: Any = node.args[1] if len(node.args) > 1 else 0
    if axis % len(shape) != len(shape) - 2:
        return None
    args: Any = node.args[2:]
    index = whole(args[0]).cpu() if name == "index_select" else torch.arange(shape[-2])[slice(*args)]
    return Picked(node, len(index), inputs, index, lambda strip: strip)


def _shuffling(node: Node, inputs: tuple[Node, ...], shapes: Shapes, whole: Whole) -> Rows:
    _, name = operation(node)
    factor: Any = node.args[1]
    up, down = (factor, 1) if name == "pixel_shuffle" else (1, factor)
    return Shuffled(node, shapes[node][-2], inputs, up, down)


def _reshaping(node: Node, inputs: tuple[Node, ...], shapes: Shapes, whole: Whole) -> Rows | None:
    before, after = shapes[inputs[0]], shapes[node]
    same = len(before) > 1 and len(after) > 1 and before[-2] == after[-2]
    if not same or (before[-1] != after[-1] and "expand" not in str(node.target)):
        raise UntileableError(f"{node.target} mixes rows with other axes")
    return Reshaped(node, after[-2], inputs)


def _resizing(node: Node, inputs: tuple[Node, ...], shapes: Shapes, whole: Whole) -> Rows:
    target, name = operation(node)
    settings = tuple(value for value in node.args[2:3] if isinstance(value, bool))
    rest: list[Any] = list(node.args[2 + len(settings) :])
    if str(target).endswith(".vec"):
        rest = list(rest[0]) if rest and rest[0] else []
    scales = (*rest, None, None)[:2]
    call = getattr(aten, name).default
    return Resized(node, shapes[node][-2], inputs, shapes[inputs[0]][-2], call, settings, scales)


def _special() -> Iterator[tuple[str, Callable[..., Rows | None]]]:
    yield "convolution", _convolution
    yield from ((name, _pool) for name in ("avg_pool2d", "max_pool2d_with_indices"))
    yield from ((name, _padding) for name in ("constant_pad_nd", "reflection_pad2d", "replication_pad2d"))
    yield from ((name, _picking) for name in ("slice", "index_select"))
    yield from ((name, _shuffling) for name in ("pixel_shuffle", "pixel_unshuffle"))
    yield from ((name, _reshaping) for name in ("view", "_unsafe_view", "reshape", "expand"))
    resizing = ("nearest2d", "bilinear2d", "bicubic2d")
    yield from ((f"upsample_{name}", _resizing) for name in resizing)
    yield from ((f"_upsample_{name}", _resizing) for name in ("nearest_exact2d", "bilinear2d_aa", "bicubic2d_aa"))


SPECIAL = dict(_special())
