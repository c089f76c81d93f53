"""What is known of each plugin: where it comes from, what it adds, and what is wrong with it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from ..registry import INTERRUPTIONS
from ..version import __version__
from ._manager import DiscoveredPlugin, PluginManager


@dataclass(frozen=True)
class PluginInfo:
    """One plugin. ``adds`` lists names by kind; ``seconds`` is its import; a ``problem`` says why it is not loaded.

    ``broken`` has those of its parts whose module is not there, and why.
    """

    name: str
    builtin: bool
    distribution: str | None
    version: str | None
    seconds: float
    adds: dict[str, list[str]] = field(default_factory=dict)
    problem: str | None = None
    broken: dict[str, str] = field(default_factory=dict)


def describe(manager: PluginManager) -> list[PluginInfo]:
    """Every plugin that was found, builtins first."""
    return [_info(manager, plugin) for plugin in manager.discovered]


def _info(manager: PluginManager, plugin: DiscoveredPlugin) -> PluginInfo:
    if plugin.point is None:
        return PluginInfo(plugin.name, True, "attn-i2i", __version__, plugin.seconds, _adds(manager, plugin.name))
    source = plugin.point.dist
    adds = {} if plugin.problem else _adds(manager, plugin.name)
    name, version = (source.name, source.version) if source else (None, None)
    broken = {} if plugin.problem else _broken(manager, plugin.name)
    return PluginInfo(plugin.name, False, name, version, plugin.seconds, adds, plugin.problem, broken)


def _broken(manager: PluginManager, name: str) -> dict[str, str]:
    """Parts that name a module which cannot be found; the modules themselves are not imported, which takes time."""
    entries = [entry for registry in manager.zoo.registries() for entry in registry if entry.plugin == name]
    modules = {entry.name: entry.target.partition(":")[0] for entry in entries if isinstance(entry.target, str)}
    return {part: f"there is no module {module}" for part, module in modules.items() if not _exists(module)}


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except INTERRUPTIONS:
        raise
    except BaseException:  # a package above it does not import
        return False


def _adds(manager: PluginManager, name: str) -> dict[str, list[str]]:
    adds = dict(manager.zoo.supplied(name))
    plugin = manager.get_plugin(name)
    for hook in manager.hook.register_commands.get_hookimpls():
        if hook.plugin is plugin:
            adds["command"] = _commands(hook.function)
    if any(hook.plugin is plugin for hook in manager.hook.fetch_file.get_hookimpls()):
        adds["hook"] = ["fetch_file"]
    return adds


def _commands(register: Any) -> list[str]:
    """Names of the commands that a hook adds, found by letting it add them to an app of its own."""
    import typer

    app = typer.Typer()
    try:
        register(*[app][: len(inspect.signature(register).parameters)])
        return sorted(typer.main.get_group(app).commands)
    except INTERRUPTIONS:
        raise
    except BaseException as error:
        return [f"{type(error).__name__}: {error}"]
