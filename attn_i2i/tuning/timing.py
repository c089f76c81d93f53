"""How long the ways of a convolution take, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence

import torch
from torch import Tensor

from ..blocks.convolution import EXACT, METHODS, Conv2d
from ..blocks.winograd import winograd_forward
from .work import Work

ROUNDS = 4
"""Runs of each way; the shortest counts, since other work on the machine only ever adds."""
HOPELESS = (float("inf"), 1.5, 1.25, 1.15)
"""A way that took so many times the shortest is not run again in this round: a later time is surer than a first."""
MARGIN = 0.95
"""Share of the direct way's time below which another is taken: less than that may be noise."""

FORWARD = {"winograd": winograd_forward}
"""What computes the same without gradients, and without the second that an operator's first call takes."""
WARM = 8  # pixels of a side: enough to pad a 7x7 kernel's picture by reflection

Seconds = Mapping[str, float]
TimeWays = Callable[[Conv2d, Work], Seconds]


def measure(conv: Conv2d, work: Work) -> dict[str, float]:
    """Seconds of each of the candidates on one square picture of the work's size; ``conv`` stays as it is."""
    random = torch.Generator().manual_seed(0)
    side = 2**work.level
    image = torch.rand(1, work.inputs, side, side, generator=random, dtype=conv.weight.dtype)
    image.requires_grad_(work.trained)
    for way in conv.candidates:  # imports, and what is made once, are no part of a way's time: they took 1.3 s
        _run(conv, way, image[..., :WARM, :WARM], work.trained)()
    runs = {way: _run(conv, way, image, work.trained) for way in conv.candidates}
    return shortest(runs, rivals=(tuple(runs), tuple(way for way in runs if way in EXACT)))


def _run(conv: Conv2d, way: str, image: Tensor, trained: bool) -> Callable[[], object]:
    method = METHODS[way] if trained else FORWARD.get(way, METHODS[way])
    wanted = [image, conv.weight]

    def forward() -> object:
        with torch.no_grad():
            return conv.by(method, image)

    def both() -> object:
        with torch.enable_grad():
            answer = conv.by(method, image)
            return torch.autograd.grad(answer, [t for t in wanted if t.requires_grad], answer.detach())

    return both if trained else forward


def shortest(
    runs: Mapping[str, Callable[[], object]],
    clock: Callable[[], float] = time.perf_counter,
    rounds: int = ROUNDS,
    rivals: Sequence[Collection[str]] = (),
) -> dict[str, float]:
    """The shortest seconds of each; they take turns, so that other work on the machine meets them alike.

    ``rivals`` are those among which one is chosen, all of them unless given. From the third round on only those run
    that can still win among their rivals, and nobody runs whose rivals are all beaten.
    """
    seconds = dict.fromkeys(runs, float("inf"))
    for number in range(rounds):
        again = {name for group in rivals or (tuple(runs),) for name in _contenders(seconds, group, number)}
        for name, run in runs.items():
            if name in again:
                start = clock()
                run()
                seconds[name] = min(seconds[name], clock() - start)
    return seconds


def _contenders(seconds: Seconds, group: Collection[str], number: int) -> list[str]:
    """Those of a group that this round can still make the quickest of it."""
    best = min(seconds[name] for name in group)
    near = [name for name in group if seconds[name] <= HOPELESS[min(number, len(HOPELESS) - 1)] * best]
    return near if len(near) > 1 or number < 2 else []


def quickest(seconds: Seconds, *, rounded: bool) -> str:
    """The way to take: direct, unless another one is quicker by the margin. ``rounded`` allows Winograd's rounding.

    >>> quickest({"direct": 1.0, "winograd": 0.7, "channels-last": 0.97}, rounded=False)
    'direct'
    """
    allowed = sorted(way for way in seconds if rounded or way in EXACT)  # equal times give one answer in any order
    best = min(allowed, key=seconds.__getitem__)
    return best if seconds[best] < MARGIN * seconds["direct"] else "direct"


def choice_in_words(seconds: Seconds) -> str:
    """The way that is taken, and the one where Winograd's rounding is allowed if that is another.

    >>> choice_in_words({"direct": 1.0, "winograd": 0.5})
    'direct; winograd where its rounding is allowed'
    """
    exact, rounded = (quickest(seconds, rounded=allowed) for allowed in (False, True))
    return exact if exact == rounded else f"{exact}; {rounded} where its rounding is allowed"
