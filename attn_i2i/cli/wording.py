"""The library's messages name options as Python spells them; here they become those of the command line."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

# A value: in quotes, or up to the next space or mark that ends a clause.
VALUE = r"""=("[^"]*"|'[^']*'|[\w./:+-]*\w)"""
APPS: list[typer.Typer] = []  # those whose options have a spelling of their own; main adds its app


def spelled(text: str) -> str:
    """``text`` with ``force=True`` as ``--force``, ``max_pixels`` as ``--max-megapixels``, and so on.

    One word alone, such as "mask", is left as it is: it may be meant as English.
    """
    names = _options()
    choice = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    pattern = rf"""(?<![\w./\\'"-])({choice})(?:{VALUE})?(?!\w|[./\\-]\w)"""

    def replaced(match: re.Match[str]) -> str:
        name, value = match[1], match[2]
        if value is None:
            return names[name] if "_" in name else match[0]
        return names[name] if value == "True" else f"{names[name]} {value.strip(chr(34) + chr(39))}"

    return re.sub(pattern, replaced, text)


@cache
def _options() -> dict[str, str]:
    """Python's name of each option of a command, and the command line's."""
    import typer

    names = {"max_pixels": "--max-megapixels"}
    for app in APPS:
        command: Any = typer.main.get_command(app)
        for sub in command.commands.values():
            for option in sub.params:
                if option.param_type_name == "option":
                    names.setdefault(option.name, max(option.opts, key=len))
    return names
