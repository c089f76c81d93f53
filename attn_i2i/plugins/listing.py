"""What is known of each plugin: where it comes from, what it adds, and what is wrong with it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any

from ..version import __version__
from ._manager import DiscoveredPlugin, PluginManager


@dataclass(frozen=True)
class PluginInfo:
    """One plugin. ``adds`` lists names by kind; ``seconds`` is its import; a ``problem`` says why it is not loaded."""

    name: str
    builtin: bool
    distribution: str | None
    version: str | None
    seconds: float
    adds: dict[str, list[str]] = field(default_factory=dict)
    problem: str | None = None


def describe(manager: PluginManager) -> list[PluginInfo]:
    """Every plugin that was found, builtins first."""
    return [_info(manager, found) for found in manager.discovered]


def _info(manager: PluginManager, found: DiscoveredPlugin) -> PluginInfo:
    if found.point is None:
        return PluginInfo(found.name, True, "attn-i2i", __version__, found.seconds, _adds(manager, found.name))
    source = found.point.dist
    adds = {} if found.problem else _adds(manager, found.name)
    name, version = (source.name, source.version) if source else (None, None)
    return PluginInfo(found.name, False, name, version, found.seconds, adds, found.problem)


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
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
