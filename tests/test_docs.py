"""What the documentation shows works, and every public name is in the reference.

A page's ``python`` blocks run in order, in one namespace, in an empty directory. A page says in comments, which no
reader sees, what it needs: ``<!-- setup: photos, model -->`` names fixtures that fill the directory. A comment right
above a block rules that block: ``<!-- not run: reason -->`` leaves a python block out, ``<!-- run -->`` has the
``attn-i2i`` commands of a ``console`` block run too. Every ``attn-i2i`` command shown is at least one that parses.
Examples in docstrings run as well; they know ``torch`` and ``nn``.
"""

from __future__ import annotations

import doctest
import importlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

import pytest
import typer

from attn_i2i.cli import main  # noqa: F401  (it names its app)
from attn_i2i.cli.wording import APPS

from .helpers.commands import run_cli
from .helpers.source import ROOT, sources
from .tools.record_api import MODULES, public_names

PAGES = [*ROOT.glob("README.md"), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(?:^<!-- (?P<rule>[^\n]*) -->\n+)?^```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^```$", re.M | re.S)
SETUP = re.compile(r"^<!-- setup: (.*) -->$", re.M)
LIST = re.compile(r"^::: ([\w.]+)$", re.M)


@dataclass(frozen=True)
class Block:
    """One fenced block: its page, the line its text starts at, its language, and the comment above it."""

    page: Path
    line: int
    language: str
    rule: str
    text: str

    def commands(self) -> list[list[str]]:
        """The arguments of each ``attn-i2i`` command shown."""
        prompt = r"\$ " if self.language == "console" else ""
        joined = self.text.replace("\\\n", " ")
        return [shlex.split(rest, comments=True) for rest in re.findall(rf"^{prompt}attn-i2i (.*)$", joined, re.M)]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a page in these languages."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text[: found.start("text")].count("\n") + 1, found["language"], found["rule"] or "", found["text"])
        for found in BLOCK.finditer(text)
        if found["language"] in languages
    ]


def pages_with(*languages: str, among: Sequence[Path] = PAGES) -> list[Path]:
    return [page for page in among if blocks(page, *languages)]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def photos(tmp_path: Path) -> None:
    """``photo.png`` and the folder ``photos``: smooth pictures, one of them in portrait format."""
    import numpy as np
    from PIL import Image

    (tmp_path / "photos").mkdir()
    for name, (height, width) in {"photo": (64, 96), "photos/one": (64, 64), "photos/two": (96, 64)}.items():
        y, x = np.mgrid[:height, :width]
        pixels = np.stack([x * 2, y * 2, x + y], axis=-1).astype("uint8")
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")


@pytest.fixture
def model(tmp_path: Path) -> None:
    """``model``: a small AttentionGAN II with random weights, in both directions."""
    import attn_i2i
    from attn_i2i.models.config import ModelConfig
    from attn_i2i.models.directory import save_model

    config = {"width": 4, "blocks": 1}
    weights = attn_i2i.create("attentiongan2", **config).state_dict()
    directions = ["A2B", "B2A"]
    save_model(tmp_path / "model", ModelConfig("attentiongan2", config, directions), dict.fromkeys(directions, weights))


@pytest.fixture
def clip(tmp_path: Path) -> None:
    """``clip.mp4``: a square that moves, four frames of it."""
    from .helpers.clips import square, write_video

    write_video(tmp_path / "clip.mp4", map(square, range(4)))


