"""Options that a recipe has whatever its loop is: what is put around it, once it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from ..interfaces import Recipe
from .little import LittleDataOptions, LittleDataRecipe
from .opening import OpeningOptions, OpeningRecipe
from .values import filled


def names_around(training: type[Any], discriminators: bool) -> tuple[str, ...]:
    """The options that a recipe has beside those of ``training``, its loop's own, whose names go first.

    All of them are about what discriminators do.
    """
    own = {field.name for field in fields(training)}
    groups = (LittleDataOptions, OpeningOptions) if discriminators else ()
    return tuple(field.name for group in groups for field in fields(group) if field.name not in own)


class Around(NamedTuple):
    """What is put around a recipe."""

    little: LittleDataOptions
    opening: OpeningOptions

    @classmethod
    def read(cls, recipe: str, names: tuple[str, ...], chosen: Mapping[str, Any]) -> Around:
        """From the options that were ``chosen`` for a recipe which has those of ``names``. Raises ConfigError."""
        own = {name: value for name, value in chosen.items() if name in names}
        return cls(
            filled(recipe, LittleDataOptions, own).checked(recipe, own),
            filled(recipe, OpeningOptions, own).checked(recipe, own),
        )

    def stored(self, names: tuple[str, ...]) -> dict[str, Any]:
        """The options as a run stores them."""
        return {name: value for group in self for name, value in group.stored().items() if name in names}

    def put(self, name: str, recipe: Recipe, seed: int) -> Recipe:
        """The recipe as it is, if nothing was asked for, else inside of what was."""
        if self.opening.opening_cycle is not None:
            recipe = OpeningRecipe(name, recipe, self.opening)
        if self.little.augment is not None or self.little.r1:
            recipe = LittleDataRecipe(name, recipe, self.little, seed)
        return recipe
