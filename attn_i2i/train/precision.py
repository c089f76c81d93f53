"""``precision="auto"``: what a training takes on this machine, measured before it begins and recorded with the run."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from ..devices import computes_bfloat16, pick_device
from ..interfaces import Recipe, channels_of
from ..tuning import timing
from ..tuning.store import wanted
from ..types import ConfigError
from .notices import notify
from .options import TrainOptions
from .processes import alone

ROUNDS = 2  # the first warms up; the shortest counts
Compete = Callable[..., Mapping[str, float]]


def settled(options: TrainOptions, recipe: Recipe, domains: int, compete: Compete = timing.shortest) -> TrainOptions:
    """The options with a precision that is none to be found: bf16 on a CPU where it is measured to be quicker.

    A generator's passes forward and backward are timed. On a GPU the choice is what it is where none is given. Raises
    ConfigError for several processes, which would not agree.
    """
    if options.precision != "auto":
        return options
    if options.device != "cpu" and (options.device or pick_device(None).type) != "cpu":
        return replace(options, precision=None)
    if not (computes_bfloat16() and wanted()):
        return replace(options, precision="fp32")
    if not alone():
        raise ConfigError("precision='auto' is measured in one process: give fp32 or bf16 to several.")
    faster = _faster(options, recipe, domains, compete)
    chosen = replace(options, precision="bf16" if faster * timing.MARGIN > 1 else "fp32")
    notify(
        [f"precision={chosen.precision} is taken: a pass in bf16 is {faster:.2f} times as fast as one in fp32 here."]
    )
    return chosen


def _faster(options: TrainOptions, recipe: Recipe, domains: int, compete: Compete) -> float:
    """How many times as fast as in fp32 the first generator's passes are in bf16."""
    key = next(iter(recipe.layout.generators.values()))
    network = copy.deepcopy(recipe.networks[key])  # a pass may change buffers
    random = torch.Generator().manual_seed(0)
    image = torch.rand(options.batch_size, channels_of(network)[0], *options.crop, generator=random)
    beside = [image.new_zeros(options.batch_size, domains)] if domains else []
    seconds = compete(
        {name: _pass(network, [image, *beside], bf16=name == "bf16") for name in ("fp32", "bf16")}, rounds=ROUNDS
    )
    return seconds["fp32"] / seconds["bf16"]


def _pass(network: nn.Module, inputs: list[Tensor], *, bf16: bool) -> Callable[[], None]:
    def run() -> None:
        with torch.enable_grad():
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16, cache_enabled=False):
                loss = network(*inputs).image.float().square().mean()
            torch.autograd.grad(loss, [p for p in network.parameters() if p.requires_grad], allow_unused=True)

    return run
