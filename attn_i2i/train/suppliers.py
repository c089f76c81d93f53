"""Whose parts a training needs: written into run.json, so that a run without them says where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..plugins import zoo
from ..plugins._manager import supplier
from ..recipes.factory import ROLES
from ..recipes.objective import PREFIX
from ..registry import Registry


def suppliers_of(recipe: str, options: Mapping[str, Any]) -> dict[str, str]:
    """By name, the distributions of the plugins that supply a run's parts; the package's own are left out.

    ``options`` go by their whole names.
    """
    terms = {name.removeprefix(PREFIX): value for name, value in options.items() if name.startswith(PREFIX)}
    used: list[tuple[Registry[Any], object]] = [
        (zoo().recipes, recipe),
        (zoo().generators, options.get("generator")),
        (zoo().discriminators, options.get("discriminator")),
        *((zoo().heads, options.get(f"{role}.head")) for role in ROLES),
        *((zoo().losses, value[1] if isinstance(value, list | tuple) else name) for name, value in terms.items()),
    ]
    entries = {name: registry[name] for registry, name in used if isinstance(name, str) and name in registry}
    return {name: brought for name, entry in entries.items() if (brought := supplier(entry))}
