"""What a recipe says of itself: which network is which, how long it trains, what it was built with."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from ..interfaces import TRANSLATE, TWO_WAYS, Layout, Recipe
from ..models.build import check_fit, create, create_discriminator
from ..types import AttnI2IError
from .contract import call, expect, kind
from .generators import check_translation, translate

EPOCHS = (1, 1000, 5)  # steps in an epoch: of one batch, of a large data set, of a small one


def check_layout(recipe: Recipe, batch: Mapping[str, Tensor]) -> None:
    """The layout names networks of the recipe, and registered parts that build them again; generators translate."""
    layout = recipe.layout
    expect(isinstance(layout, Layout), f"layout is {kind(layout)}, not an attn_i2i.interfaces.Layout.")
    ways, looked_at = set(layout.generators), set(layout.discriminators)
    many = ways == {TRANSLATE}
    expect(
        many or (ways and ways <= set(TWO_WAYS)),
        f"The layout's directions are {sorted(ways)}: expected A2B and B2A, one of them, or translate alone.",
    )
    allowed = {"all"} if many else {"A", "B"}
    expect(
        looked_at <= allowed,
        f"The layout's discriminators look at {sorted(looked_at)}: expected {sorted(allowed)}, or none.",
    )
    for name, key in [*layout.generators.items(), *layout.discriminators.items()]:
        expect(key in recipe.networks, f"The layout's {name} is {key!r}, but networks has {list(recipe.networks)}.")
    _check_built_again(recipe, layout)
    _check_directions(recipe, layout, batch)


def _check_built_again(recipe: Recipe, layout: Layout) -> None:
    """The model that a training writes must load: each network's weights fit what its registered name builds."""
    parts = [("generator", layout.architecture, layout.config, create, layout.generators)]
    if layout.discriminators:
        described = layout.discriminator, layout.discriminator_config
        parts.append(("discriminator", *described, create_discriminator, layout.discriminators))
    for role, architecture, config, make, keys in parts:
        expect(architecture, f"The layout names no {role}: register it, so that load() can build the model again.")
        try:
            json.dumps(config)
            module = make(architecture, **config)
            for key in keys.values():
                check_fit(module, recipe.networks[key].state_dict(), f"networks[{key!r}] as {architecture}")
        except (AttnI2IError, TypeError, ValueError) as error:
            expect(False, f"The layout describes no {role} that can be built again: {error}")


def _check_directions(recipe: Recipe, layout: Layout, batch: Mapping[str, Tensor]) -> None:
    """Previews call each generator with an image alone, or with a label of the target domains."""
    for way, key in layout.generators.items():
        image = batch["image" if layout.multidomain else way[0]]
        label = batch["label"] if layout.multidomain else None
        network = recipe.networks[key].eval()
        with torch.no_grad():
            check_translation(translate(network, image, label), image, network)
        network.train()


@contextmanager
def shown_right(recipe: Recipe, batch: Mapping[str, Tensor]) -> Iterator[None]:
    """What the layout gives to A is shown the images of A inside, unless the recipe shows it no image as it is.

    ``discriminators["A"]`` tells real images of A from fakes, ``generators["A2B"]`` translates images of A.
    """
    layout, seen = recipe.layout, defaultdict[str, set[str]](set)
    if layout.multidomain:
        yield
        return

    def look(key: str, arguments: tuple[object, ...]) -> None:
        # Real images and fakes may go through a network together.
        parts = [part for value in arguments if isinstance(value, Tensor) for part in value.split(len(batch["A"]))]
        seen[key].update(domain for domain in "AB" if any(torch.equal(part, batch[domain]) for part in parts))

    named = [*layout.generators.items(), *layout.discriminators.items()]
    hooks = [
        recipe.networks[key].register_forward_pre_hook(lambda _, arguments, key=key: look(key, arguments))
        for _, key in named
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    for name, key in named:
        own, other = name[0], "AB".replace(name[0], "")
        advice = f"{key!r}, but step() shows it images of {other}, not of {own}: exchange the names in the layout."
        expect(seen[key] != {other}, f"The layout's {name} is {advice}")


def check_stored(options: object) -> None:
    """Options are plain values by name: they are stored with the run, and compared when it is resumed."""
    expect(isinstance(options, Mapping), f"options is {kind(options)}, not a mapping of names to values.")
    for name, value in dict(options).items():  # type: ignore[call-overload]
        try:
            plain = isinstance(name, str) and json.loads(json.dumps(value)) == (
                list(value) if isinstance(value, tuple) else value
            )
        except (TypeError, ValueError):
            plain = False
        expect(plain, f"The option {name!r} is {value!r:.80}: options hold strings, numbers, booleans and lists only.")


def check_schedule(recipe: Recipe) -> None:
    """A training has an end, and a rate for every step before it."""
    for length in EPOCHS:
        total = call(recipe.total_steps, length, doing=f"total_steps({length})")
        expect(type(total) is int and total > 0, f"total_steps({length}) is {total!r}, not a number of steps.")
    total = recipe.total_steps(5)
    for step in {*range(min(10, total)), *range(0, total, -(-total // 100)), total - 1}:
        rate = call(recipe.learning_rate, step, 5, doing=f"learning_rate({step}, 5)")
        right = isinstance(rate, float | int) and 0 <= rate < math.inf
        expect(right, f"learning_rate({step}, 5) is {rate!r}, not a rate.")
