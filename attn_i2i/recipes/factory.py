"""The front door: one way to make a recipe from a generator, a discriminator and an objective."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Generic, NamedTuple, TypeVar, cast

from torch import nn

from ..arguments import typed
from ..interfaces import Layout, Objective, Recipe
from ..plugins import zoo
from ..plugins.parts import Part, find_part
from ..registry import suggestion
from ..types import ConfigError, UnknownNameError
from .around import Around, names_around
from .assembly import (
    INITIAL,
    MANY,
    PAIR,
    Described,
    Keys,
    arranged,
    check_channels,
    check_labels,
    check_terms,
    configuration,
)
from .objective import PREFIX, resolve_terms
from .values import filled
from .vocabulary import SHARED, Vocabulary

T = TypeVar("T")
R = TypeVar("R", bound=Recipe)
ROLES = ("generator", "discriminator")
RECIPE_MEMBERS = (  # of an `attn_i2i.interfaces.Recipe`, all of which training reads
    *("networks", "layout", "options", "optimizers", "step", "learning_rate", "total_steps", "on_epoch"),
    *("state_dict", "load_state_dict"),
)
Network = str | Callable[..., nn.Module]

Presets = Mapping[str, Mapping[str, Any]]
"""What each preset sets differently from the defaults, by whole names of options."""


class RecipeParts(NamedTuple, Generic[T]):
    """What a training loop is made of, and the recipe's registered name.

    ``training`` are the loop's own options; ``options`` are all of them, as the run stores them.
    """

    name: str
    networks: nn.ModuleDict
    layout: Layout
    objective: Objective
    training: T
    options: dict[str, Any]


@dataclass(frozen=True)
class RecipeFactory(Generic[R]):
    """A recipe to register: a training ``loop`` and the parts that it has by default, all of which may be changed.

    ``generator`` and ``discriminator`` are registered names; without a discriminator generators are trained alone.
    ``training`` is the dataclass of the loop's own options, ``objective`` its terms with their weights.
    A ``multidomain`` recipe trains one generator that is given labels, any other two between two domains. ``initial``
    names how first weights are drawn: "normal", "kaiming" or "torch". ``told`` are options of the loop that networks
    have as well. ``preset`` is the one of ``presets`` that a recipe has by default. ``summary`` is what listings show.
    """

    name: str
    summary: str
    loop: Callable[[RecipeParts[Any]], R]
    training: type[Any]
    generator: str
    discriminator: str | None
    objective: Objective
    presets: Presets
    multidomain: bool = False
    initial: str = "normal"
    told: tuple[str, ...] = ()
    preset: str = "released"

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self.summary)

    def __call__(
        self,
        networks: nn.ModuleDict | None = None,
        *,
        preset: str | None = None,
        generator: Network | None = None,
        discriminator: Network | None = None,
        objective: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> R:
        """The recipe with networks of its own, or with ``networks``, which no model can be written of.

        ``objective`` changes and adds terms: a weight for a name, or a weight and a function. ``options`` go by their
        whole names (``generator.width``, ``objective.cycle``) or short forms (``width``, ``cycle``). Those of
        `LittleDataOptions` belong to every recipe with discriminators, which is then inside of a wrapper.
        Raises UnknownNameError for a preset or a part, ConfigError for an option or a value.
        """
        chosen_networks = {"generator": generator, "discriminator": discriminator}
        preset = self.preset if preset is None else preset
        words, settled = self._words(self._preset(preset), chosen_networks)
        chosen = words.spelled_out(settled) | words.spelled_out(_with_terms(self.name, options, objective))
        training = filled(self.name, self.training, chosen)
        around = Around.read(self.name, self._around, chosen)
        chosen |= {name: getattr(training, name) for name in self.told}
        changes = {name.removeprefix(PREFIX): value for name, value in chosen.items() if name.startswith(PREFIX)}
        terms, stored_terms = resolve_terms(self.name, self.objective, changes)
        stored = {"preset": preset, **asdict(training), **around.stored(self._around), **stored_terms}
        if networks is None:
            networks, layout, described = self._networks(words, chosen)
            stored |= described
        else:
            layout = self._layout_of(networks, chosen_networks, chosen)
        check_labels(self.name, networks, layout)
        channels = check_channels(self.name, networks, layout, chosen.get("channels"))
        check_terms(self.name, networks, layout, terms)
        if "channels" in words.shared():
            stored["channels"] = channels
        recipe = self.loop(RecipeParts(self.name, networks, layout, terms, training, stored))
        return cast("R", around.put(self.name, recipe, getattr(training, "seed", 0)))

    def whole_names(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What a call would be given, by whole names: ``{"width": 8}`` is ``{"generator.width": 8}``."""
        apart = {name: options[name] for name in ("preset", *ROLES) if name in options}
        rest = {name: value for name, value in options.items() if name not in (*apart, "objective")}
        words, _ = self._words(self._preset(options.get("preset") or self.preset), {r: options.get(r) for r in ROLES})
        return apart | words.spelled_out(_with_terms(self.name, rest, options.get("objective")))

    def _preset(self, preset: object) -> Mapping[str, Any]:
        if not isinstance(preset, str) or preset not in self.presets:
            hint, names = suggestion(str(preset), self.presets), ", ".join(self.presets)
            raise UnknownNameError(f"{self.name} has no preset {preset!r}.{hint} Presets: {names}.")
        return self.presets[preset]

    def _words(
        self, preset: Mapping[str, Any], chosen_networks: Mapping[str, Network | None]
    ) -> tuple[Vocabulary, dict[str, Any]]:
        """The names of all options, and what the preset says; what it says of its own part is not for another."""
        if self.discriminator is None and chosen_networks["discriminator"] is not None:
            raise ConfigError(f"{self.name} trains without discriminators: leave discriminator out.")
        parts: dict[str, Part] = {}
        settled = dict(preset)
        for role, registry in zip(ROLES, (zoo().generators, zoo().discriminators), strict=True):
            own = settled.pop(role, getattr(self, role))
            chosen = chosen_networks[role] or own
            if chosen is not None:
                parts[role] = find_part(registry, chosen)
            if chosen != own:
                settled = {name: value for name, value in settled.items() if not name.startswith(f"{role}.")}
        own_options = (*(field.name for field in fields(self.training)), *self._around, "initial")
        return Vocabulary(self.name, own_options, parts, tuple(self.objective), self.told), settled

    @property
    def _around(self) -> tuple[str, ...]:
        """The options of what may be put around the loop."""
        return names_around(self.training, self.discriminator is not None)

    @property
    def _keys(self) -> Keys:
        return MANY if self.multidomain else PAIR

    def _networks(self, words: Vocabulary, chosen: Mapping[str, Any]) -> tuple[nn.ModuleDict, Layout, dict[str, Any]]:
        """Fresh networks, their layout, and all options that describe them."""
        initial = chosen.get("initial", self.initial)
        if not isinstance(initial, str) or initial not in INITIAL:
            expected = " or ".join(map(repr, INITIAL))
            raise ConfigError(f"{self.name}: initial={initial!r} was given, expected {expected}.")
        shared = words.shared()
        described: dict[str, Described] = {}
        stored: dict[str, Any] = {"initial": initial}
        for role, part in words.parts.items():
            config = configuration(self.name, role, part, chosen, shared)
            described[role] = Described(role, part, config, initial)
            stored |= {role: str(part)}
            # channels are stored once, for all networks
            once = part.image_channels if "channels" in shared else ()
            rest = {name: value for name, value in config.items() if name not in once}
            stored |= {name if name in shared else f"{role}.{name}": value for name, value in rest.items()}
        networks, layout = arranged(self._keys, described["generator"], described.get("discriminator"))
        return networks, layout, stored

    def _layout_of(
        self, networks: nn.ModuleDict, chosen_networks: Mapping[str, Network | None], chosen: Mapping[str, Any]
    ) -> Layout:
        """The layout of networks that exist already, which go by the keys of this recipe's own."""
        for option in (*(role for role in ROLES if chosen_networks[role]), *chosen):
            if option.partition(".")[0] in (*ROLES, *SHARED, "initial"):
                raise ConfigError(f"{self.name}: {option} describes networks, but networks were given: leave one out.")
        generators, discriminators = self._keys
        wanted = [*generators.values(), *(discriminators.values() if self.discriminator else ())]
        if missing := [key for key in wanted if key not in networks]:
            raise ConfigError(f"{self.name}: the given networks lack {', '.join(missing)}; they are {list(networks)}.")
        return Layout("", {}, generators, "", {}, discriminators if self.discriminator else {})


