"""The library's messages name options as Python spells them; here they become those of the command line."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

# A value: a list or a dictionary, in quotes, or up to the next space or mark that ends a clause.
VALUE = r"""=(\[[^\]]*\]|\{[^}]*\}|"[^"]*"|'[^']*'|[\w./:+-]*\w)"""
# Arguments of functions whose option has another name.
OTHER_NAMES = {
    "max_pixels": "--max-megapixels",
    "recipe_options": "--set",
    "options": "--set",
    "directions": "--direction",
}
JSON = {"True": "true", "False": "false", "None": "null"}  # which --set reads
ENGLISH = frozenset({"name"})  # the --as of convert, but messages say "name=value" of any assignment
APPS: list[typer.Typer] = []  # those whose options have a spelling of their own; main adds its app
_running: list[Any] = []  # the command that this process runs, whose options are the only ones to be named


def spelled(text: str) -> str:
    """``text`` with ``force=True`` as ``--force``, ``select=["a", "b"]`` as ``--select a,b``, and so on.

    ``{"a": 1}`` is written as ``a=1``, and a switch that is off as ``--no-cache`` or "no --compile". One word alone,
    such as "mask", is left as it is: it may be meant as English. So is what is no option of the command that runs.
    Control characters are escaped.
    """
    from ..hub.redact import visible  # late: a help page says nothing

    text = visible(text)
    names = _options()
    if not names:
        return text
    choice = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    pattern = rf"""(?<![\w./\\'"-])({choice})(?:{VALUE})?(?!\w|[./\\-]\w)"""

    def replaced(match: re.Match[str]) -> str:
        name, value = match[1], match[2]
        if value is None:
            return names[name] if "_" in name else match[0]
        if value == "False":
            return _negations().get(name, f"no {names[name]}")
        return names[name] if value == "True" else f"{names[name]} {_written(value)}"

    return re.sub(pattern, replaced, text)


def _written(value: str) -> str:
    """A value of Python as an option takes it: without brackets and quotes, and ``{"a": 1}`` as ``a=1``."""
    if value[0] in "[{":
        value = re.sub(r",\s+", ",", re.sub(r":\s+", "=", value[1:-1]))
        value = re.sub(r"=(True|False|None)\b", lambda match: f"={JSON[match[1]]}", value)
    value = re.sub("[\"']", "", value)
    return f'"{value}"' if " " in value else value


def running(command: Any) -> None:
    """From now on ``command`` is the one whose options are named; None stands for all commands."""
    _running[:] = [] if command is None else [command]


def _options() -> dict[str, str]:
    """Python's name of each option of the command that runs, or of any, and the command line's."""
    parameters = _parameters(tuple(_running))
    flags = {flag for option in parameters for flag in option.opts}
    names = {name: flag for name, flag in OTHER_NAMES.items() if flag in flags}
    for option in parameters:
        names.setdefault(option.name, max(option.opts, key=len))
    return {name: flag for name, flag in names.items() if name not in ENGLISH}


def _negations() -> dict[str, str]:
    """What turns a switch off, where an option does."""
    return {option.name: option.secondary_opts[0] for option in _parameters(tuple(_running)) if option.secondary_opts}


@lru_cache(maxsize=4)  # of a process that runs a command, then of one in a test after another
def _parameters(running: tuple[Any, ...]) -> list[Any]:
    """The options of some commands and of those inside them; of all where none is given."""
    import typer

    commands: list[Any] = list(running) or [typer.main.get_command(app) for app in APPS]
    for command in commands:  # the list grows by the commands of each group
        commands += getattr(command, "commands", {}).values()
    return [option for command in commands for option in command.params if option.param_type_name == "option"]
