"""What PyTorch took for granted while it traced a network, as sizes where the graph may take other steps than it."""

from __future__ import annotations

from itertools import product
from typing import Any

import torch
from torch import nn

from ..interfaces import channels_of
from ..types import ConfigError
from .graph import advice

# Even and odd, powers of two and not, below and above what networks are trained on: rules of thumb change there.
SIDES = (32, 47, 64, 65, 66, 97, 128, 200, 256, 333, 512, 1000, 1024, 4096)
BATCHES = (1, 2, 3, 4, 8, 64)
MOST_PIXELS = 2**19  # of a batch that is compared: some 10 s of a processor for a published network
Case = tuple[int, tuple[int, int]]


def doubtful_cases(
    program: torch.export.ExportedProgram, network: nn.Module, size: tuple[int, int] | None
) -> list[Case]:
    """A batch and a (height, width) for each assumption that does not hold there, the smallest such; mostly none.

    Some assumptions are of no consequence, so the graph has to be compared there. Raises ConfigError for one that fails
    only for more pixels than can be compared. A PyTorch that does not say what it assumed (before 2.9) gives none.
    """
    check = getattr(program.module(), "_guards_fn", None)
    if check is None:
        return []
    domains, channels = int(getattr(network, "domains", 0) or 0), channels_of(network)[0]
    sizes = [size] if size else list(product(SIDES, SIDES))
    failing: dict[str, Case] = {}
    for batch, shape in sorted(product(BATCHES, sizes), key=lambda case: case[0] * case[1][0] * case[1][1]):
        inputs = [torch.empty(batch, channels, *shape, device="meta")]
        inputs += [torch.empty(batch, domains, device="meta")] if domains else []
        if (problem := _problem(check, inputs)) is not None:
            failing.setdefault(problem, (batch, shape))
    for problem, (batch, (height, width)) in failing.items():
        if batch * height * width > MOST_PIXELS:
            raise ConfigError(
                "This network cannot be exported, because its steps depend on its input: they may change at"
                f" {batch}x{height}x{width} ({problem}).{advice(size)}"
            )
    return list(failing.values())


def _problem(check: Any, inputs: list[torch.Tensor]) -> str | None:
    try:
        check(*inputs)
    except AssertionError as error:
        return " ".join(str(error).split())[:200]
    return None
