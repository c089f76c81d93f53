"""The options of a recipe: presets, checked values, one flat namespace over several groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from ..registry import suggestion
from ..types import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

Presets = Mapping[str, Mapping[str, Any]]
"""What each preset sets differently from the options' defaults."""


def resolve(recipe: str, presets: Presets, preset: str, given: Mapping[str, Any], *groups: type[Any]) -> list[Any]:
    """One instance of each dataclass in ``groups`` from its defaults, the preset and what was ``given``.

    No two groups share a name. Raises UnknownNameError for a preset, ConfigError for an option that none has or for
    a value of another type.
    """
    if preset not in presets:
        hint = suggestion(preset, presets)
        raise UnknownNameError(f"{recipe} has no preset {preset!r}.{hint} Presets: {', '.join(presets)}.")
    known = [field.name for group in groups for field in fields(group)]
    for name in given:
        if name not in known:
            hint = suggestion(name, known)
            raise ConfigError(f"{recipe} has no option {name!r}.{hint} Options: {', '.join(known)}.")
    chosen = {**presets[preset], **given}
    return [_build(recipe, group, chosen) for group in groups]


def flattened(*groups: DataclassInstance) -> dict[str, Any]:
    """All options of ``groups`` by name, to show, store and compare."""
    return {name: value for group in groups for name, value in asdict(group).items()}


def _build(recipe: str, group: type[T], chosen: Mapping[str, Any]) -> T:
    hints = get_type_hints(group)
    own = {field.name: chosen[field.name] for field in fields(group) if field.name in chosen}
    return group(**{name: _checked(recipe, name, value, hints[name]) for name, value in own.items()})


def _checked(recipe: str, name: str, value: Any, kind: Any) -> Any:
    """``value`` as ``kind``: whole numbers are welcome as float, lists as tuples; numbers are never negative."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if getattr(kind, "__origin__", None) is tuple:
        wanted = len(kind.__args__)
        if isinstance(value, list | tuple) and len(value) == wanted and all(type(v) is int and v > 0 for v in value):
            return tuple(value)
        raise ConfigError(f"{recipe}: {name}={value!r} was given, expected {wanted} positive whole numbers.")
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ConfigError(f"{recipe}: {name}={value!r} was given, expected {_article(kind)}.")
    if kind in (int, float) and value < 0:
        raise ConfigError(f"{recipe}: {name}={value} was given, expected 0 or more.")
    return value


def _article(kind: type) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text"}.get(kind, kind.__name__)
