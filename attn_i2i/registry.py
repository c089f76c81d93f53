"""Named parts, each remembering the plugin that supplied it; and the types that options and arguments must have."""

from __future__ import annotations

import builtins
import collections.abc
import inspect
import numbers
import os
import reprlib
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, wraps
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, Union, cast, get_args, get_origin

from .types import AttnI2IError, ConfigError, DuplicateNameError, UnknownNameError

if TYPE_CHECKING:
    from torch import nn

    from .interfaces import Measure, Recipe, Term

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")

# What stands for a class: NumPy's numbers are numbers, and whatever names a file is a path.
STANDS_FOR: Mapping[Any, type] = {int: numbers.Integral, float: numbers.Real, Path: os.PathLike}
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


class BrokenPartError(AttnI2IError, ImportError):
    """A registered part that cannot be imported."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` where a known name is near, else nothing; how letters are cased counts for least."""
    folded: dict[str, list[str]] = {}
    for each in known:
        folded.setdefault(_folded(each), []).append(each)
    near = get_close_matches(_folded(name), list(folded), n=1)
    spellings = folded[near[0]] if near else []
    best = get_close_matches(name, spellings, n=1, cutoff=0) or spellings
    return f" Did you mean {best[0]!r}?" if best else ""


def _folded(name: str) -> str:
    """A name without what people spell differently: capitals, spaces, ``-`` and ``_``."""
    return name.casefold().replace("-", "_").replace(" ", "_")


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
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:
            return function(*args, **kwargs)  # Python says best which arguments are missing or unknown
        for name, kinds in _checks(function).items():
            if name in given and not any(_is(given[name], kind) for kind in kinds):
                expected = " or ".join(dict.fromkeys(WORDS.get(kind, f"a {kind.__name__}") for kind in kinds))
                raise ConfigError(f"{name}={reprlib.repr(given[name])} was given: expected {expected}.")
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


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One registered part: its name, the part or where to import it from, and who supplied it."""

    name: str
    target: T | str
    plugin: str

    def load(self) -> T:
        """The part itself; a ``"module:attribute"`` target is imported now.

        Raises BrokenPartError, which names the plugin, where that fails or ends the process.
        """
        if not isinstance(self.target, str):
            return self.target
        try:
            return cast(T, resolve_name(self.target))
        except AttnI2IError:
            raise
        except (Exception, SystemExit) as error:
            text = " ".join(str(error).split())
            raise BrokenPartError(
                f"{self.name!r} of the plugin {self.plugin!r} cannot be imported from {self.target}:"
                f" {type(error).__name__}: {text}"
            ) from error

    @property
    def summary(self) -> str:
        """First line of the part's docstring."""
        return (getattr(self.load(), "__doc__", None) or "").strip().partition("\n")[0]


class Registry(Generic[T]):
    """Parts of one kind by name. Names are never replaced: a second claim is an error that names both plugins."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry[T]] = {}
        self._plugin = "this session"

    def add(self, name: str, target: T | str) -> None:
        """Register ``target`` under ``name``; a string ``"module:attribute"`` is imported at first use only."""
        if name in self._entries:
            raise DuplicateNameError(
                f"{self.kind} {name!r} is already supplied by plugin {self._entries[name].plugin!r}:"
                f" plugin {self._plugin!r} must choose another name."
            )
        self._entries[name] = Entry(name, target, self._plugin)

    def load(self, name: str) -> T:
        """The part registered as ``name``."""
        return self[name].load()

    def __getitem__(self, name: str) -> Entry[T]:
        try:
            return self._entries[name]
        except KeyError:
            known = ", ".join(sorted(self._entries)) or "none"
            raise UnknownNameError(
                f"No {self.kind} is named {name!r}.{suggestion(name, self._entries)} Available: {known}."
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[Entry[T]]:
        return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)


class Zoo:
    """Every registry, filled by plugins through ``register_components``."""

    def __init__(self) -> None:
        self.generators: Registry[Callable[..., nn.Module]] = Registry("generator")
        self.discriminators: Registry[Callable[..., nn.Module]] = Registry("discriminator")
        self.heads: Registry[Callable[..., nn.Module]] = Registry("head")
        self.losses: Registry[Term] = Registry("loss")
        self.recipes: Registry[Callable[..., Recipe]] = Registry("recipe")
        self.converters: Registry[Any] = Registry("converter")
        self.cards: Registry[Any] = Registry("card")
        self.datasets: Registry[Any] = Registry("data set")
        self.measures: Registry[Measure] = Registry("measure")

    def registries(self) -> list[Registry[Any]]:
        """All registries, in the order plugins are listed by."""
        return list(vars(self).values())

    @contextmanager
    def supplied_by(self, plugin: str) -> Iterator[None]:
        """Attribute what is added inside to ``plugin``; an exception takes all of it back."""
        before = [(registry, registry._plugin, dict(registry._entries)) for registry in self.registries()]
        for registry in self.registries():
            registry._plugin = plugin
        try:
            yield
        except BaseException:
            for registry, _, entries in before:
                registry._entries = entries
            raise
        finally:
            for registry, owner, _ in before:
                registry._plugin = owner

    def supplied(self, plugin: str) -> dict[str, list[str]]:
        """Names that ``plugin`` added, by kind."""
        by_kind = {r.kind: sorted(e.name for e in r if e.plugin == plugin) for r in self.registries()}
        return {kind: names for kind, names in by_kind.items() if names}

    def forget(self, plugin: str) -> None:
        """Drop everything that ``plugin`` supplied."""
        for registry in self.registries():
            registry._entries = {k: e for k, e in registry._entries.items() if e.plugin != plugin}
