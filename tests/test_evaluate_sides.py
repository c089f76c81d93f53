"""From which side a model translates, whatever its direction is called, and that the report says so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from attn_i2i import load
from attn_i2i.evaluate import as_latex, evaluate, write_report
from attn_i2i.evaluate.study import make_study
from attn_i2i.evaluate.subjects import open_subjects
from attn_i2i.types import ConfigError

from .helpers.commands import run_cli
from .helpers.squares import MODEL, PLAIN, copied, write_squares

CHANGE = ["change"]


pytestmark = pytest.mark.filterwarnings("ignore:A grey picture goes through")


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    return write_squares(tmp_path / "squares", "A", "B")


@pytest.mark.parametrize("direction", ["B2A", "clay2flat", "only"])
def test_a_model_that_goes_back_is_given_the_other_side(direction: str, squares: Path) -> None:
    """By its direction's name, by what its card calls it, and where it has no other direction."""
    model = load(MODEL, device="cpu", direction="B2A") if direction == "only" else MODEL
    evaluation = evaluate([model], squares, direction=None if direction == "only" else direction, measures=CHANGE)
    assert {path.parent.name for path in evaluation.data.inputs.values()} == {"testB"}
    assert evaluation.data.target_name == "testA"
    note = next(note for note in evaluation.notes if note.startswith("Inputs are from"))
    assert "Inputs are from testB, those of the target domain from testA;" in note
    assert "translates B2A (clay2flat)" in note


def test_models_of_both_directions_need_a_side(squares: Path, tmp_path: Path) -> None:
    models = [MODEL, load(PLAIN, device="cpu", direction="B2A")]
    with pytest.raises(ConfigError, match=r"translates A2B and .* translates B2A: name the side"):
        evaluate(models, squares, measures=CHANGE)
    with pytest.raises(ConfigError, match="name the side"):
        make_study(models, squares, tmp_path / "out")
    assert len(evaluate(models, squares, source="A", measures=CHANGE, limit=1).rows) == 3


def test_the_older_form_changes_sides_too(
    squares: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outs = []
    for sides in ([], ["--source", "B", "--target", "A"]):
        arguments = ["evaluate", str(squares), "-m", MODEL, "--direction", "clay2flat", "--threshold", "0.5", *sides]
        assert run_cli(arguments, monkeypatch) == 0
        outs.append(capsys.readouterr().out)
    assert outs[0] == outs[1]


def test_exported_weights_that_change_are_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of an earlier evaluation is taken for what a file of the same name holds now."""
    model, path, identities = load(MODEL, device="cpu"), tmp_path / "A2B.onnx", set()
    monkeypatch.setattr("attn_i2i.evaluate.subjects.load", lambda *_, **__: model)
    for content in (b"weights", b"others"):
        path.write_bytes(content)
        identities |= {open_subjects([each])[0].identity for each in (path, tmp_path)}
    (tmp_path / "A2B.data").write_bytes(b"weights beside")
    assert len(identities | {open_subjects([path])[0].identity}) == 3


def test_what_png_cannot_hold_is_measured_too(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for stem in "ab":
        tifffile.imwrite(tmp_path / "data" / f"{stem}.tif", np.full((16, 16), 0.3, np.float32))
    evaluation = evaluate([MODEL], tmp_path / "data", measures=[*CHANGE, "cycle_l1"], report=tmp_path / "out")
    assert {path.suffix for path in evaluation.rows[0].outputs.pictures.values()} == {".tif"}
    assert evaluation.rows[0].measured.values.keys() == {"change", "cycle_l1"}
    write_report(evaluation, tmp_path / "out")


def test_a_report_needs_the_outputs(squares: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"5 outputs are not there any more, such as 0\.png"):
        write_report(evaluate([MODEL], squares, measures=CHANGE), tmp_path / "out")


def test_masks_are_found_whatever_their_capitals(squares: Path) -> None:
    (squares / "masks").rename(squares / "Masks")
    assert evaluate([MODEL], squares, measures=["mask_iou"]).data.masks is not None


def test_names_that_no_table_expects(squares: Path, tmp_path: Path) -> None:
    """Bytes that are no UTF-8, and what TeX reads as something else."""
    folders = [tmp_path / os.fsdecode(b"na\xffme"), tmp_path / "a<b>|c_%"]
    for folder in folders:
        shutil.copytree(squares / "testB", folder)
    names = [*CHANGE, "background_psnr", "l1"]
    evaluation = evaluate(folders, squares, measures=names, report=tmp_path / "out")
    write_report(evaluation, tmp_path / "out")
    assert r"a\textless{}b\textgreater{}\textbar{}c\_\%" in as_latex(evaluation)
    assert "na\\udcffme" in (tmp_path / "out" / "table.csv").read_text(encoding="utf-8")


def test_a_subject_has_no_pictures_before_the_side_is_known(squares: Path, tmp_path: Path) -> None:
    assert open_subjects([copied(squares / "testA", tmp_path / "out")])[0].pictures is None
