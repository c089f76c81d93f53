"""Values of options, held to the types that they are declared with."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import fields
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ..types import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
BELOW_ONE = frozenset({"beta1", "beta2"})  # Adam's decays, which never reach 1: nothing would be forgotten
LARGEST = 2**63 - 1  # what seeds and counts of torch can hold
WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "null"}


def filled(owner: str, group: type[T], chosen: Mapping[str, Any]) -> T:
    """The dataclass ``group`` from its defaults and those of ``chosen`` that it has.

    Numbers are finite and never negative. ``owner`` is for the message. Raises ConfigError for a value of another
    type, or out of its range.
    """
    hints = get_type_hints(group)
    own = {field.name: chosen[field.name] for field in fields(group) if field.name in chosen}
    for name, value in own.items():
        own[name] = checked(owner, name, value, hints[name])
        if isinstance(own[name], int | float) and (expected := _out_of_range(name, own[name])):
            raise ConfigError(f"{owner}: {name}={value} was given, expected {expected}.")
    return group(**own)


def _out_of_range(name: str, value: float) -> str:
    """What was expected of a number that no training can do with, else nothing."""
    if name in BELOW_ONE:
        return "" if 0 <= value < 1 else "0 or more, and less than 1"
    if isinstance(value, int) and value > LARGEST:
        return f"{LARGEST} or less"
    if abs(value) == math.inf:
        return "a finite number"
    return "" if value >= 0 else "0 or more"


def checked(owner: str, name: str, value: Any, kind: Any) -> Any:
    """``value`` as ``kind``: whole numbers are welcome as float, lists as tuples. Raises ConfigError for others."""
    fits, value = _fit(value, kind)
    if not fits or value != value:  # NaN is a float, and no number
        raise ConfigError(f"{owner}: {name}={value!r} was given, expected {_words(kind)}.")
    return value


def _fit(value: Any, kind: Any) -> tuple[bool, Any]:
    origin, choices = get_origin(kind), get_args(kind)
    if origin is Literal:
        return value in choices, value
    if origin in (Union, UnionType):
        fits = [fitted for fits, fitted in (_fit(value, choice) for choice in choices) if fits]
        return bool(fits), fits[0] if fits else value
    if origin is tuple and Ellipsis not in choices:
        whole = isinstance(value, list | tuple) and len(value) == len(choices)
        return whole and all(type(v) is int and v > 0 for v in value), tuple(value) if whole else value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return (True, float(value)) if abs(value) <= sys.float_info.max else (False, value)
    if kind not in WORDS:  # anything that no option of this library is
        return True, value
    return isinstance(value, kind) and (not isinstance(value, bool) or kind is bool), value


def _words(kind: Any) -> str:
    origin, choices = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(map(repr, choices))
    if origin in (Union, UnionType):
        return " or ".join(map(_words, choices))
    if origin is tuple:
        return f"{len(choices)} positive whole numbers"
    return WORDS[kind]