def prepare(page: Path, directory: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to ``directory``, filled with what the page asks for."""
    for names in SETUP.findall(page.read_text(encoding="utf-8")):
        for name in names.split(","):
            request.getfixturevalue(name.strip())
    monkeypatch.chdir(directory)


def run_page(page: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run a page's python blocks and marked commands in the order they stand; returns the commands that failed."""
    namespace, failed = {"__name__": "__main__"}, []
    for block in blocks(page, "python", "console"):
        if block.language == "python" and not block.rule.startswith("not run: "):
            padded = "\n" * (block.line - 1) + block.text  # so that a traceback names the page's own line
            exec(compile(padded, str(page), "exec"), namespace)  # noqa: S102
        marked = block.commands() if block.rule == "run" else []
        failed += [f"{block}: attn-i2i {shlex.join(one)}" for one in marked if run_cli(one, monkeypatch) != 0]
    return failed


@pytest.mark.parametrize("page", pages_with("python", "console"), ids=name_of)
@pytest.mark.filterwarnings("ignore:A grey picture goes")  # said once, as the page tells
@pytest.mark.filterwarnings("ignore:The (pictures have|networks see)")  # what a training takes from its pictures
def test_snippets_run(
    page: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(page, tmp_path, request, monkeypatch)
    assert run_page(page, monkeypatch) == []


def test_the_first_command_needs_neither_files_nor_a_network() -> None:
    first = blocks(ROOT / "README.md", "console")[0]
    assert [shlex.join(command) for command in first.commands()] == ["demo"]


@pytest.mark.parametrize("page", pages_with("python"), ids=name_of)
def test_snippets_that_start_processes_say_what_a_script_needs(page: Path) -> None:
    """A process that is spawned imports the script again: without the guard it would train again."""
    text = "".join(block.text for block in blocks(page, "python"))
    for block in blocks(page, "python"):
        if re.search(r"\b(train|train_validated|resume)\(|ProcessPool", block.text):
            assert 'if __name__ == "__main__":' in block.text or '"workers": 0' in text, str(block)


SHELL = ("console", "bash", "sh", "shell")
DISTRIBUTIONS = sorted(ROOT.glob("plugins/*/README.md"))


@pytest.mark.parametrize("page", pages_with(*SHELL, among=[*PAGES, *DISTRIBUTIONS]), ids=name_of)
def test_commands_parse(page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for block in blocks(page, *SHELL):
        for arguments in block.commands():
            status = run_cli([*arguments, "--help"], monkeypatch)
            assert status == 0, f"{block}: attn-i2i {shlex.join(arguments)}\n{capsys.readouterr().err}"
            read_values(arguments)


def read_values(arguments: Sequence[str]) -> None:
    """Read what a command's options are given, which --help passes over; raises what click says of it."""
    command, words = typer.main.get_command(APPS[0]), [*arguments]
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
    command.make_context("attn-i2i", words)


def test_a_value_that_an_option_does_not_take_is_seen() -> None:
    with pytest.raises(Exception, match="'256' is not one of 'fit'"):
        read_values(["translate", "photos", "-o", "old", "-m", "model", "--size", "256"])


EXAMPLES = [module for module, path in sources().items() if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("module", EXAMPLES)
def test_docstring_examples_run(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    known = {"torch": torch, "nn": torch.nn}
    assert doctest.testmod(importlib.import_module(module), extraglobs=known, optionflags=doctest.ELLIPSIS).failed == 0


def listed_in_the_reference() -> set[str]:
    """Every name that a page of the reference shows, those of whole modules one by one."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs/reference").glob("*.md"))
    listed = set(LIST.findall(text))
    whole = {name for name in listed if name in MODULES}
    return (listed - whole) | {f"{name}.{one}" for name in whole for one in public_names(importlib.import_module(name))}


def test_the_reference_lists_what_is_public_and_nothing_else() -> None:
    listed = listed_in_the_reference()
    public = {f"{module}.{name}" for module in MODULES for name in public_names(importlib.import_module(module))}
    shown = [resolve_name(name) for name in listed]
    missing = sorted(name for name in public - listed if not any(resolve_name(name) is part for part in shown))
    assert not missing, f"add to docs/reference: {missing}"
    assert not sorted(listed - public), "these are not public"


def test_a_broken_page_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```python\nx = 1\n```\n\n<!-- not run: needs the Hub -->\n```python\n1 / 0\n```\n")
    assert run_page(page, monkeypatch) == []
    page.write_text("# Page\n\n```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n")
    with pytest.raises(AssertionError) as caught:
        run_page(page, monkeypatch)
    assert caught.traceback[-1].lineno == 7  # counted from 0
