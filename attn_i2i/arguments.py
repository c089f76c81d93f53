"""Arguments and options are of the types that a signature says, or the error says which one is not."""

from __future__ import annotations

import builtins
import collections.abc
import inspect
import numbers
import os
import reprlib
import sys
import types
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin

from .types import ConfigError

P = ParamSpec("P")
R = TypeVar("R")

# NumPy's numbers and other libraries' paths are taken too: what counts is how a value behaves.
STANDS_FOR: Mapping[Any, type] = {int: numbers.Integral, float: numbers.Real, Path: os.PathLike}
# What an error calls a type: a reader of the command's errors need not know Python.
WORDS: Mapping[Any, str] = {
    str: "a text",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    Path: "a path",
    os.PathLike: "a path",
    type(None): "None",
    collections.abc.Sequence: "a list",
    collections.abc.Iterable: "a list",
    collections.abc.Mapping: "a dictionary",
}


def require_types(expected: Any, **options: object) -> None:
    """Raise ConfigError for an option whose value is of no ``expected`` type: a class, or a union of classes."""
    for name, value in options.items():
        if not isinstance(value, expected):
            kinds = str(getattr(expected, "__name__", expected)).replace("pathlib._local.", "").replace("pathlib.", "")
            raise ConfigError(f"{name}={reprlib.repr(value)} was given: expected {kinds.replace(' | ', ' or ')}.")


def typed(function: Callable[P, R]) -> Callable[P, R]:
    """``function``, which raises ConfigError for an argument whose type its annotation excludes.

    Classes, paths, lists, mappings and unions of them are checked. What else an annotation says, such as a Literal, is
    left to the function, whose error can say more.
    """
    signature = inspect.signature(function)

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            arguments = signature.bind(*args, **kwargs).arguments
        except TypeError:
            return function(*args, **kwargs)  # Python says best which arguments are missing or unknown
        for name, kinds in _checks(function).items():
            if name in arguments and not any(_is(arguments[name], kind) for kind in kinds):
                expected = " or ".join(dict.fromkeys(WORDS.get(kind, f"a {kind.__name__}") for kind in kinds))
                raise ConfigError(f"{name}={reprlib.repr(arguments[name])} was given: expected {expected}.")
        return function(*args, **kwargs)

    return checked


def _is(value: object, kind: type) -> bool:
    if issubclass(kind, collections.abc.Iterable) and kind not in (str, bytes) and isinstance(value, str | bytes):
        return False  # a text is a sequence of letters, but nobody means it so
    return isinstance(value, STANDS_FOR.get(kind, kind))


class _Unknown:
    """Stands for a name in an annotation that only type checkers import."""


class _Names(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        return getattr(builtins, name, _Unknown)


@cache
def _checks(function: Callable[..., Any]) -> dict[str, tuple[type, ...]]:
    """The classes that each argument may be of; arguments about which nothing can be said are left out."""
    names = _Names(vars(sys.modules[function.__module__]))
    checks = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if isinstance(parameter.annotation, str) and parameter.kind not in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        ):
            with suppress(AttributeError, TypeError):  # unknown names have neither attributes nor items
                checks[name] = _classes(eval(parameter.annotation, {}, names))  # noqa: S307
    return {name: kinds for name, kinds in checks.items() if kinds}


def _classes(annotation: Any) -> tuple[type, ...]:
    """The classes of an annotation; none where one of its parts is no class, such as a Literal."""
    if annotation is None:
        return (type(None),)
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        parts = [_classes(part) for part in get_args(annotation)]
        return tuple(kind for part in parts for kind in part) if all(parts) else ()
    kind = origin or annotation
    return (
        (kind,) if isinstance(kind, type) and kind is not _Unknown and not getattr(kind, "_is_protocol", False) else ()
    )


def refuse_repeated(argument: str, names: Iterable[Hashable], shown: Sequence[object] | None = None) -> None:
    """Raise ConfigError where one of the names of a list stands in it twice; ``shown`` is how each was written."""
    seen: set[Hashable] = set()
    for place, name in enumerate(names):
        if name in seen:
            raise ConfigError(f"{argument} names {name if shown is None else shown[place]} twice: give it once.")
        seen.add(name)
