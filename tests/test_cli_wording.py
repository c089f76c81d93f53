"""On the command line options are called by the command line's names, from Python by Python's."""

from __future__ import annotations

from pathlib import Path

import pytest

from attn_i2i.cli import main  # noqa: F401  (its options are the ones to be spelled)
from attn_i2i.cli.wording import spelled
from attn_i2i.images.read import read_image
from attn_i2i.types import UnreadableFileError

from .helpers.commands import Run, picture
from .helpers.pictures import colours


@pytest.mark.parametrize(
    ("python", "command"),
    [
        ("raise the limit (max_pixels).", "raise the limit (--max-megapixels)."),
        ("overwrite with force=True.", "overwrite with --force."),
        ('size="fit" resizes to that', "--size fit resizes to that"),
        ("strength=1.5 was given", "--strength 1.5 was given"),
        ("choose a smaller batch_size, or", "choose a smaller --batch-size, or"),
        ("the mask is of another size", "the mask is of another size"),
        ("in/batch_size.png and /seed=3/x", "in/batch_size.png and /seed=3/x"),
        ("no name of an option=here", "no name of an option=here"),
    ],
)
def test_python_names_become_options(python: str, command: str) -> None:
    assert spelled(python) == command


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
