"""Finds plugins, fills the zoo, and keeps a broken plugin from breaking anything else."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import pluggy

from .. import hookspecs
from ..registry import INTERRUPTIONS, Entry, Registry, Zoo, suggestion
from ..types import AttnI2IError, ConfigError, DuplicateNameError
from ..version import __version__

GROUP = "attn_i2i"  # of the entry points of plugins
# This package's own plugins, in the order of the listing.
BUILTINS = ("cyclegan", "attentiongan", "aggan", "ugatit", "stargan", "measures", "zoo")
SLOW_SECONDS = 1.0  # to import a plugin, from which on its owner is told
HOOKS = ("register_components", "register_commands", "fetch_file")


T = TypeVar("T")


class PluginWarning(UserWarning):
    """A third-party plugin was skipped, or is slow to import."""


@dataclass
class DiscoveredPlugin:
    """One plugin that was found: the entry point (None for a builtin), import time, and why it is not loaded."""

    name: str
    point: EntryPoint | None = None
    seconds: float = 0.0
    problem: str | None = None

    def __str__(self) -> str:
        return self.name if self.point is None else f"{self.name} ({self.point.value})"


class PluginManager(pluggy.PluginManager):
    """A pluggy manager whose zoo knows which plugin supplied what; ``found`` lists also what could not be loaded."""

    def __init__(self) -> None:
        super().__init__(GROUP)
        self.zoo = Zoo()
        self.discovered: list[DiscoveredPlugin] = []
        self.add_hookspecs(hookspecs)
        self.hook.register_components.call_historic(kwargs={"zoo": self.zoo})
        for name in BUILTINS:
            start = time.perf_counter()
            self.register(importlib.import_module(f"attn_i2i.builtin.{name}"), name)
            self.discovered.append(DiscoveredPlugin(name, seconds=time.perf_counter() - start))

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register ``plugin`` wholly or not at all.

        Raises ConfigError for a plugin that implements no hook, an unknown one or one with arguments it does not have.
        """
        name = name or self.get_canonical_name(plugin)
        self._check_hooks(plugin, name)
        with self.zoo.supplied_by(name):
            try:
                return super().register(plugin, name)
            except BaseException:
                if self.get_plugin(name) is plugin:  # pluggy keeps a plugin whose historic hook raised
                    super().unregister(name=name)
                raise

    def unregister(self, plugin: object | None = None, name: str | None = None) -> object | None:
        """Remove a plugin and everything it supplied to the zoo."""
        name = name or self.get_name(plugin)
        self.zoo.forget(str(name))
        return super().unregister(name=name)

    def load_third_party(self, allowed: frozenset[str] | None = None) -> None:
        """Load the installed entry points of group ``attn_i2i``; ``allowed`` limits them by name.

        A plugin that fails is skipped with a PluginWarning, and nothing of it stays.
        """
        points = sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value))
        for point in points:
            plugin = DiscoveredPlugin(point.name, point)
            self.discovered.append(plugin)
            if allowed is None or point.name in allowed:
                self._load_isolated(point, plugin)
            else:
                plugin.problem = "not among those that ATTN_I2I_PLUGINS allows"
        names = [point.name for point in points]
        for name in sorted(allowed or ()):
            if name not in names:
                text = f"ATTN_I2I_PLUGINS allows {name!r}, but no such plugin is installed.{suggestion(name, names)}"
                warnings.warn(text, PluginWarning, stacklevel=2)

    def _load_isolated(self, point: EntryPoint, plugin: DiscoveredPlugin) -> None:
        start = time.perf_counter()
        try:
            if self.has_plugin(point.name):
                raise DuplicateNameError(f"another plugin is called {point.name!r} too: rename the entry point.")
            _check_requirements(point)
            self.register(point.load(), point.name)
        except INTERRUPTIONS:
            raise
        except BaseException as error:
            text = " ".join(str(error).split())
            plugin.problem = text if isinstance(error, AttnI2IError) else f"{type(error).__name__}: {text}"
            warnings.warn(f"Plugin {plugin} was skipped: {plugin.problem}", PluginWarning, stacklevel=3)
        finally:
            plugin.seconds = time.perf_counter() - start
        if plugin.seconds > SLOW_SECONDS:
            text = (
                f"Plugin {plugin} took {plugin.seconds:.1f} s to import: import heavy modules at first use, not before."
            )
            warnings.warn(text, PluginWarning, stacklevel=3)

    def _check_hooks(self, plugin: object, name: str) -> None:
        options = {attribute: self.parse_hookimpl_opts(plugin, attribute) for attribute in dir(plugin)}
        marked = {attribute: (each.get("specname") or attribute) for attribute, each in options.items() if each}
        if not marked:
            raise ConfigError(f"{name} implements no hook: mark register_components(zoo) with @attn_i2i.hookimpl.")
        for attribute, hook in marked.items():
            if not hasattr(self.hook, hook):
                names = ", ".join(HOOKS)
                raise ConfigError(f"There is no hook {hook!r}.{suggestion(hook, HOOKS)} Hooks: {names}.")
            takes = list(inspect.signature(getattr(hookspecs, hook)).parameters)
            for argument in inspect.signature(getattr(plugin, attribute)).parameters:
                if argument not in takes:
                    names = ", ".join(takes)
                    raise ConfigError(
                        f"Its hook {hook} asks for {argument!r}; it may ask for {names} only, by this name."
                    )


