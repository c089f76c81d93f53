"""A folder to evaluate on: its layouts, pairs and masks, and what is wrong with it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from attn_i2i.evaluate import (
    evaluate,
    find_data,
)
from attn_i2i.types import AttnI2IError, ConfigError, UnreadableFileError

from .helpers.squares import copied, write_squares


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    return write_squares(tmp_path / "squares", "A", "B")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("testA", "testB"), ("testA", "testB")),
        (("test/A", "test/B"), ("test/A", "test/B")),
        (("TestA", "testb"), ("TestA", "testb")),
        (("A", "B"), ("A", "B")),
        (("trainA", "trainB"), ("trainA", "trainB")),
    ],
)
def test_the_usual_layouts_are_known(names: tuple[str, str], expected: tuple[str, str], tmp_path: Path) -> None:
    for name, stem in zip(names, ("x", "y"), strict=True):
        (tmp_path / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name / f"{stem}.jpg")
        (tmp_path / name / "._x.jpg").write_text("not a picture")
        (tmp_path / name / "thumbs.png").mkdir()
    data = find_data(tmp_path)
    assert list(data.inputs.values()) == [tmp_path / expected[0] / "x.jpg"]
    assert data.target == {"y": tmp_path / expected[1] / "y.jpg"}
    assert data.truth is None
    assert any("no test pictures" in note for note in data.notes) == (names[0] == "trainA")


def test_plain_folders_and_masks_of_another_format(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    for stem in "ab":
        Image.new("RGB", (4, 4)).save(tmp_path / f"{stem}.jpg")
    Image.new("L", (4, 4)).save(tmp_path / "masks" / "a.png")
    (tmp_path / "notes.txt").write_text("x")
    data = find_data(tmp_path)
    assert list(data.inputs) == ["a", "b"]
    assert data.target is None
    assert data.masks == {"a": tmp_path / "masks" / "a.png"}
    assert any("1 other files, such as notes.txt" in note for note in data.notes)
    with pytest.raises(UnreadableFileError, match=r"1 of 2 pictures have no mask .*b\.jpg"):
        find_data(tmp_path, masks=tmp_path / "masks")


def test_pairs_are_told_by_every_name_or_asked_for(squares: Path) -> None:
    (squares / "testB" / "4.png").rename(squares / "testB" / "other.png")
    (squares / "masks" / "testA" / "3.png").unlink()
    data = find_data(squares)
    assert data.truth is None
    assert any("Only 4 of 5 inputs have a namesake" in note for note in data.notes)
    assert data.masks is not None
    assert list(data.masks) == ["0", "1", "2", "4"]
    assert any("1 of 5 pictures have no mask" in note for note in data.notes)
    with pytest.raises(ConfigError, match=r"1 of 5 inputs have no truth of their name, such as .*4\.png"):
        find_data(squares, pairs=True)
    assert find_data(squares, limit=2).inputs.keys() == {"0", "2"}


def test_a_misspelt_side_of_the_inputs_is_told_its_likely_folder(tmp_path: Path) -> None:
    for name in ("testWinter", "testSummer"):
        (tmp_path / name).mkdir()
    with pytest.raises(UnreadableFileError, match=r"no folder testWintr.* Did you mean 'testWinter'\?"):
        find_data(tmp_path, source="Wintr")
    (tmp_path / "testA").mkdir()
    with pytest.raises(UnreadableFileError, match=r"no folder testX.* Did you mean 'testA'\?"):
        find_data(tmp_path, source="X")


def test_pictures_without_a_mask_are_left_out_of_what_needs_one(squares: Path, tmp_path: Path) -> None:
    (squares / "masks" / "testA" / "3.png").unlink()
    evaluation = evaluate([copied(squares / "testB", tmp_path / "out")], squares, measures=["l1", "background_psnr"])
    values = evaluation.rows[0].measured.values
    assert (values["l1"].n, values["background_psnr"].n) == (5, 4)
    assert any("background_psnr is of 4 of 5 pictures" in warning for warning in evaluation.rows[0].warnings)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda root: Image.new("RGB", (9, 9)).save(root / "testB/2.png"), r"2\.png, a truth, has 9x9 pixels, its"),
        (lambda root: Image.new("L", (9, 9)).save(root / "masks/testA/2.png"), r"masks/testA/2\.png"),
        (lambda root: (root / "testA/2.png").write_text("x"), r"testA/2\.png"),
        (lambda root: Image.new("RGB", (9, 9)).save(root / "testA/2.jpg"), r"2\.jpg and 2\.png of .* have one stem"),
        (lambda root: shutil.rmtree(root / "testA"), "no folder testA or test/A"),
    ],
)
def test_bad_data_is_named(damage: Any, words: str, squares: Path, tmp_path: Path) -> None:
    outputs = copied(squares / "testB", tmp_path / "out")
    damage(squares)
    if "no folder" in words:
        shutil.rmtree(squares / "trainA")
    with pytest.raises(AttnI2IError, match=words):
        evaluate([outputs], squares, measures=["l1", "background_psnr"])
