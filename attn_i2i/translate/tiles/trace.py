"""What a network computes, as a list of operations: traced on tensors that have shapes but no content."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, functionalize
from torch.fx import Graph, GraphModule, Interpreter, Node
from torch.fx.experimental.proxy_tensor import make_fx

from ...types import AttnI2IError, Translation
from .statistics import Deviation, Moments, normalise

aten = torch.ops.aten
META = torch.device("meta")
# Views that only append or repeat axes: behind them a mean is still the mean.
RESHAPING = (aten.unsqueeze.default, aten.alias.default, aten.view.default, aten.expand.default)


class UntileableError(AttnI2IError):
    """A network that cannot be computed in strips exactly; the text says why."""


@dataclass(frozen=True)
class Item:
    """One of the tensors that an operation returns."""

    operation: Callable[..., Any]
    index: int
    __name__ = "item"  # a graph names its nodes by it

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        answer: Tensor = self.operation(*args, **kwargs)[self.index]
        return answer


@dataclass(frozen=True)
class Traced:
    """The operations in order, the network's own tensors, and the nodes that are fields of its Translation."""

    nodes: list[Node]
    image: Node
    tensors: dict[Node, Tensor]
    outputs: dict[str, Node]
    shapes: dict[Node, torch.Size]


Call = Callable[[nn.Module, Tensor, Tensor | None], Translation]


def trace(network: nn.Module, images: torch.Size, dtype: torch.dtype, label: Tensor | None, forward: Call) -> Traced:
    """All operations of ``forward(network, image, label)`` for one size.

    Milliseconds to a second, whatever the size. UntileableError where Python decides by values.
    """
    tensors = dict(network.named_parameters()) | dict(network.named_buffers())
    outline = copy.deepcopy(network, {id(tensor): tensor.detach().to(META) for tensor in tensors.values()})
    outline._compiled_call_impl = None  # Module.compile keeps it beside the forward that is traced here
    names: list[str] = []

    def function(weights: dict[str, Tensor], image: Tensor, *labels: Tensor) -> list[Tensor]:
        wrapped = Forward(outline, forward)
        answer = functional_call(wrapped, weights, (image, *labels))
        names[:] = [name for name, part in answer._asdict().items() if part is not None]
        return [part for part in answer if part is not None]

    weights = {f"network.{name}": tensor.detach().to(META) for name, tensor in tensors.items()}
    labels = [] if label is None else [label.to(META, dtype)]
    try:
        # In inference mode torch takes resizing apart into indexing, whose rows nothing tells.
        with torch.inference_mode(False), torch.no_grad():
            graph = make_fx(functionalize(function, remove="mutations"))(
                weights, torch.empty(images, dtype=dtype, device=META), *labels
            )
    except AttnI2IError:
        raise
    except Exception as error:  # any network may do what tensors without content cannot
        line = str(error).strip().partition("\n")[0][:200]
        raise UntileableError(f"its operations cannot be followed ({line or type(error).__name__})") from error
    return _read(graph, [*tensors.values()], label, names, dtype)


class Forward(nn.Module):
    def __init__(self, network: nn.Module, call: Call) -> None:
        super().__init__()
        self.network, self.call = network, call

    def forward(self, image: Tensor, label: Tensor | None = None) -> Translation:
        """The answer of the call."""
        return self.call(self.network, image, label)


def _read(
    module: GraphModule, tensors: list[Tensor], label: Tensor | None, names: list[str], dtype: torch.dtype
) -> Traced:
    graph = module.graph
    _lower(graph)
    graph.eliminate_dead_code()
    placeholders = [node for node in graph.nodes if node.op == "placeholder"]
    own: dict[Node, Tensor] = dict(zip(placeholders, tensors, strict=False))
    image = placeholders[len(tensors)]
    if label is not None:
        own[placeholders[-1]] = label.to(dtype)
    for node in graph.nodes:
        if node.op == "get_attr":
            own[node] = getattr(module, str(node.target))
            if own[node].is_meta:  # made of numbers on the picture's device, which has no content here
                raise UntileableError("it makes a tensor of numbers that are not its own")
    (results,) = next(node for node in reversed(graph.nodes) if node.op == "output").args
    shapes = _shapes(module, {node: own.get(node) for node in placeholders}, image)
    nodes = [node for node in graph.nodes if node.op == "call_function"]
    return Traced(nodes, image, own, dict(zip(names, results, strict=True)), shapes)


