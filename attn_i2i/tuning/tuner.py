"""Gives each convolution of a network the way that is the quickest on this machine."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ..blocks.convolution import Conv2d, Ways, WaySteps
from . import store, timing
from .work import WORTH, Work, convolutions, level_of, work_of

PATIENCE = 2.0
"""Seconds that are spent on a network before its first picture; what is left keeps torch's own way until later."""
PLAIN: Ways = (((0, "direct"),), ((0, "direct"),))
COLUMNS: Ways = (((0, "columns"),), ((0, "columns"),))


class Tuned(NamedTuple):
    """A piece of work, how many convolutions of the network do it, and the seconds of the ways that were tried."""

    work: Work
    times: int
    seconds: Mapping[str, float]


class Found(NamedTuple):
    """The precision to take, how many times as fast as float32 bfloat16 is, and its PSNR to float32 in decibels."""

    dtype: str
    faster: float
    decibels: float

    def __str__(self) -> str:
        if not self.faster:
            return "bfloat16 fails in this network"
        return f"bfloat16 is {self.faster:.2f} times as fast as float32, {self.decibels:.1f} dB from it"


class Tuner:
    """Knows what was measured on this machine, measures what is missing, and tells the convolutions of networks.

    ``measure`` and ``clock`` are replaced where nothing should depend on time. Threads may share a tuner.
    """

    def __init__(self, measure: timing.TimeWays = timing.measure, clock: Callable[[], float] = time.monotonic) -> None:
        self._measure, self._clock = measure, clock
        self._lock = threading.RLock()
        self._remembered: store.Remembered | None = None
        self._done: WeakKeyDictionary[nn.Module, set[object]] = WeakKeyDictionary()

    def fit(
        self,
        network: nn.Module,
        inputs: Sequence[Tensor],
        named: Mapping[str, Tensor] | None = None,
        *,
        trained: bool = False,
        patience: float = PATIENCE,
        again: bool = False,
    ) -> list[Tuned]:
        """Set the ways of the convolutions inside ``network`` for a batch like ``inputs``; what was measured for it.

        ``inputs`` are those of the network's forward, the images first; ``named`` are further ones by name. It costs
        nothing for a size that was met before, on a device that is no CPU, and where ``ATTN_I2I_TUNE`` is off. At most
        some ``patience`` seconds are spent on measuring. ``again`` measures what is remembered too.
        """
        images = inputs[0]
        if images.device.type != "cpu" or images.dtype not in (torch.float32, torch.float64):
            return []
        on, threads = store.wanted(), torch.get_num_threads()
        asked = (level_of(images.shape[0] * images.shape[2] * images.shape[3]), images.dtype, threads, trained, on)
        with self._lock:
            if asked in self._done.get(network, set()) and not again:
                return []
            if not on:
                set_ways(dict.fromkeys(_convs(network), PLAIN))
                tuned = []
            else:
                tuned = self._fit(network, inputs, named or {}, threads, trained, patience, again)
            self._done.setdefault(network, set()).add(asked)
            return tuned

    def _fit(
        self,
        network: nn.Module,
        inputs: Sequence[Tensor],
        named: Mapping[str, Tensor],
        threads: int,
        trained: bool,
        patience: float,
        again: bool,
    ) -> list[Tuned]:
        convs, dtype = _convs(network), inputs[0].dtype
        seen = convolutions(network, inputs, named) if convs else {}
        works = {
            conv: [work_of(conv, pixels, dtype, threads, trained=trained) for pixels in seen.get(conv, [])]
            for conv in convs
        }
        tuned = self._measured(works, patience, again)
        set_ways({conv: self._ways(conv, works[conv]) for conv in convs})
        return tuned

    def _measured(self, works: Mapping[Conv2d, Sequence[Work]], patience: float, again: bool) -> list[Tuned]:
        """Measure what is missing, the costliest first; everything that is known in the end."""
        counts: dict[Work, int] = {}
        convs: dict[Work, Conv2d] = {}
        for conv, own in works.items():
            for work in own:
                if work.multiplications >= WORTH:
                    counts[work] = counts.get(work, 0) + 1
                    convs.setdefault(work, conv)
        remembered, new, deadline = self._known(), store.Remembered(), self._clock() + patience
        for work in sorted(counts, key=lambda work: -counts[work] * work.multiplications):
            if (again or str(work) not in remembered) and self._clock() < deadline:
                new.works[str(work)] = dict(self._measure(convs[work], work))
        if new.works:
            remembered.update(new.works)
            store.write(new)
        return [Tuned(work, counts[work], remembered[str(work)]) for work in counts if str(work) in remembered]

    def precision(self, key: str, measure: Callable[[], Found]) -> Found:
        """What is remembered of a network's precision under ``key``, else what ``measure`` finds."""
        if not store.wanted():
            return Found("float32", 1.0, 0.0)
        with self._lock:
            self._known()
            assert self._remembered is not None
            if key not in self._remembered.precisions:
                self._remembered.precisions[key] = measure()._asdict()
                store.write(store.Remembered(precisions={key: self._remembered.precisions[key]}))
            return Found(**self._remembered.precisions[key])

    def forget_precision(self, beginning: str) -> None:
        """Forget what is remembered of precisions, here and on the disk, under keys that begin so."""
        with self._lock:
            self._known()
            assert self._remembered is not None
            precisions = self._remembered.precisions
            outdated = [key for key in precisions if key.startswith(beginning)]
            if outdated:
                self._remembered.precisions = {key: precisions[key] for key in precisions if key not in outdated}
                store.write(store.Remembered(), without=beginning)

    def _known(self) -> dict[str, dict[str, float]]:
        if self._remembered is None:
            self._remembered = store.read()
        return self._remembered.works

    def _ways(self, conv: Conv2d, works: Sequence[Work]) -> Ways:
        """The ways by size of a convolution, from all that is known of its kind; nearest in size counts."""
        if not works or all(work.multiplications < WORTH for work in works):
            return unmeasured(conv)
        family, remembered = works[0].family, self._known()
        levels = {
            level: remembered[key] for level in range(16) if (key := str(family._replace(level=level))) in remembered
        }
        return (_steps(levels, rounded=False), _steps(levels, rounded=True)) if levels else PLAIN


