"""Finds plugins, fills the zoo, and keeps a broken plugin from breaking anything else."""

from __future__ import annotations

import importlib
import os
import time
import warnings
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import pluggy

from . import hookspecs
from .registry import Zoo

GROUP = "attn_i2i"
BUILTINS = ("cyclegan", "attentiongan", "aggan", "ugatit", "stargan")
SLOW_SECONDS = 1.0


class PluginWarning(UserWarning):
    """A third-party plugin was skipped, or is slow to import."""


class PluginManager(pluggy.PluginManager):
    """A pluggy manager whose zoo knows which plugin supplied what.

    ``broken`` maps the name of each skipped entry point to its error, ``seconds`` each loaded one to its import time.
    """

    def __init__(self) -> None:
        super().__init__(GROUP)
        self.zoo = Zoo()
        self.broken: dict[str, Exception] = {}
        self.seconds: dict[str, float] = {}
        self.found: dict[str, EntryPoint] = {}
        self.add_hookspecs(hookspecs)
        self.hook.register_components.call_historic(kwargs={"zoo": self.zoo})
        for name in BUILTINS:
            self.register(importlib.import_module(f"attn_i2i.builtin.{name}"), name)

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register ``plugin`` wholly or not at all."""
        name = name or self.get_canonical_name(plugin)
        with self.zoo.supplied_by(name):
            try:
                return super().register(plugin, name)
            except Exception:
                if self.get_plugin(name) is plugin:  # pluggy keeps a plugin whose historic hook raised
                    super().unregister(name=name)
                raise

    def unregister(self, plugin: object | None = None, name: str | None = None) -> object | None:
        """Remove a plugin and everything it supplied to the zoo."""
        name = name or self.get_name(plugin)
        self.zoo.forget(str(name))
        return super().unregister(name=name)

    def load_third_party(self, allowed: frozenset[str] | None = None) -> None:
        """Load the installed entry points of group ``attn_i2i``; ``allowed`` limits them by name."""
        for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
            if allowed is None or point.name in allowed:
                self.found[point.name] = point
                self._load_isolated(point)

    def _load_isolated(self, point: EntryPoint) -> None:
        start = time.perf_counter()
        try:
            if self.has_plugin(point.name):
                raise ValueError(f"a plugin named {point.name!r} is loaded already")
            self.register(point.load(), point.name)
            self.check_pending()
        except Exception as error:
            self.broken[point.name] = error
            if point.name not in BUILTINS and self.has_plugin(point.name):
                self.unregister(name=point.name)
            self._warn(point, f"was skipped: {type(error).__name__}: {error}")
        else:
            self.seconds[point.name] = time.perf_counter() - start
            if self.seconds[point.name] > SLOW_SECONDS:
                self._warn(point, f"took {self.seconds[point.name]:.1f} s to import: import heavy modules late.")

    @staticmethod
    def _warn(point: EntryPoint, what: str) -> None:
        warnings.warn(f"Plugin {point.name!r} ({point.value}) {what}", PluginWarning, stacklevel=4)


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


def zoo() -> Zoo:
    """The process-wide zoo."""
    return manager().zoo
