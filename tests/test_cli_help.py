"""Help texts are shown whole at the widths of terminals, and a wrong word is answered with the right one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from attn_i2i.cli.examples import EXAMPLES
from attn_i2i.cli.main import app

from .helpers.commands import Run

SHORTEST = 80
WIDTHS = (SHORTEST, 120)


def commands(command: object, *path: str) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every command and subcommand, by the words that call it."""
    yield path, command
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from commands(inner, *path, name)


PAGES = dict(commands(typer.main.get_command(app)))


def words(text: str) -> str:
    """The text on one line, as no width breaks it."""
    return " ".join(text.split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", PAGES, ids=" ".join)
def test_every_help_page_says_each_text_and_each_default(
    run: Run, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    code, page, _ = run(*path, "--help")
    assert code == 0
    assert max(map(len, page.splitlines())) <= width
    shown = words(page)
    for parameter in PAGES[path].params:  # type: ignore[attr-defined]
        assert words(getattr(parameter, "help", None) or "") in shown
        default = parameter.default
        if isinstance(parameter.show_default, str):
            assert f"default: ({parameter.show_default})" in shown
        elif type(default) in (int, float):
            assert f"[default: {default}" in shown, parameter.name


def test_the_list_of_commands_cuts_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(SHORTEST))
    for path in PAGES:
        page = run(*path, "--help")[1]
        assert "..." not in page.partition("Commands:")[2]


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["train", "UGATIT"], "Did you mean 'ugatit'?"),
        (["train", "cyclegan", "--epochs", "3"], "--set epochs=VALUE"),
        (["train", "cyclegan", "--lr", "3"], "--set learning_rate=VALUE"),
        (["train", "--lr", "3"], "--set learning_rate=VALUE"),
        (["train", "ugatit", "--light"], "--set light=VALUE"),
        (["train", "cyclegan", "--batchsize", "3"], "Did you mean '--batch-size'?"),
        (["train", "cyclegan", "--img-size", "3"], "Did you mean '--crop-size'?"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_one(run: Run, arguments: list[str], answer: str) -> None:
    code, _, err = run(*arguments, "--data", ".", "-o", "run")
    assert code == 2
    assert answer in words(err)


@pytest.mark.parametrize("path", [path for path in PAGES if " ".join(path) in EXAMPLES], ids=" ".join)
def test_every_example_of_a_help_page_is_shown_and_parses(run: Run, path: tuple[str, ...]) -> None:
    page = words(run(*path, "--help")[1])
    for example in EXAMPLES[" ".join(path)]:
        assert f"attn-i2i {example}" in page
        name, *arguments = shlex.split(example)
        command: Any = PAGES[()].commands[name]  # type: ignore[attr-defined]
        if arguments and arguments[0] in getattr(command, "commands", {}):
            command = command.commands[arguments.pop(0)]
        command.make_context(name, arguments)


def test_examples_are_of_commands_that_there_are() -> None:
    assert not EXAMPLES.keys() - {" ".join(path) for path in PAGES}


def test_no_help_page_writes_types_of_python(run: Run) -> None:
    for command in ("translate", "train", "publish"):
        page = run(command, "--help")[1]
        assert "<str>" not in page
        assert "list[" not in page
        assert " range>" not in page


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("serve", "--port", "99999"), "'--port': expected 65535 or less"),
        (("serve", "--port", "x"), "'--port': expected a whole number"),
        (("translate", "a.png", "-o", "b.png", "-m", "c", "--size", "9"), "'--size': '9' is not one of 'fit'"),
    ],
)
def test_a_refused_value_is_told_in_plain_words(run: Run, arguments: tuple[str, ...], says: str) -> None:
    code, _, err = run(*arguments)
    assert (code, says in err) == (2, True)
