"""Data that does not fit together: an error in one line, or a note of what is left out; finished numbers stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from attn_i2i.evaluate import as_json, evaluate
from attn_i2i.evaluate.outputs import make_outputs
from attn_i2i.evaluate.subjects import Subject
from attn_i2i.images.picture import PictureWarning
from attn_i2i.types import AttnI2IError, ShapeError, UnreadableFileError

from .helpers.commands import Run
from .helpers.squares import SIZE, write_squares
from .helpers.translators import Negative, translator

CHEAP = ["l1", "mask_iou", "background_psnr"]


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    return write_squares(tmp_path / "squares", "A", "B")


def grey(path: Path, size: tuple[int, int] = (SIZE, SIZE)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, 90).save(path)


def outputs(squares: Path, name: str = "outputs") -> Path:
    """A folder of another program's pictures, one for each input."""
    folder = squares.parent / name
    folder.mkdir()
    for path in (squares / "testB").glob("*.png"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


LEFT_OUT: list[tuple[Callable[[Path], Any], str]] = [
    (lambda d: grey(d / "testA/more/9.png"), "testA holds 1 folders with pictures, such as more: they are left out."),
    (lambda d: grey(d / "masks/testA/zz.png"), "testA holds 1 masks of no input, such as zz.png: they are left out."),
    (lambda d: (d / "masks/testA").rename(d / "masks/C"), "no folder testA in it: its masks are not used"),
    (lambda d: (d / "testA/notes.txt").write_text("x"), "holds 1 other files, such as notes.txt"),
    (lambda d: (d / "testA/5.cr2").write_bytes(b"II*"), "holds 1 other files, such as 5.cr2"),
    (lambda d: grey(d.parent / "outputs/zz.png"), "outputs holds 1 pictures of no input, such as zz.png"),
    (lambda d: (d / "testA/4.png").rename(d / "testA/x.png"), "Only 4 of 5 inputs have a namesake"),
    (lambda d: (d / "masks/testA/4.png").unlink(), "1 of 5 pictures have no mask in"),
]


@pytest.mark.parametrize(("change", "note"), LEFT_OUT)
def test_what_is_left_out_is_said(squares: Path, change: Callable[[Path], Any], note: str) -> None:
    folder = outputs(squares)
    change(squares)
    if "x.png" in {path.name for path in (squares / "testA").iterdir()}:
        grey(folder / "x.png")
    assert any(note in each for each in evaluate([folder], squares, measures=CHEAP).notes)


def test_what_systems_leave_behind_is_not_worth_a_word(squares: Path) -> None:
    grey(squares / "testA/.hidden.png")
    for name in (".DS_Store", "Thumbs.db", "._0.png"):
        (squares / "testA" / name).write_text("x")
    evaluation = evaluate([outputs(squares)], squares, measures=["l1"])
    assert len(evaluation.data.inputs) == 5
    assert not [note for note in evaluation.notes if "left out" in note]


WRONG: list[tuple[Callable[[Path], Any], type[AttnI2IError], str]] = [
    (lambda d: grey(d / "masks/testA/2.png", (12, 12)), ShapeError, r"2\.png, a mask, has 12x12 pixels, its input"),
    (lambda d: grey(d / "testB/2.png", (20, 24)), ShapeError, r"2\.png, a truth, has 20x24 pixels, its input"),
    (lambda d: grey(d / "masks/testB/3.png", (9, 9)), ShapeError, r"3\.png, a mask of the truth, has 9x9"),
    (lambda d: (d / "testB/2.png").write_bytes(b"no"), UnreadableFileError, r"2\.png is no picture"),
    (lambda d: (d / "masks/testA/2.png").write_bytes(b"no"), UnreadableFileError, r"2\.png is no picture"),
]


@pytest.mark.parametrize(("change", "kind", "words"), WRONG)
def test_what_does_not_fit_is_told_before_anything_is_translated(
    squares: Path, change: Callable[[Path], Any], kind: type[AttnI2IError], words: str
) -> None:
    change(squares)
    said: list[str] = []
    with pytest.raises(kind, match=words):
        evaluate(["attentiongan2-flat2clay"], squares, measures=CHEAP, progress=lambda what, *_: said.append(what))
    assert said == []


def test_a_single_picture_gives_numbers_without_intervals(squares: Path) -> None:
    folder = outputs(squares)
    for part in ("testA", "testB", "masks/testA", "masks/testB"):
        for index in range(1, 5):
            (squares / part / f"{index}.png").unlink()
    evaluation = evaluate([folder], squares, measures=["l1"])
    assert evaluation.rows[0].measured.values["l1"].low is None
    assert any("a single picture: how sure the numbers are cannot be told" in note for note in evaluation.notes)


@pytest.mark.parametrize("error", [AttnI2IError("it is too large"), RuntimeError("index 7 is out of range")])
def test_a_model_that_fails_costs_no_other_its_numbers(
    squares: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    folders = [outputs(squares, name) for name in ("one", "two", "three")]

    def broken(subject: Any, *rest: Any, **options: Any) -> Any:
        if subject.label == "two":
            raise error
        return make_outputs(subject, *rest, **options)

    monkeypatch.setattr("attn_i2i.evaluate.run.make_outputs", broken)
    evaluation = evaluate(folders, squares, measures=["l1"])
    assert [row.label for row in evaluation.rows] == ["one", "three", "input"]
    assert str(error) in evaluation.failed["two"]
    assert json.loads(as_json(evaluation))["failed"] == dict(evaluation.failed)
    assert any("two could not be measured" in note for note in evaluation.notes)
    with pytest.raises(type(error)):
        evaluate([folders[1]], squares, measures=["l1"])


def test_the_command_prints_what_there_is_and_fails(squares: Path, run: Run) -> None:
    good, bad = outputs(squares, "good"), outputs(squares, "bad")
    (bad / "3.png").write_bytes(b"no")
    code, out, err = run("evaluate", good, bad, "--data", squares, "--measures", "l1")
    assert code == 1
    assert "good" in out
    assert "note: bad could not be measured: " in err


def test_grey_pictures_are_told_without_an_option_that_evaluate_has_not(tmp_path: Path) -> None:
    grey(tmp_path / "x.png")
    subject = Subject("model", "here", translator=translator(Negative()))
    with pytest.warns(PictureWarning, match=r"comes back as their mean\.$"):
        make_outputs(subject, {"x": tmp_path / "x.png"}, tmp_path / "out", lambda: None, cycle=False)
    with pytest.warns(PictureWarning, match="color=True keeps"):
        translator(Negative())(tmp_path / "x.png")
