"""On the command line options are called by the command line's names, from Python by Python's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from attn_i2i.cli import main  # noqa: F401  (its options are the ones to be spelled)
from attn_i2i.cli.wording import spelled
from attn_i2i.images.read import read_image
from attn_i2i.types import UnreadableFileError

from .helpers.commands import Run, picture
from .helpers.pictures import colours
from .helpers.source import ROOT

FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
COMMAND = re.compile(r"(attn-i2i|attn_i2i|docker run|python|test\.py) [^,;)]*")


@pytest.mark.parametrize(
    ("python", "command"),
    [
        ("raise the limit (max_pixels).", "raise the limit (--max-megapixels)."),
        ("overwrite with force=True.", "overwrite with --force."),
        ('size="fit" resizes to that', "--size fit resizes to that"),
        ("strength=1.5 was given", "--strength 1.5 was given"),
        ("choose a smaller batch_size, or", "choose a smaller --batch-size, or"),
        ("give cache=False.", "give --no-cache."),
        ("or compile=False", "or no --compile"),
        ('as in direction={"netG_A": "A2B", "netG_B": "B2A"}.', "as in --direction netG_A=A2B,netG_B=B2A."),
        ("them: leave_out=['head']", "them: --leave-out head"),
        ('lighter (recipe_options={"cycle": 0.3}).', "lighter (--set cycle=0.3)."),
        ("from the model (start=RUN)", "from the model (--from RUN)"),
        ("give digest=DIGITS if you know it", "give --sha256 DIGITS if you know it"),
        ("expected name=value, such as width=32", "expected name=value, such as width=32"),
        ("the mask is of another size", "the mask is of another size"),
        ("in/batch_size.png and /seed=3/x", "in/batch_size.png and /seed=3/x"),
        ("no name of an option=here", "no name of an option=here"),
    ],
)
def test_python_names_become_options(python: str, command: str) -> None:
    assert spelled(python) == command


def strings(path: Path) -> Iterator[str]:
    """The texts of a module: no help of options, no flags of other programs; a placeholder in a text is an X."""
    nodes: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    for node in nodes:  # grows
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not FLAG.fullmatch(node.value):
            yield node.value
        elif not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("Option", "add_argument"))):
            nodes += ast.iter_child_nodes(node)


def test_only_the_command_line_names_its_options() -> None:
    """A message is read from Python too; a whole command may stand in it."""
    rooms = [ROOT / "attn_i2i", *(ROOT / "plugins").glob("*/src")]
    modules = [path for room in rooms for path in sorted(room.rglob("*.py")) if path.parent.name != "cli"]
    wrong = [f"{m.name}: {text}" for m in modules for text in strings(m) if FLAG.search(COMMAND.sub("", text))]
    assert len(modules) > 200
    assert not wrong, "\n".join(wrong)


def test_messages_are_spelled_for_where_they_are_read(run: Run, model: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"raise the limit \(max_pixels\)"):
        read_image(colours(), max_pixels=1)
    picture("a.png")
    _, _, err = run("translate", "a.png", "-o", "out", "-m", model, "--max-megapixels", "0.0001")
    assert "raise the limit (--max-megapixels)" in err
    assert run("translate", "a.png", "-o", "out", "-m", model)[0] == 0
    _, _, err = run("translate", "a.png", "-o", "out", "-m", model)
    assert "or overwrite with --force." in err
    assert "force=True" not in err
