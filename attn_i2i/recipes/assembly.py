"""From parts and their options to a recipe's networks, and the layout that says which is which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from torch import nn

from ..interfaces import RGB, TRANSLATE, Layout, Objective, channels_of
from ..losses import needs_same, pixel
from ..plugins.parts import CHANNELS, Part
from ..types import ConfigError
from .networks import initialise
from .values import checked

INITIAL: Mapping[str, Mapping[str, Callable[[nn.Module], nn.Module]]] = {
    "normal": {"generator": initialise, "discriminator": initialise},
    "torch": {},
    "kaiming": {"generator": partial(initialise, std=None), "discriminator": initialise},
}
"""How the first weights are drawn, by name and role.

"normal" is N(0, 0.02), as pix2pix, CycleGAN and their descendants have it; "torch" leaves weights as the network's own
code made them; "kaiming" is what MUNIT's release does.
"""


class Keys(NamedTuple):
    """The keys of a recipe's networks: directions to generators, domains to the discriminators that look at them."""

    generators: Mapping[str, str]
    discriminators: Mapping[str, str]


PAIR = Keys({"A2B": "G_A2B", "B2A": "G_B2A"}, {"A": "D_A", "B": "D_B"})
MANY = Keys({TRANSLATE: "G"}, {"all": "D"})


class Described(NamedTuple):
    """A part, all of its options, and how its first weights are drawn."""

    role: str
    part: Part
    config: Mapping[str, Any]
    initial: str

    def build(self) -> nn.Module:
        """A network of its own, with fresh weights."""
        network = self.part.build(self.config)
        draw = INITIAL[self.initial].get(self.role)
        return network if draw is None else draw(network)


def configuration(recipe: str, role: str, part: Part, chosen: Mapping[str, Any], shared: list[str]) -> dict[str, Any]:
    """All options of a part: its defaults, what was chosen for it, and what it shares with others.

    Raises ConfigError for a value of another type than the factory declares.
    """
    config = part.defaults()
    own: dict[str, Any] = {}
    value = chosen.get(CHANNELS)
    if CHANNELS in shared and value is not None and (type(value) is not int or value < 1):
        raise ConfigError(
            f"{recipe}: {CHANNELS}={value!r} was given, expected one number from 1 on, which both domains of a training"
            " have here. Networks with other channels in each train in a loop of yours, from Python."
        )
    for option, value in chosen.items():
        prefix, _, name = option.partition(".")
        name = name if prefix == role else option if option in shared and part.shares(option) else ""
        if name:
            own[name] = _checked(recipe, part, name, value)
    return config | part.with_channels(own)


def _checked(recipe: str, part: Part, name: str, value: Any) -> Any:
    """``value`` as the factory's signature declares it; a size that is above 0 by default is never below 0.

    Layers without blocks or steps are networks too; layers without channels are none.
    """
    declared = part.parameters.get(name)
    value = checked(recipe, name, value, part.annotations.get(name))
    least = 1 if name.endswith("width") else 0
    if declared is not None and type(declared.default) is int and declared.default > 0 and value < least:
        raise ConfigError(f"{recipe}: {name}={value} was given, expected {least} or more.")
    return list(value) if isinstance(value, tuple) else value


def arranged(keys: Keys, generator: Described, discriminator: Described | None) -> tuple[nn.ModuleDict, Layout]:
    """Fresh networks under ``keys``, and their layout; generators are drawn first."""
    networks = {key: generator.build() for key in keys.generators.values()}
    layout = Layout(generator.part.name, generator.config, keys.generators)
    if discriminator is None:
        return nn.ModuleDict(networks), layout
    networks |= {key: discriminator.build() for key in keys.discriminators.values()}
    name, config = discriminator.part.name, discriminator.config
    return nn.ModuleDict(networks), Layout(*layout[:3], name, config, keys.discriminators)


def check_channels(recipe: str, networks: nn.ModuleDict, layout: Layout, chosen: int | None) -> int:
    """How many channels the images have that a recipe trains on, of the first domain.

    ``chosen`` is what was asked for: all networks take and make them. Otherwise each domain may have others, as long as
    its networks agree. Raises ConfigError where a network has others, or advertises none of those that were asked for.
    """
    roles = dict.fromkeys(layout.generators.values(), "generator") | dict.fromkeys(
        layout.discriminators.values(), "discriminator"
    )
    told = {key: channels_of(networks[key]) for key in roles if hasattr(networks[key], "channels")}
    ends = _ends(layout)
    of_domain: dict[str, int] = {}
    for key, numbers in told.items():
        for domain, number in zip(ends[key], numbers, strict=True):
            of_domain.setdefault(domain, chosen or number)
    for key, role in roles.items():
        if key not in told and chosen is None:
            continue
        numbers = told.get(key, (RGB, RGB))
        takes, makes = (of_domain.get(domain, chosen or RGB) for domain in ends[key])
        if numbers != (takes, makes):
            name = (layout.architecture if role == "generator" else layout.discriminator) or key
            has = _in_words(*numbers) + ("" if key in told else " (it advertises no `channels`)")
            raise ConfigError(
                f"{recipe}: the {role} {name} has {has}, and the pictures of this training have"
                f" {_in_words(takes, makes)}: give all networks the same channels"
                ' (recipe_options={"channels": N}), or take one that has them.'
            )
    return chosen or next((takes for takes, _ in told.values()), RGB)


def check_terms(recipe: str, networks: nn.ModuleDict, layout: Layout, objective: Objective) -> None:
    """Raise ConfigError where domains have other channels each and a loss term compares one with the other."""
    terms = [name for name, term in objective.items() if term[1] is pixel or needs_same({name: term})]
    for key in layout.generators.values():
        takes, makes = channels_of(networks[key])
        if takes != makes and terms:
            weights = ", ".join(f"objective.{name}=0" for name in terms)
            raise ConfigError(
                f"{recipe}: the generator {layout.architecture or key} has {_in_words(takes, makes)}, and loss terms"
                f" need the same channels in both domains: set {weights}."
            )


def _in_words(takes: int, makes: int) -> str:
    return f"channels={takes}" if takes == makes else f"in_channels={takes} and out_channels={makes}"


def _ends(layout: Layout) -> dict[str, tuple[str, str]]:
    """The domains of what each network takes and makes, by its key; with labels all are one."""
    ends = {key: ("all", "all") if way == TRANSLATE else (way[0], way[-1]) for way, key in layout.generators.items()}
    return ends | {key: (domain, domain) for domain, key in layout.discriminators.items()}


def check_labels(recipe: str, networks: nn.ModuleDict, layout: Layout) -> None:
    """Raise ConfigError where a generator is told its domain by a label and the recipe gives none, or the reverse."""
    for key in layout.generators.values():
        labelled = bool(getattr(networks[key], "domains", 0))
        if labelled and not layout.multidomain:
            raise ConfigError(
                f"{recipe}: the generator {layout.architecture or key} needs a label of the target domain, but this"
                " recipe trains two domains without labels: choose a multi-domain recipe, such as stargan."
            )
        if layout.multidomain and not labelled:
            raise ConfigError(
                f"{recipe}: the generator {layout.architecture or key} advertises no `domains`, but this recipe tells"
                " it the target domain by a label. Choose a generator with labels, or a recipe of two domains, such as"
                " cyclegan."
            )