@typed
def make_recipe(recipe: str | Callable[..., Recipe], **options: Any) -> Recipe:
    """A registered recipe, or a factory's, from any generator, discriminator and objective.

    ``options`` are those of `RecipeFactory`: ``generator``, ``discriminator``, ``objective``, ``preset``, and the
    recipe's own. Raises UnknownNameError for a name that nobody registered, ConfigError for options and values.

    >>> recipe = make_recipe("cyclegan", generator="attentiongan2", objective={"mask-variation": 1e-6}, width=8)
    >>> recipe.layout.architecture, recipe.options["generator.width"]
    ('attentiongan2', 8)
    """
    factory = zoo().recipes.load(recipe) if isinstance(recipe, str) else recipe
    parameters = inspect.signature(factory).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        for option in options:
            if option not in parameters:
                hint, names = suggestion(option, parameters), ", ".join(parameters) or "none"
                raise ConfigError(f"{recipe} has no option {option!r}.{hint} Options: {names}.")
    return factory(**options)


def _with_terms(recipe: str, options: Mapping[str, Any], objective: Any) -> dict[str, Any]:
    """``options`` with the terms of ``objective`` under their whole names."""
    if objective is None:
        return dict(options)
    if not isinstance(objective, Mapping):
        term = objective if isinstance(objective, str) else "NAME"
        raise ConfigError(
            f"{recipe}: objective={objective!r} was given, expected weights by name: objective.{term}=1.0, say."
        )
    terms = {f"{PREFIX}{name}": value for name, value in objective.items()}
    if twice := [name for name in terms if name in options]:
        raise ConfigError(f"{recipe}: {twice[0]} was given twice: give it once.")
    return {**options, **terms}
