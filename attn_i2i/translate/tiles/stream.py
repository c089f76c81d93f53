"""A network computed strip by strip, exactly as for the whole picture."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor
from torch.fx import Node

from .plan import Pass, StripGraph, bounds, evaluate, passes, windows
from .scratch import IN_MEMORY, Scratch, check_disk
from .statistics import Gathering
from .watching import tell

RowSource = Callable[[int, int], Tensor]
# Convolutions copy their input and output into layouts of their own while they run.
COPIES = 2
OF_THE_WHOLE = ("cam_logits", "heatmap")  # parts that a result has in one piece, however many rows they have


@dataclass(frozen=True)
class Strips:
    """Rows ``first`` to ``last`` of those parts of a translation that have as many rows as its image."""

    first: int
    last: int
    parts: dict[str, Tensor]


@dataclass
class StripStream:
    """A network over one picture: ``budget`` bytes bound what a strip takes, or ``rows`` are those of a strip.

    ``others`` holds the parts of the translation that do not come in strips, once all of these were made.
    """

    graph: StripGraph
    budget: int
    rows: int | None = None

    def __post_init__(self) -> None:
        self.plan = passes(self.graph)
        self.others: dict[str, Tensor] = {}
        self._values = dict(self.graph.constants)

    @property
    def scratch_bytes(self) -> int:
        """The most that is kept between passes at one time."""
        held = most = 0
        for step in self.plan:
            held += sum(map(self._bytes, step.keeps))
            most = max(most, held)
            held -= sum(map(self._bytes, step.forgets))
        return most

    def count(self, step: Pass) -> int:
        """How many strips a pass takes."""
        tallest = max((self.graph.height(node) for node in step.maps), default=1)
        if self.rows is not None:
            return min(tallest, -(-self.graph.height(self.graph.traced.image) // self.rows))
        count = 1
        while count < tallest and self.strip_bytes(step, count) > self.budget:
            count = min(tallest, 2 * count)
        return count

    def strip_bytes(self, step: Pass, count: int) -> int:
        """The most that the strips of a pass hold at one time, if there are ``count``."""
        plan, last_use = windows(self.graph, step, count), self._last_use(step)
        order = (*step.reads, *step.maps)
        sizes = {node: self._row_bytes(node) for node in order}
        held = dict.fromkeys(order, 0)
        now = most = 0
        for i in range(count):
            for node in order:
                first, last = plan.made[node][i]
                rows = max(0, last - min(first, plan.start[node][i]))
                now += (rows - held[node]) * sizes[node]
                held[node] = rows
                most = max(most, now + COPIES * (last - first) * sizes[node])
                for source in last_use.get(node, ()):
                    rows = max(0, plan.made[source][i][1] - plan.start[source][i + 1])
                    now += (rows - held[source]) * sizes[source]
                    held[source] = rows
        return most

    def run(self, source: RowSource, name: str) -> Iterator[Strips]:
        """Give the parts that lie on the picture, strip by strip, in order.

        ``source(first, last)`` gives rows of the network's input. ShapeError where the disk is too small.
        """
        needed = self.scratch_bytes
        on_disk = needed > IN_MEMORY
        if on_disk:
            check_disk(needed, name)
        with Scratch(on_disk) as scratch, torch.inference_mode():
            done, total = itertools.count(1), sum(self.count(step) for step in self.plan)
            for step in self.plan:
                self._evaluate_small(step.number)
                yield from self._pass(step, source, scratch, lambda: tell(name, next(done), total))
                for node in step.forgets:
                    scratch.forget(node)
            self._evaluate_small(len(self.plan))
        self._collect_small()

    def _pass(self, step: Pass, source: RowSource, scratch: Scratch, told: Callable[[], None]) -> Iterator[Strips]:
        count = self.count(step)
        plan, last_use = windows(self.graph, step, count), self._last_use(step)
        gatherings = {node: self.graph.statistics[node][1]() for node in step.gathers}
        cache: dict[Node, tuple[int, Tensor]] = {}
        ready: dict[Node, tuple[int, Tensor]] = {}
        for i in range(count):
            for node in (*step.reads, *step.maps):
                first, last = plan.made[node][i]
                if last > first:
                    strip = self._strip(node, first, last, step, source, scratch, cache)
                    self._use(node, strip, first, step, scratch, gatherings, ready)
                    cache[node] = _joined(cache.get(node), first, strip)
                for done in last_use.get(node, ()):
                    _trim(cache, done, plan.start[done][i + 1])
            if step.outputs:
                yield from self._emit(ready, i, count)
            told()
        for node, gathering in gatherings.items():
            self._values[node] = gathering.result()

    def _strip(
        self,
        node: Node,
        first: int,
        last: int,
        step: Pass,
        source: RowSource,
        scratch: Scratch,
        cache: dict[Node, tuple[int, Tensor]],
    ) -> Tensor:
        if node is self.graph.traced.image:
            return source(first, last)
        if node in step.reads:
            return scratch.read(node, first, last).to(self.graph.device)
        rule = self.graph.rows[node]
        begin, end = rule.needs(first, last)

        def get(other: Node) -> Tensor:
            if other not in rule.inputs:
                return self._values[other]
            start, strip = cache[other]
            return strip[..., begin - start : end - start, :]

        return rule.make(get, first, last)

    def _use(
        self,
        node: Node,
        strip: Tensor,
        first: int,
        step: Pass,
        scratch: Scratch,
        gatherings: dict[Node, Gathering],
        ready: dict[Node, tuple[int, Tensor]],
    ) -> None:
        """What becomes of new rows beside what is computed from them."""
        for statistic, gathering in gatherings.items():
            if self.graph.statistics[statistic][0] is node:
                gathering.add(strip)
        if node in step.keeps:
            scratch.write(node, self.graph.traced.shapes[node], first, strip)
        if node in step.outputs:
            ready[node] = _joined(ready.get(node), first, strip)

    def _emit(self, ready: dict[Node, tuple[int, Tensor]], i: int, count: int) -> Iterator[Strips]:
        """The rows of strip ``i``: a part that other maps are made of may be ahead of the image, and waits for it."""
        outputs, tall = self.graph.traced.outputs, dict[str, Tensor]()
        for name, node in outputs.items():
            if not (self.graph.is_map(node) or self._is_tall(name)):
                continue
            first, last = bounds(self.graph.height(node), count)[i : i + 2]
            if first == last:  # a map of fewer rows than there are strips
                continue
            start, rows = ready.get(node, (0, self._values.get(node)))
            assert rows is not None
            part = rows[..., first - start : last - start, :]
            if self._is_tall(name):
                tall[name] = part
            else:
                self.others[name] = torch.cat([*([self.others[name]] if name in self.others else []), part.cpu()], -2)
        for node in list(ready):
            _trim(ready, node, bounds(self.graph.height(node), count)[i + 1])
        first, last = bounds(self.graph.height(outputs["image"]), count)[i : i + 2]
        if last > first:
            yield Strips(first, last, tall)

    def _is_tall(self, name: str) -> bool:
        """Whether a part lies on the picture row by row."""
        image, node = self.graph.traced.outputs["image"], self.graph.traced.outputs[name]
        shape = self.graph.traced.shapes[node]
        return name not in OF_THE_WHOLE and len(shape) > 2 and shape[-2] == self.graph.height(image)

    def _evaluate_small(self, number: int) -> None:
        for node in self.graph.small:
            if self.graph.level[node] == number:
                self._values[node] = evaluate(node, self._values, self.graph.device)

    def _collect_small(self) -> None:
        for name, node in self.graph.traced.outputs.items():
            if not (self.graph.is_map(node) or self._is_tall(name)):
                self.others[name] = self._values[node]

    def _last_use(self, step: Pass) -> dict[Node, list[Node]]:
        """After which map of a strip each map is not read again; one that no other reads, after itself."""
        order = (*step.reads, *step.maps)
        last: dict[Node, Node] = {node: node for node in order}
        for node in step.maps:
            last.update(dict.fromkeys((source for source in self.graph.rows[node].inputs if source in last), node))
        done: dict[Node, list[Node]] = {}
        for node, user in last.items():
            done.setdefault(user, []).append(node)
        return done

    def _row_bytes(self, node: Node) -> int:
        shape = self.graph.traced.shapes[node]
        return prod((*shape[:-2], shape[-1])) * int(node.meta["bytes"])

    def _bytes(self, node: Node) -> int:
        return self._row_bytes(node) * self.graph.height(node)


def _joined(before: tuple[int, Tensor] | None, first: int, strip: Tensor) -> tuple[int, Tensor]:
    if before is None or not before[1].shape[-2]:
        return first, strip
    return before[0], torch.cat([before[1], strip], -2)


def _trim(cache: dict[Node, tuple[int, Tensor]], node: Node, start: int) -> None:
    """Forget rows before ``start``; what is left moves, so that the rest of its memory is free."""
    if node not in cache:
        return
    first, strip = cache[node]
    if start >= first + strip.shape[-2]:
        del cache[node]
    elif start > first:
        cache[node] = (start, strip[..., start - first :, :].clone())