def _lower(graph: Graph) -> None:
    """Norms become statistics and what is done with them; operations of several answers become one for each."""
    for node in list(graph.nodes):
        if node.op != "call_function" or node.target is not operator.getitem:
            continue
        whole, index = node.args
        with graph.inserting_before(node):
            replacement = _norm(graph, whole) if index == 0 else None
            if replacement is None:
                replacement = graph.call_function(Item(whole.target, index), whole.args, whole.kwargs)
        node.replace_all_uses_with(replacement)
    for node in list(graph.nodes):
        if node.target is aten.linalg_vector_norm.default and (source := _centred(node)) is not None:
            with graph.inserting_before(node):
                keep = bool(len(node.args) > 3 and node.args[3])
                replacement = graph.call_function(Deviation(keep), (source,))
            node.replace_all_uses_with(replacement)


def _norm(graph: Graph, node: Any) -> Node | None:
    """Group, instance and layer norms over all pixels, as statistics and a multiply-add."""
    args = node.args
    if node.target is aten.native_group_norm.default:
        x, weight, bias, _, _, _, groups, eps = args
    elif node.target in (aten.native_batch_norm.default, aten._native_batch_norm_legit.default) and args[5]:
        if args[3] is not None:
            raise UntileableError("a batch norm is in training mode")
        x, weight, bias, *_, eps = args
        groups = -1
    elif node.target is aten._native_batch_norm_legit.no_stats:
        x, weight, bias, _, _, eps = args
        groups = -1
    elif node.target is aten.native_layer_norm.default and len(args[1]) == 3 and args[2] is None and args[3] is None:
        x, _, weight, bias, eps = args
        groups = 1
    else:
        return None
    moments = graph.call_function(Moments(groups), (x,))
    return graph.call_function(normalise, (x, moments, weight, bias, eps))


def _centred(node: Node) -> Node | None:
    """The map that a norm of (map - its mean) is taken of: its deviation needs no pass of its own."""
    difference, order, axes = node.args[0], node.args[1] if len(node.args) > 1 else 2, node.args[2:3]
    if order != 2 or not isinstance(difference, Node) or difference.target is not aten.sub.Tensor or not axes:
        return None
    source, mean = difference.args[:2]
    while isinstance(mean, Node) and mean.target in RESHAPING:
        mean = mean.args[0]
    same = isinstance(mean, Node) and mean.target is aten.mean.dim and mean.args[0] is source
    dims = [mean.args[1], axes[0]] if same and isinstance(mean, Node) else []
    return source if same and isinstance(source, Node) and dims == [[2, 3], [2, 3]] else None


class _Shapes(Interpreter):
    def run_node(self, n: Node) -> Any:
        answer = super().run_node(n)
        if isinstance(answer, Tensor):
            n.meta["shape"], n.meta["bytes"] = answer.shape, answer.element_size()
            n.meta["dtype"] = answer.dtype
        return answer


def _shapes(module: GraphModule, own: dict[Node, Tensor | None], image: Node) -> dict[Node, torch.Size]:
    inputs = []
    for node, tensor in own.items():
        value = node.meta["val"] if tensor is None else tensor
        inputs.append(torch.empty(value.shape, dtype=value.dtype, device=META))
    with torch.no_grad():
        _Shapes(module).run(*inputs, enable_io_processing=False)
    return {node: node.meta["shape"] for node in module.graph.nodes if "shape" in node.meta}
