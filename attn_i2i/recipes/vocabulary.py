"""The names of a recipe's options, and what each of them belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..plugins.parts import Part
from ..registry import suggestion
from ..types import ConfigError
from .objective import PREFIX, term_named
from .words import OTHER_CODES

# What follows from the data, so that it is told once to all networks that need it.
SHARED = ("domains", "image_size", "channels")


@dataclass(frozen=True)
class Vocabulary:
    """The options of one recipe: its ``own``, those of its ``parts`` by role, and the weights of its ``terms``.

    ``told`` are own options that networks share as well. The whole name of an option says what it belongs to:
    ``generator.width``, ``objective.cycle``. Its short form does as well: ``width`` is the generator's,
    ``discriminator_width`` the discriminator's, ``cycle`` a weight.
    """

    recipe: str
    own: tuple[str, ...]
    parts: Mapping[str, Part]
    terms: tuple[str, ...]
    told: tuple[str, ...] = ()

    def whole(self, option: str) -> str:
        """The whole name of an option. Raises ConfigError, with a suggestion, for one that there is not."""
        prefix, dot, rest = option.partition(".")
        part = self.parts.get(prefix)
        if (shared := option if part is None else rest) in self.shared():
            return shared
        if option in self.own:
            return option
        if option.startswith(PREFIX) and rest and self.terms:
            return PREFIX + term_named(rest, self.terms)
        if dot and part is not None and part.has(rest):
            return option
        if (term := option.replace("_", "-")) in self.terms:
            return PREFIX + term
        role, short = "generator", option
        if option.startswith("discriminator_"):
            role, short = "discriminator", option.removeprefix("discriminator_")
        if role in self.parts and self.parts[role].has(short, named=True):
            return short if short in self.shared() else f"{role}.{short}"
        names = ["preset", *self.names()]
        forms = [*names, *(name.partition(".")[2] for name in names)]
        theirs = OTHER_CODES.get(option.casefold().replace("-", "_"))
        near = suggestion(theirs or option, forms)
        raise ConfigError(f"{self.recipe} has no option {option!r}.{near} Options: {', '.join(names)}.")

    def shared(self) -> list[str]:
        """The options that all networks share which have them.

        A stranger's ``channels`` that are not those of images are its own, and then no others are told of any.
        """
        strange = {
            name
            for name in SHARED
            for part in self.parts.values()
            if part.has(name, named=True) and not part.shares(name)
        }
        return [
            name
            for name in (*SHARED, *self.told)
            if name not in strange and any(part.shares(name) for part in self.parts.values())
        ]

    def names(self) -> Iterator[str]:
        """All whole names."""
        shared = self.shared()
        yield from (*self.own, *(name for name in shared if name not in self.own))
        for role, part in self.parts.items():
            told = part.image_channels if "channels" in shared else ()
            yield from (f"{role}.{name}" for name in part.parameters if name not in (*shared, *told))
        yield from (PREFIX + term for term in self.terms)

    def spelled_out(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """``options`` by their whole names. Raises ConfigError for one that is given twice."""
        whole: dict[str, Any] = {}
        for option, value in options.items():
            name = self.whole(option)
            if name in whole and whole[name] != value:
                raise ConfigError(f"{self.recipe}: {name} was given twice, once as {option!r}: give it once.")
            whole[name] = value
        return whole
