"""What makes a run another than the one that it would go on with, in words that name arguments as they are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .data.identity import differences
from .options import FREE_ON_RESUME

# Options of a recipe that follow from an option of the training, or from the pictures, where they were not given.
FOLLOWS = {"seed": "seed", "image_size": "crop_size"}
NETWORKS = ("generator", "discriminator")  # recipes' options that name a network; its own stand below that name


def run_differences(before: Any, now: Any) -> list[str]:
    """Every difference of two records of runs but what runs may change, each once, with both values."""
    if before.recipe != now.recipe:  # whose options are others too
        return [f"the recipe {before.recipe} (now {now.recipe})"]
    engine = _changed(before.options, now.options, FREE_ON_RESUME)
    selected = _selected(before.arguments), _selected(now.arguments)
    told = [_option(name, before.options, now.options) for name in engine]
    told += _of_recipe(before.recipe_options, now.recipe_options, engine, before.data, now.data)
    if all(selected) and selected[0] != selected[1]:
        return [*told, f"select={selected[0]} (now select={selected[1]})"]
    return [*told, *differences(before.data, now.data)]


def _changed(before: Mapping[str, Any], now: Mapping[str, Any], free: frozenset[str] = frozenset()) -> list[str]:
    return sorted(name for name in (before.keys() | now.keys()) - free if before.get(name) != now.get(name))


def _option(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    old, new = (f"no {name}" if some.get(name) is None else f"{name}={some[name]!r}" for some in (before, now))
    return f"{old} (now {new})"


def _of_recipe(
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    engine: Sequence[str],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
) -> Iterator[str]:
    """Options of the recipe that differ of themselves; those of a network that is another one are others."""
    changed = _changed(before, now)
    others = tuple(f"{name}." for name in NETWORKS if name in changed)
    for name in changed:
        plain = name.rpartition(".")[2]
        follows = FOLLOWS.get(plain) in engine or (plain == "domains" and old.get("domains") != new.get("domains"))
        if not follows and not (others and name.startswith(others)):
            yield f"{_assignment(name, before)} (now {_assignment(name, now)})"


def _assignment(name: str, options: Mapping[str, Any]) -> str:
    value = options.get(name)
    if value is None:
        return f"no {name}"
    if isinstance(value, Mapping):  # which no single assignment can say
        return f"other {name}"
    return f'recipe_options={{"{name}": {value!r}}}'


def _selected(arguments: Mapping[str, Any] | None) -> list[str]:
    return list((arguments or {}).get("select") or ())
