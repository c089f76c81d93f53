"""Named parts, each remembering the plugin that supplied it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from .arguments import require_types as require_types  # both are offered here too
from .arguments import typed as typed
from .types import AttnI2IError, DuplicateNameError, UnknownNameError

if TYPE_CHECKING:
    from torch import nn

    from .interfaces import Measure, Recipe, Term

T = TypeVar("T")
# For these no plugin is to blame. All else that a plugin raises costs that plugin alone: errors, SystemExit, and what
# derives from neither, as the panic of a Rust extension does.
INTERRUPTIONS = (KeyboardInterrupt, GeneratorExit)


class BrokenPartError(AttnI2IError, ImportError):
    """A registered part that cannot be imported."""


def suggestion(name: str, names: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` where one of ``names`` is near, else nothing; how letters are cased counts for least."""
    folded: dict[str, list[str]] = {}
    for each in names:
        folded.setdefault(_folded(each), []).append(each)
    near = get_close_matches(_folded(name), list(folded), n=1)
    spellings = folded[near[0]] if near else []
    best = get_close_matches(name, spellings, n=1, cutoff=0) or spellings
    return f" Did you mean {best[0]!r}?" if best else ""


def _folded(name: str) -> str:
    """A name without what people spell differently: capitals, spaces, ``-`` and ``_``."""
    return name.casefold().replace("-", "_").replace(" ", "_")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One registered part: its name, the part or where to import it from, and who supplied it."""

    name: str
    target: T | str
    plugin: str
    called: bool = False
    """Whether the part is called: a function, or a class."""

    def load(self) -> T:
        """The part itself; a ``"module:attribute"`` target is imported now.

        Raises BrokenPartError, which names the plugin, where that fails or ends the process, or where a part that is
        called is no function and no class.
        """
        part = self._imported(self.target) if isinstance(self.target, str) else self.target
        if self.called and not callable(part):
            raise BrokenPartError(
                f"{self.name!r} of the plugin {self.plugin!r} is of type {type(part).__name__}, expected a function or"
                " a class."
            )
        return part

    def _imported(self, target: str) -> T:
        try:
            return cast(T, resolve_name(target))
        except (AttnI2IError, *INTERRUPTIONS):
            raise
        except BaseException as error:
            text = " ".join(str(error).split())
            raise BrokenPartError(
                f"{self.name!r} of the plugin {self.plugin!r} cannot be imported from {target}:"
                f" {type(error).__name__}: {text}"
            ) from error

    @property
    def summary(self) -> str:
        """First line of the part's docstring."""
        return (getattr(self.load(), "__doc__", None) or "").strip().partition("\n")[0]


class Registry(Generic[T]):
    """Parts of one kind by name. Names are never replaced: a second claim is an error that names both plugins."""

    def __init__(self, kind: str, *, called: bool = False) -> None:
        self.kind, self.called = kind, called
        self._entries: dict[str, Entry[T]] = {}
        self._plugin = "this session"

    def add(self, name: str, target: T | str) -> None:
        """Register ``target`` under ``name``; a string ``"module:attribute"`` is imported at first use only."""
        if name in self._entries:
            raise DuplicateNameError(
                f"{self.kind} {name!r} is already supplied by plugin {self._entries[name].plugin!r}:"
                f" plugin {self._plugin!r} must choose another name."
            )
        self._entries[name] = Entry(name, target, self._plugin, self.called)

    def load(self, name: str) -> T:
        """The part registered as ``name``."""
        return self[name].load()

    def __getitem__(self, name: str) -> Entry[T]:
        try:
            return self._entries[name]
        except KeyError:
            names = ", ".join(sorted(self._entries)) or "none"
            raise UnknownNameError(
                f"No {self.kind} is named {name!r}.{suggestion(name, self._entries)} Available: {names}."
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
        self.generators: Registry[Callable[..., nn.Module]] = Registry("generator", called=True)
        self.discriminators: Registry[Callable[..., nn.Module]] = Registry("discriminator", called=True)
        self.heads: Registry[Callable[..., nn.Module]] = Registry("head", called=True)
        self.losses: Registry[Term] = Registry("loss", called=True)
        self.recipes: Registry[Callable[..., Recipe]] = Registry("recipe", called=True)
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
