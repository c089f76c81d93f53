"""What recipes promise."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..interfaces import RGB, Layout, Recipe
from ..recipes.factory import RECIPE_MEMBERS
from .contract import call, check_finite, check_shape, expect, kind
from .generators import advertised
from .layouts import check_layout, check_schedule, check_stored, shown_right
from .unchanged import unchanged_inputs

# A critic that is five updates ahead of its generator has the generator updated twice.
STEPS = 10
COLUMNS = ("step", "learning_rate")  # of losses.csv, beside the loss terms


def check_recipe(
    recipe: Callable[[], Recipe], *, batch: Mapping[str, Tensor] | None = None, size: int = 128, domains: int = 5
) -> None:
    """Hold a recipe to what the training engine relies on. ``recipe`` is a factory, best of small networks.

    Its layout says which network is which generator and discriminator, under registered names that build them again.
    Its options are JSON, and it also builds on the meta device. A network that the layout gives to
    A is shown images of A. Within ten steps every optimizer and every network with
    parameters is updated, and each step returns finite, detached scalars. The schedule has an end, and rates that are
    finite and not negative. Another recipe that takes over the networks, the optimizers and ``state_dict()`` goes on
    with the same losses. A recipe with the option ``channels`` also steps with grey images. ``batch`` is two ``size`` x
    ``size`` images of either kind by default: ``A`` and ``B``; ``image`` with a ``label`` and a ``target`` of
    ``domains`` entries. Raises ContractError.
    """
    built: Recipe = call(recipe, doing="Building it from its defaults (every option needs one)")
    for name in RECIPE_MEMBERS:
        expect(hasattr(built, name), f"A recipe needs {name}: see attn_i2i.interfaces.Recipe.")
    expect(isinstance(built.networks, nn.ModuleDict), f"networks is {kind(built.networks)}, not an nn.ModuleDict.")
    batch = batch or default_batch(size, domains, _channels(built))
    check_layout(built, batch)
    check_stored(built.options)
    check_schedule(built)
    with torch.device("meta"):
        call(recipe, doing="Building it under torch.device('meta')")
    optimizers = _optimizers(built)
    _check_steps(built, optimizers, batch)
    call(built.on_epoch, 1, doing="on_epoch(1)")
    _check_resumption(built, optimizers, recipe(), batch)
    if "channels" in built.options and _takes_channels(recipe):
        grey: Recipe = call(partial(recipe, channels=1), doing="Building it with channels=1")  # type: ignore[call-arg]
        _step(grey, _optimizers(grey), default_batch(size, domains, 1))


def _takes_channels(recipe: Callable[..., Recipe]) -> bool:
    parameters = inspect.signature(recipe).parameters
    return "channels" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _channels(recipe: Recipe) -> int:
    """Of the images that a recipe is given: its generators take them."""
    layout: Any = getattr(recipe, "layout", None)
    keys = list(layout.generators.values()) if isinstance(layout, Layout) else []
    return advertised(recipe.networks[keys[0]])[0] if keys and keys[0] in recipe.networks else RGB


def default_batch(size: int, domains: int, channels: int = RGB) -> dict[str, Tensor]:
    """What the engine gives to recipes of two domains and to those of many, all in one."""
    source = torch.Generator().manual_seed(0)
    images = {name: torch.rand(2, channels, size, size, generator=source) * 2 - 1 for name in ("A", "B", "image")}
    return {**images, "label": torch.eye(domains)[:2], "target": torch.eye(domains)[1:3]}


def _optimizers(recipe: Recipe) -> Mapping[str, Optimizer]:
    optimizers: Any = call(recipe.optimizers, doing="optimizers()")
    right = (
        isinstance(optimizers, Mapping) and optimizers and all(isinstance(o, Optimizer) for o in optimizers.values())
    )
    expect(right, f"optimizers() returned {kind(optimizers)}, not torch optimizers by name.")
    own = {id(parameter) for parameter in recipe.networks.parameters()}
    for name, optimizer in optimizers.items():
        foreign = [p for group in optimizer.param_groups for p in group["params"] if id(p) not in own]
        expect(not foreign, f"The optimizer {name} has parameters of no network: put the module into networks.")
    return dict(optimizers)


def _step(recipe: Recipe, optimizers: Mapping[str, Optimizer], batch: Mapping[str, Tensor]) -> tuple[Any, set[str]]:
    """What ``step`` returned, and the optimizers it updated; random draws are the same at each call."""
    used: set[str] = set()

    def update(optimizer: str, loss: Tensor) -> None:
        names = ", ".join(optimizers)
        expect(optimizer in optimizers, f"update({optimizer!r}, ...) names no optimizer: there are {names}.")
        check_shape(f"The loss for {optimizer}", loss, (), "reduce it, for example by mean().")
        optimizers[optimizer].zero_grad()
        loss.backward()
        optimizers[optimizer].step()
        used.add(optimizer)

    recipe.networks.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return call(recipe.step, batch, update, doing=f"step() on a batch with {', '.join(batch)}"), used


def _check_steps(recipe: Recipe, optimizers: Mapping[str, Optimizer], batch: Mapping[str, Tensor]) -> None:
    """As many steps as it takes to update everything: critics are often ahead of their generator."""
    before = {name: p.detach().clone() for name, p in recipe.networks.named_parameters() if p.requires_grad}
    idle, still = set(optimizers), {name.partition(".")[0] for name in before}
    for _ in range(STEPS):
        with unchanged_inputs(batch, "step()"), shown_right(recipe, batch):
            losses, used = _step(recipe, optimizers, batch)
        _check_losses(losses)
        idle -= used
        after = dict(recipe.networks.named_parameters())
        still -= {name.partition(".")[0] for name, value in before.items() if not torch.equal(value, after[name])}
        if not idle | still:
            return
    expect(not idle, f"{STEPS} calls of step() never called update() for {', '.join(sorted(idle))}.")
    expect(not still, f"{STEPS} steps leave {', '.join(sorted(still))} as it was: give its parameters to an optimizer.")


def _check_losses(losses: Any) -> None:
    expect(isinstance(losses, Mapping) and losses, f"step() returned {kind(losses)}, not its loss terms by name.")
    for name, value in losses.items():
        text = isinstance(name, str) and name not in COLUMNS
        expect(text, f"A loss term is called {name!r}: use a text other than {' and '.join(COLUMNS)}.")
        check_shape(f"Loss term {name}", value, (), "return scalars.")
        expect(not value.requires_grad, f"Loss term {name} keeps its graph: return it detached.")
        check_finite([(f"Loss term {name}", value)], "after one step")


def _check_resumption(
    recipe: Recipe, optimizers: Mapping[str, Optimizer], other: Recipe, batch: Mapping[str, Tensor]
) -> None:
    """The next step of a recipe taken up from stored states has the losses of one that went on."""
    states = copy.deepcopy((recipe.networks.state_dict(), recipe.state_dict()))
    other.networks.load_state_dict(states[0])
    call(other.load_state_dict, states[1], doing="load_state_dict() of another recipe's state_dict()")
    others = other.optimizers()
    for name, optimizer in optimizers.items():
        others[name].load_state_dict(copy.deepcopy(optimizer.state_dict()))
    call(other.on_epoch, 1, doing="on_epoch(1)")
    went_on, taken_up = _step(recipe, optimizers, batch)[0], _step(other, others, batch)[0]
    for name, value in went_on.items():
        same = torch.allclose(value, taken_up[name], rtol=1e-3, atol=1e-5)
        advice = "put what else it remembers (pools, counters) into state_dict()."
        expect(same, f"Loss term {name} differs after load_state_dict(): {advice}")
