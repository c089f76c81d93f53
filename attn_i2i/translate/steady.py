"""A network over the frames of a clip, whose statistics are running averages: what moves does not make them flicker.

Instance norms, LIN, AdaLIN and class activation maps use numbers of the whole frame. As an object moves these change a
little from frame to frame, and with them the colours of everything. Strips of large pictures know those numbers as
nodes of the traced network (`.tiles.plan`); here the same nodes are averaged over time.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Node

from ..types import AttnI2IError, Translation
from .tiles.kinds import advertised
from .tiles.plan import StripGraph, analyse, evaluate
from .tiles.trace import UntileableError, trace

# How much the newest frame counts: the average then looks back over some nine frames, a third of a second.
SHARE = 0.2


class Steady(nn.Module):
    """A generator for one clip: frames of one size go in one by one, in order; ``reset`` at cuts.

    ``why`` is None, or why the statistics are each frame's own: the operations of the network cannot be followed.
    """

    def __init__(self, network: nn.Module, share: float = SHARE) -> None:
        super().__init__()
        self.network, self.share = network, share
        self.why: str | None = None
        self._graph: StripGraph | None = None
        self._last_use: dict[Node, list[Node]] = {}
        self._averages: dict[Node, Tensor] = {}
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        """What the network says of itself holds for this one: channels, sizes, domains."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("network"), name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Steady:
        """Of the network alone: copies are made to be traced, or to have their memory estimated."""
        return Steady(copy.deepcopy(self.network, memo), self.share)

    def reset(self) -> None:
        """Forget the frames before: another scene begins."""
        self._averages, self._count = {}, 0

    def forward(self, image: Tensor, domain: Tensor | None = None, style: Tensor | None = None) -> Translation:
        """The answer for one frame (1, C, H, W), by the averages of this and the frames before."""
        if image.is_meta or len(image) != 1 or not self._follow(image, domain, style):
            return self._plain(image, domain, style)
        assert self._graph is not None
        self._count += 1
        return self._evaluated(self._graph, image)

    def _plain(self, image: Tensor, domain: Tensor | None, style: Tensor | None) -> Translation:
        return _call(self.network, image, domain, style)

    def _follow(self, image: Tensor, domain: Tensor | None, style: Tensor | None) -> bool:
        """Whether the network is known as a list of operations, some of which are statistics."""
        if self.why is not None:
            return False
        if self._graph is None:
            try:
                if domain is not None and style is not None:
                    raise UntileableError("it takes a label and a style")
                self._graph = self._traced(image, domain, style)
            except AttnI2IError as error:
                kind = advertised(self.network)
                self.why = kind.why if kind is not None and kind.kind == "approximate" else str(error)
                return False
        return bool(self._graph.statistics)

    def _traced(self, image: Tensor, domain: Tensor | None, style: Tensor | None) -> StripGraph:
        further = style if domain is None else domain

        def call(network: nn.Module, images: Tensor, tensor: Tensor | None) -> Translation:
            return _call(network, images, *((tensor, None) if style is None else (None, tensor)))

        traced = trace(self.network, image.shape, image.dtype, further, call)
        last: dict[Node, Node] = {}
        for node in traced.nodes:
            last.update(dict.fromkeys(node.all_input_nodes, node))
        for node, user in last.items():
            if node not in traced.outputs.values():
                self._last_use.setdefault(user, []).append(node)
        return analyse(traced, image.device)

    def _evaluated(self, graph: StripGraph, image: Tensor) -> Translation:
        values = {**graph.constants, graph.traced.image: image}
        for node in graph.traced.nodes:
            if node in graph.traced.shapes and node not in graph.constants:
                value = evaluate(node, values, image.device)
                values[node] = self._averaged(node, value) if node in graph.statistics else value
            for done in self._last_use.get(node, ()):
                values.pop(done, None)
        return Translation(**{name: values[node] for name, node in graph.traced.outputs.items()})

    def _averaged(self, node: Node, value: Tensor) -> Tensor:
        """The average of a statistic: of all frames at first, then the newest counts ``share``."""
        before = self._averages.get(node)
        share = max(self.share, 1 / self._count)
        self._averages[node] = value if before is None else torch.lerp(before, value, share)
        return self._averages[node]


def _call(network: nn.Module, image: Tensor, domain: Tensor | None, style: Tensor | None) -> Translation:
    labels = [] if domain is None else [domain]
    answer: Translation = network(image, *labels, **({} if style is None else {"style": style}))
    return answer
