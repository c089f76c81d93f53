"""In which order a network is computed in strips: passes over the picture, what is kept between them, which rows when.

A statistic is known only after all rows of its map were seen. Each pass gathers all statistics that can be had, and
makes anew what later passes need, or keeps it where making it anew costs more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node
from torch.fx.node import map_arg

from ...devices import by_way_of_cpu
from .rows import Rows
from .rules import gathering, is_random, operation, rule
from .statistics import Gathering
from .trace import Traced, UntileableError

# A number written to a disk or read from it, in multiplications of a convolution: 4 bytes at 0.3 GB/s against 40 G/s.
TRANSFER = 500
# Operations on single numbers wait for memory: about as long as ten multiplications take.
PLAIN_COST = 10
EMPTY = ("new_zeros", "new_ones", "new_full", "new_empty")  # they read no numbers, only a type and a device
LARGEST_CONSTANT = 2**28  # bytes of a tensor that no picture takes part in, such as places of pixels


@dataclass
class StripGraph:
    """What each node is: rows of a map, a statistic, or a small tensor; ``level`` is the pass that can make it."""

    traced: Traced
    device: torch.device
    rows: dict[Node, Rows] = field(default_factory=dict)
    statistics: dict[Node, tuple[Node, Callable[[], Gathering]]] = field(default_factory=dict)
    constants: dict[Node, Tensor] = field(default_factory=dict)
    small: list[Node] = field(default_factory=list)
    level: dict[Node, int] = field(default_factory=dict)

    def is_map(self, node: Node) -> bool:
        """Whether a node has rows that come strip by strip: the picture itself, or a map made of it."""
        return node is self.traced.image or node in self.rows

    def numbers(self, node: Node) -> int:
        """How many numbers a map holds."""
        return prod(self.traced.shapes[node])

    def height(self, node: Node) -> int:
        """Rows of a map."""
        return self.traced.shapes[node][-2]

    def cost(self, node: Node) -> int:
        """Multiplications that a map takes."""
        if operation(node)[1] != "convolution":
            return PLAIN_COST * self.numbers(node)
        source: Any
        weight: Any
        source, weight = node.args[:2]
        taps = prod(self.traced.shapes[weight][1:])
        return taps * self.numbers(source if node.args[6] else node)


def analyse(traced: Traced, device: torch.device) -> StripGraph:
    """Tell maps, statistics and small tensors apart; UntileableError where an operation is not known in strips."""
    graph = StripGraph(traced, device)
    graph.level[traced.image] = 0
    for node, tensor in traced.tensors.items():
        graph.constants[node] = tensor.detach().to(device)
        graph.level[node] = 0
    for node in traced.nodes:
        _sort_in(graph, node)
    for name, node in traced.outputs.items():
        if node not in graph.level:
            raise UntileableError(f"its {name} is not computed from the picture")
    return graph


def _sort_in(graph: StripGraph, node: Node) -> None:
    traced = graph.traced
    if is_random(node):
        raise UntileableError(f"{operation(node)[0]} draws numbers")
    if node not in traced.shapes:
        return  # an operation of several answers, which stand for it
    maps = tuple(filter(graph.is_map, node.all_input_nodes))
    level = max((graph.level[source] for source in node.all_input_nodes), default=0)
    if operation(node)[1] in EMPTY:
        source = node.all_input_nodes[0]
        placeholder = torch.empty((), dtype=source.meta["dtype"], device=graph.device)
        graph.level[node], graph.constants[node] = 0, _constant(graph, node, {source: placeholder})
        return
    if not maps:
        graph.level[node] = level
        if all(source in graph.constants for source in node.all_input_nodes):
            graph.constants[node] = _constant(graph, node)
        else:
            graph.small.append(node)
        return
    gather = gathering(node, maps[0], traced.shapes) if len(maps) == 1 else None
    if gather is not None:
        graph.statistics[node] = (maps[0], gather)
        graph.level[node] = level + 1
        return
    graph.rows[node] = rule(node, maps, traced.shapes, graph.constants.__getitem__)
    graph.level[node] = level


def _constant(graph: StripGraph, node: Node, values: dict[Node, Tensor] | None = None) -> Tensor:
    name = operation(node)[1]
    size = prod(graph.traced.shapes[node]) * node.meta["bytes"]
    if size > LARGEST_CONSTANT and name not in ("expand", "unsqueeze", "view", "alias"):
        raise UntileableError(f"{operation(node)[0]} makes a tensor of the picture's size")
    return evaluate(node, graph.constants | (values or {}), graph.device)


def evaluate(node: Node, values: dict[Node, Tensor], device: torch.device) -> Tensor:
    """A small tensor from others."""
    kwargs = dict(node.kwargs)
    if "device" in kwargs:
        kwargs["device"] = device
    args, kwargs = map_arg((node.args, kwargs), values.__getitem__)
    return by_way_of_cpu(node.target, device, *args, **kwargs)  # type: ignore[arg-type]


@dataclass
class Pass:
    """One pass: ``maps`` in order, what it gathers and keeps, and what can be forgotten after it."""

    number: int
    maps: list[Node]
    gathers: list[Node]
    keeps: list[Node]
    outputs: list[Node]
    reads: list[Node] = field(default_factory=list)
    forgets: list[Node] = field(default_factory=list)


def passes(graph: StripGraph) -> list[Pass]:
    """The passes that make all outputs, the last one those that are maps."""
    outputs = [node for node in graph.traced.outputs.values() if graph.is_map(node)]
    last = max(graph.level[node] for node in graph.traced.outputs.values())
    stored: set[Node] = set()
    plan = []
    for number in range(last + 1):
        gathers = [node for node in graph.statistics if graph.level[node] == number + 1]
        finals = outputs if number == last else []
        goals = [graph.statistics[node][0] for node in gathers] + finals
        maps, _ = reach(graph, goals, stored)
        keeps = [] if number == last else _worth_keeping(graph, maps, number, stored, outputs)
        maps, reads = reach(graph, goals + keeps, stored)
        plan.append(Pass(number, maps, gathers, keeps, finals, reads))
        stored |= set(keeps)
        if number < last:
            _forget(graph, plan[-1], stored, outputs, last)
    return plan


def reach(graph: StripGraph, goals: Sequence[Node], stored: set[Node]) -> tuple[list[Node], list[Node]]:
    """The maps to make for ``goals`` in order, and those that are read: stored ones, and the picture."""
    needed, reads, waiting = set[Node](), set[Node](), list(goals)
    while waiting:
        node = waiting.pop()
        if node in stored or node is graph.traced.image:
            reads.add(node)
        elif node not in needed:
            needed.add(node)
            waiting += graph.rows[node].inputs
    order = (graph.traced.image, *graph.traced.nodes)
    return [node for node in order if node in needed], [node for node in order if node in reads]


def _worth_keeping(
    graph: StripGraph, maps: list[Node], number: int, stored: set[Node], outputs: list[Node]
) -> list[Node]:
    """Of the maps of this pass that later passes make anew, those that cost more than to keep them."""
    keeps: list[Node] = []
    later: set[Node] = set()
    for node in reversed(maps):
        users = [user for user in node.users if user in graph.level]
        after = any(graph.level[user] - (user in graph.statistics) > number for user in users)
        if node in outputs or after or not later.isdisjoint(users):
            later.add(node)
    for node in maps:
        if node not in later:
            continue
        anew, reads = reach(graph, [node], stored | set(keeps))
        cost = sum(map(graph.cost, anew))
        cost += TRANSFER * sum(graph.numbers(read) for read in reads if read is not graph.traced.image)
        if cost >= 2 * TRANSFER * graph.numbers(node):
            keeps.append(node)
    return keeps


def _forget(graph: StripGraph, done: Pass, stored: set[Node], outputs: list[Node], last: int) -> None:
    """Note what no later pass reads."""
    goals = [source for node, (source, _) in graph.statistics.items() if graph.level[node] > done.number + 1]
    _, reads = reach(graph, [*goals, *outputs], stored)
    done.forgets = [node for node in stored if node not in reads]
    stored -= set(done.forgets)


@dataclass
class Windows:
    """For each strip of a pass: the rows of each map that are made, and the first that is still needed afterwards."""

    made: dict[Node, list[tuple[int, int]]]
    start: dict[Node, list[int]]


def windows(graph: StripGraph, step: Pass, count: int) -> Windows:
    """Which rows each of ``count`` strips makes: every row once, as late as it can be."""
    asked: dict[Node, list[list[tuple[int, int]]]] = {
        node: [[] for _ in range(count)] for node in (*step.reads, *step.maps)
    }
    goals = [graph.statistics[node][0] for node in step.gathers] + step.keeps + step.outputs
    for node in goals:
        ends = bounds(graph.height(node), count)
        for i in range(count):
            asked[node][i].append((ends[i], ends[i + 1]))
    made, start = {}, {}
    for node in (*reversed(step.maps), *step.reads):
        made[node], start[node] = _rows(asked[node])
        for i, (first, last) in enumerate(made[node]):
            if node in graph.rows and node not in step.reads and last > first:
                for source in graph.rows[node].inputs:
                    asked[source][i].append(graph.rows[node].needs(first, last))
    return Windows(made, start)


def bounds(height: int, count: int) -> list[int]:
    """Where ``count`` strips of a map begin, and the last one ends."""
    return [-(-height * i // count) for i in range(count + 1)]


def _rows(asked: list[list[tuple[int, int]]]) -> tuple[list[tuple[int, int]], list[int]]:
    """New rows a strip, and the first row that this and later strips ask for."""
    wanted = [[rows for rows in strip if rows[1] > rows[0]] for strip in asked]
    start, least = [0] * (len(wanted) + 1), None
    ends = max((rows[1] for strip in wanted for rows in strip), default=0)
    start[-1] = ends
    for i in reversed(range(len(wanted))):
        here = min((rows[0] for rows in wanted[i]), default=None)
        least = here if least is None else least if here is None else min(least, here)
        start[i] = ends if least is None else least
    made, done = [], 0
    for i, strip in enumerate(wanted):
        first = max(done, start[i])
        last = max(first, max((rows[1] for rows in strip), default=0))
        made.append((first, last))
        done = last
    return made, start
