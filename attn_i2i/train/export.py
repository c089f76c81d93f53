"""From a recipe's networks to a model folder, and from one back into a recipe."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from ..interfaces import Layout, Recipe
from ..models.build import check_fit
from ..models.config import DiscriminatorConfig, ModelConfig, read_config
from ..models.directory import build_discriminators, build_generator, save_model
from ..recipes import make_recipe
from ..recipes.vocabulary import SHARED
from ..types import ConfigError


class Origin(NamedTuple):
    """What is told about a trained model: the recipe and all of its options, the steps, the model it began from."""

    recipe: str
    options: Mapping[str, Any]
    steps: int
    started_from: str | None = None


def write_model(
    directory: Path,
    recipe: Recipe,
    generators: nn.ModuleDict,
    origin: Origin,
    domains: list[str] | None,
    preprocessing: Mapping[str, Any],
) -> None:
    """Write the trained networks as a model that load() understands; an older one there is replaced.

    ``generators`` are the recipe's own or their averages, under the same names. ``preprocessing`` is what the
    model says of its pictures.
    """
    layout = layout_of(recipe, origin.recipe)
    discriminators = None
    if layout.discriminators:
        names = sorted(layout.discriminators)
        discriminators = DiscriminatorConfig(layout.discriminator, dict(layout.discriminator_config), names)
    config = ModelConfig(
        layout.architecture,
        dict(layout.config),
        list(layout.generators),
        domains=domains,
        discriminators=discriminators,
        provenance={"trained": {key: value for key, value in origin._asdict().items() if value is not None}},
        preprocessing=dict(preprocessing),
    )
    save_model(
        directory,
        config,
        {direction: generators[key].state_dict() for direction, key in layout.generators.items()},
        {name: recipe.networks[key].state_dict() for name, key in layout.discriminators.items()},
        force=True,
        carry=True,
    )


def layout_of(recipe: Recipe, name: str) -> Layout:
    """How the recipe's networks become a model; ConfigError where they have no registered names."""
    layout = recipe.layout
    unnamed = [] if layout.architecture else ["generator"]
    unnamed += ["discriminator"] if layout.discriminators and not layout.discriminator else []
    if unnamed:
        raise ConfigError(
            f"The recipe {name!r} trains a {' and a '.join(unnamed)} that no plugin registered, so load() could"
            ' not build its model again. Register it, such as attn_i2i.plugins.zoo().generators.add("my-gan", MyGAN),'
            " and train it by that name."
        )
    return layout


def options_from(model: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    """Those options of a recipe (``known``, by whole names) that build the networks of a model folder."""
    config = read_config(model)
    parts = {"generator": (config.architecture, config.config)}
    if config.discriminators is not None:
        parts["discriminator"] = config.discriminators.architecture, config.discriminators.config
    options: dict[str, Any] = {}
    for role, (architecture, described) in parts.items():
        for name, value in described.items():
            if name in SHARED and name in known:
                options[name] = value
            elif known.get(role) == architecture:
                options[f"{role}.{name}"] = value
            elif role == "generator" and role not in known and name in known:  # a recipe with names of its own
                options[name] = value
    return options


def start_from(model: Path, recipe: Recipe, name: str, domains: Sequence[str] | None = None) -> tuple[str, ...]:
    """Put a model's weights into the recipe's networks; what the model does not have starts fresh, which is told.

    ``domains`` are those of the pictures, which a model of many domains may know in another order or by other names.
    Raises ConfigError or ModelError where the model is of another architecture, release or shape.
    """
    config, layout = read_config(model), layout_of(recipe, name)
    if config.architecture != layout.architecture:
        other = f", or give this one its generator (recipe_options={{'generator': '{config.architecture}'}})"
        raise ConfigError(
            f"{model} is a {config.architecture!r} model, the recipe {name!r} trains {layout.architecture!r}: choose a"
            f" recipe for that architecture{other if _trains(name, config.architecture) else ''}."
        )
    _check_release(model, config, layout.config, name)
    taken = _directions(model, config.directions, list(layout.generators))
    for direction, stored in taken.items():
        key = layout.generators[direction]
        state = build_generator(model, config, stored).state_dict()
        check_fit(recipe.networks[key], state, f"{model}/{stored}")
        recipe.networks[key].load_state_dict(state)
    discriminators = build_discriminators(model, config) if layout.discriminators else {}
    for domain, network in discriminators.items():
        key = layout.discriminators[domain]
        check_fit(recipe.networks[key], network.state_dict(), f"{model}/discriminators ({domain})")
        recipe.networks[key].load_state_dict(network.state_dict())
    fresh = sorted(layout.discriminators.keys() - discriminators) if discriminators else []  # none is the usual case
    return *_fresh(model, taken, list(layout.generators), fresh), *_renamed(model, config.domains, domains)


def _trains(recipe: str, architecture: str) -> bool:
    """Whether a recipe takes this generator: one of two domains takes none that needs a label, for example."""
    with torch.device("meta"), contextlib.suppress(Exception):  # a stranger's recipe or network may raise anything
        make_recipe(recipe, generator=architecture)
        return True
    return False


def _directions(model: Path, stored: list[str], wanted: list[str]) -> dict[str, str]:
    """Which direction of the model each of the recipe's begins from; one that stands alone may have any name."""
    if same := {direction: direction for direction in wanted if direction in stored}:
        return same
    if len(stored) == 1:
        return {wanted[0]: stored[0]}
    raise ConfigError(
        f"{model} translates {', '.join(stored)}, the recipe {', '.join(wanted)}: none of them is the same, so that"
        " nothing can begin from it."
    )


def _fresh(model: Path, taken: Mapping[str, str], wanted: list[str], discriminators: list[str]) -> Iterator[str]:
    """What is worth saying of a model that does not have all that the recipe trains."""
    for direction, stored in taken.items():
        if direction != stored:
            yield f"{model} has one direction, {stored}: {direction} begins from it, which trains from A to B."
    if fresh := [direction for direction in wanted if direction not in taken]:
        yield f"{model} has no direction {' and no '.join(fresh)}: its generator starts fresh."
    if discriminators:
        yield f"{model} keeps no discriminator of {' and '.join(discriminators)}: each starts fresh."


def _renamed(model: Path, stored: Sequence[str] | None, domains: Sequence[str] | None) -> Iterator[str]:
    """What is worth saying of a model whose labels stand for other domains than those of the pictures."""
    pairs = [f"{new} from {old}" for new, old in zip(domains or (), stored or (), strict=False) if new != old]
    if pairs:
        yield (
            f"{model} has the domains {', '.join(stored or ())}, and these pictures {', '.join(domains or ())}: each"
            f" begins from the one in its place ({', '.join(pairs)})."
        )


RELEASES = {"tensorflow": "the TensorFlow release", "pytorch": "the PyTorch release"}


def _check_release(model: Path, config: ModelConfig, built: Mapping[str, Any], name: str) -> None:
    """Refuse a model of another release of its architecture, which differs in more than shapes."""
    release = config.config.get("release")
    if release is not None and release != built.get("release", "pytorch"):
        raise ConfigError(
            f"{model} is of {RELEASES.get(release, release)} of {config.architecture}, the recipe {name!r} trains"
            f" {RELEASES.get(built.get('release', 'pytorch'))}: nothing can begin from it."
        )
