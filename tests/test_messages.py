"""Messages end as sentences, and the commands, extras, pages and names that they send a reader to are there."""

from __future__ import annotations

import builtins
import re
import tomllib
from functools import cache

import typer

from attn_i2i.cli import main  # noqa: F401  (its commands are the ones to be named)
from attn_i2i.cli.wording import APPS

from .helpers.source import ROOT

# Parts of other messages: what was found in a file, why a picture has no strips, how a source failed.
FRAGMENTS = {
    *("DamagedError", "UntileableError", "_UnfitError", "_UnsupportedError", "BrokenPartError", "ContractError"),
    *("FetchError", "TransientFetchError", "DuplicateNameError", "ReadError"),
}
# Of files as such: whoever reads one says what to do.
BARE = (" is a symbolic link", " is not a regular file", " that such a file may have")


# An error's name and the literals that its first argument is made of.
TEXT = r"""(f?)(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)')"""
ERROR = re.compile(rf"(\w+Error)\(\s*((?:{TEXT}\s*)+)[,)]")
PLACEHOLDER = re.compile(r"\{[^{}]*(\{[^{}]*\}[^{}]*)*\}")


@cache
def texts() -> list[tuple[str, str, str]]:
    """(file, error class, text) of each error; a placeholder is an X. By text, because to parse all takes seconds."""
    return [
        (path.name, match[1], "".join(_filled(*piece) for piece in re.findall(TEXT, match[2])))
        for room in (ROOT / "attn_i2i", *(ROOT / "plugins").glob("*/src"))
        for path in sorted(room.rglob("*.py"))
        for match in ERROR.finditer(path.read_text(encoding="utf-8"))
    ]


def _filled(form: str, double: str, single: str) -> str:
    """A literal as it is read: braces stay where nothing fills them."""
    return PLACEHOLDER.sub("X", double or single) if form else double or single


def test_what_stands_in_braces_is_filled() -> None:
    assert [row for row in texts() if re.search(r"\{(?!X\})[A-Za-z_][\w.]*\}", row[2])] == []


def test_errors_end_as_sentences() -> None:
    own = [row for row in texts() if row[1] not in FRAGMENTS and not hasattr(builtins, row[1])]
    assert len(own) > 500
    wrong = [
        f"{where}: {text}"
        for where, _, text in own
        if " " in text and not text.endswith((".", "X", "?", ")")) and not text.endswith(BARE)
    ]
    assert not wrong, "\n".join(wrong)


def test_what_a_message_sends_to_is_there() -> None:
    commands = {name for app in APPS for name in typer.main.get_command(app).commands}  # type: ignore[attr-defined]
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    wrong = []
    for where, _, text in texts():
        wrong += [f"{where}: {c}" for c in re.findall(r"attn-i2i (?!from)([a-z][a-z-]+)", text) if c not in commands]
        wrong += [f"{where}: [{e}]" for e in re.findall(r"attn-i2i\[([a-z]+)\]", text) if e not in extras]
        wrong += [f"{where}: {page}" for page in re.findall(r"\bdocs/[\w/]+\.md", text) if not (ROOT / page).is_file()]
        wrong += [f"{where}: {name}" for name in re.findall(r"\battn_i2i(?:\.\w+)+", text) if not _exists(name)]
    assert not wrong, "\n".join(wrong)


def _exists(name: str) -> bool:
    """Whether a dotted name is a module, or stands in the one that it is of; nothing is imported for it."""
    place, parts = ROOT, name.split(".")
    while parts and (place / parts[0]).is_dir():
        place /= parts.pop(0)
    module = place / f"{parts[0]}.py" if parts and (place / f"{parts[0]}.py").is_file() else place / "__init__.py"
    parts = parts[1:] if module.name != "__init__.py" else parts
    return not parts or re.search(rf"\b{parts[0]}\b", module.read_text(encoding="utf-8")) is not None
