"""``attn-i2i plugins``: what is installed, and whether a plugin keeps the contract."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..plugins import manager
from ..plugins.listing import describe
from ..registry import INTERRUPTIONS
from ..types import ConfigError
from .examples import examples

if TYPE_CHECKING:
    from ..plugins.listing import PluginInfo

app = typer.Typer(
    help="List plugins; check one against the contract.", epilog=examples("plugins"), invoke_without_command=True
)


@app.callback()
def plugins(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything known as JSON.")] = False,
) -> None:
    """List builtin and third-party plugins: source, version, what they add, what is wrong with them."""
    if context.invoked_subcommand:
        return

    plugins = describe(manager())
    if as_json:
        print(json.dumps([asdict(info) for info in plugins], indent=2))
    else:
        for info in plugins:
            print("\n".join(_lines(info)))


def _lines(info: PluginInfo) -> list[str]:
    source = "builtin" if info.builtin else f"{info.distribution} {info.version}"
    adds = [f"  {kind}: {', '.join(names)}" for kind, names in info.adds.items()]
    adds += [f"  broken: {name}: {why}" for name, why in info.broken.items()]
    if info.problem:
        return [f"{info.name}  ({source})  not loaded: {info.problem}"]
    return [f"{info.name}  ({source}, {1000 * info.seconds:.0f} ms)", *adds]


@app.command()
def check(
    module: Annotated[
        str, typer.Argument(metavar="PLUGIN", help="A plugin's name, or the module its entry point names.")
    ],
    config: Annotated[
        list[str] | None,
        typer.Option(
            "-c",
            "--config",
            metavar="KEY=VALUE",
            help="An option for the parts that have it, such as width=8; repeatable.",
        ),
    ] = None,
) -> None:
    """Check everything that a plugin registers against the contract. The exit code is 1 if a check fails."""
    options = dict(_option(text) for text in config or ())
    name = _registered(module)
    from ..testing import check_plugin

    failed = total = 0
    for part in check_plugin(manager(), name, options):
        verdict = f"FAIL {part.kind} {part.name}: {part.problem}" if part.problem else f"ok   {part.kind} {part.name}"
        print(verdict)
        failed, total = failed + bool(part.problem), total + 1
    print(
        f"{module}: {total - failed} of {total} parts keep the contract" if total else f"{module}: registers no parts"
    )
    if failed:
        raise typer.Exit(1)


def _registered(module: str) -> str:
    """The name of a plugin that is loaded, or of this module, loaded now."""
    import importlib

    plugins = manager()
    if plugins.has_plugin(module):
        return module
    problems = [plugin.problem for plugin in plugins.discovered if plugin.name == module]
    if problems:
        raise ConfigError(f"Plugin {module} is not loaded: {problems[0]}")
    try:
        plugin = importlib.import_module(module)
    except INTERRUPTIONS:
        raise
    except BaseException as error:
        raise ConfigError(
            f"No plugin is named {module} (`attn-i2i plugins` lists them), and importing a module of that name raised"
            f" {type(error).__name__}: {error}"
        ) from error
    name: str | None = plugins.get_name(plugin) or plugins.register(plugin, module)
    return name or module


def _option(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ConfigError(f"--config {text} is not of the form KEY=VALUE, such as width=8.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