def _check_requirements(point: EntryPoint) -> None:
    """Raise ConfigError where the plugin's distribution asks for another attn-i2i than this one."""
    for line in (point.dist.requires if point.dist else None) or ():
        if re.match(r"attn[-_.]i2i\b(?![-_.])", line, re.IGNORECASE):
            from packaging.requirements import Requirement

            here = __version__
            asked = Requirement(line)
            applies = asked.marker is None or asked.marker.evaluate({"extra": ""})
            if applies and not asked.specifier.contains(here, prereleases=True):
                raise ConfigError(f"It needs attn-i2i {asked.specifier}, this is {here}: upgrade one of the two.")


def usable(registry: Registry[T], read: Callable[[Entry[T]], T] = Entry.load) -> dict[str, T]:
    """The parts of a registry by name; one that cannot be had is left out with a PluginWarning that names its plugin.

    ``read`` gets the part of an entry.
    """
    parts: dict[str, T] = {}
    for entry in registry:
        try:
            parts[entry.name] = read(entry)
        except INTERRUPTIONS:
            raise
        except BaseException as error:
            warn_of_part(registry.kind, entry, error)
    return parts


def warn_of_part(kind: str, entry: Entry[Any], error: BaseException | str) -> None:
    """Say in one line what is wrong with one part of a plugin."""
    text = " ".join(str(error).split())
    if isinstance(error, BaseException) and not isinstance(error, AttnI2IError):
        text = f"{type(error).__name__}: {text}"
    message = f"The {kind} {entry.name!r} of plugin {entry.plugin!r} is left out: {text}"
    warnings.warn(message, PluginWarning, stacklevel=3)


def supplier(entry: Entry[Any]) -> str | None:
    """The distribution and version that brought a part, or its plugin where it has none; None for the package's own."""
    if entry.plugin in BUILTINS:
        return None
    for plugin in manager().discovered:
        if plugin.name == entry.plugin and plugin.point is not None and plugin.point.dist is not None:
            return f"{plugin.point.dist.name} {plugin.point.dist.version}"
    return f"the plugin {entry.plugin!r}, which was registered by a program"


def missing_supplier(written: str) -> str:
    """What to do about a part that ``written``, an answer of ``supplier``, brought where the model was made."""
    name = written.partition(" ")[0]
    for plugin in manager().discovered:
        if plugin.problem and plugin.point is not None and plugin.point.dist and plugin.point.dist.name == name:
            return f"It is supplied by {written}, which is installed but not loaded: {plugin.problem}."
    if written.startswith("the plugin "):
        return f"It is supplied by {written}: register it before loading."
    return f"It is supplied by {written}, which is not installed here: pip install {name}."


def way_to_parts(suppliers: object) -> str:
    """How to get the parts that nobody has registered here, from ``suppliers``: names, and who brought them."""
    written = suppliers.items() if isinstance(suppliers, dict) else ()
    missing = {str(by) for name, by in written if not any(name in registry for registry in zoo().registries())}
    return "".join(f" {missing_supplier(by)}" for by in sorted(missing))


def allowed_plugins() -> frozenset[str] | None:
    """Names in ``ATTN_I2I_PLUGINS`` (comma-separated; empty allows none), or None where it is not set."""
    listed = os.environ.get("ATTN_I2I_PLUGINS")
    return None if listed is None else frozenset(name.strip() for name in listed.split(",") if name.strip())


@cache
def manager() -> PluginManager:
    """The process-wide manager: builtins, then third-party plugins."""
    result = PluginManager()
    result.load_third_party(allowed_plugins())
    return result


_in_use: ContextVar[Zoo | None] = ContextVar("zoo in use", default=None)


def zoo() -> Zoo:
    """The process-wide zoo, or the one that `using` put in its place."""
    return _in_use.get() or manager().zoo


@contextmanager
def using(other: Zoo) -> Iterator[None]:
    """Inside, names are looked up in ``other``: a plugin that is not installed is tried so, in this thread alone."""
    token = _in_use.set(other)
    try:
        yield
    finally:
        _in_use.reset(token)