def unmeasured(conv: Conv2d) -> Ways:
    """The ways of a convolution that nothing is known of, or that is too small to matter."""
    return COLUMNS if "columns" in conv.candidates else PLAIN


def _steps(levels: Mapping[int, timing.Seconds], *, rounded: bool) -> WaySteps:
    steps: list[tuple[int, str]] = []
    before = 0
    for level, seconds in sorted(levels.items()):
        way = timing.quickest(seconds, rounded=rounded)
        if not steps or steps[-1][1] != way:
            steps.append((2 ** (before + level) if steps else 0, way))
        before = level
    return tuple(steps)


def _convs(network: nn.Module) -> list[Conv2d]:
    return [module for module in network.modules() if isinstance(module, Conv2d)]


def set_ways(ways: Mapping[Conv2d, Ways]) -> None:
    """Give convolutions their ways; those that have them already stay as they are, for compiled networks' sake."""
    for conv, own in ways.items():
        if conv.ways != own:
            conv.ways = own


def ways_of(networks: nn.Module) -> dict[str, list[list[list[int | str]]]]:
    """The ways that were set inside ``networks``, by the convolutions' names, as lists: what a checkpoint keeps."""
    convs = {name: module for name, module in networks.named_modules() if isinstance(module, Conv2d)}
    return {
        name: [[[*step] for step in steps] for steps in conv.ways]
        for name, conv in convs.items()
        if conv.ways is not None
    }


def tune(network: nn.Module, *inputs: Tensor, **named: Tensor) -> list[Tuned]:
    """Set the ways of the convolutions inside ``network`` for a batch like ``inputs``; see ``Tuner.fit``."""
    return this_tuner().fit(network, inputs, named)


@functools.cache
def this_tuner() -> Tuner:
    """The tuner of this process, which remembers what it measured."""
    return Tuner()


def known_ways(raw: Mapping[str, Iterable[Iterable[Iterable[int | str]]]]) -> dict[str, Ways]:
    """What ``ways_of`` gave, as ways again."""
    return {name: _as_ways(steps) for name, steps in raw.items()}


def _as_ways(raw: Iterable[Iterable[Iterable[int | str]]]) -> Ways:
    exact, rounded = (tuple((int(least), str(way)) for least, way in steps) for steps in raw)
    return exact, rounded
