"""The evaluate and load commands give what the functions behind them give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

import attn_i2i
from attn_i2i.convert import convert
from attn_i2i.evaluate import evaluate_pairs, translating
from attn_i2i.models.places import installed_folder

from .helpers.commands import run_cli
from .helpers.source import ROOT
from .helpers.squares import SIZE, copied, write_squares

MODEL = "attentiongan2-flat2clay"


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    return write_squares(tmp_path / "squares", "A", "B")


def test_evaluate_prints_the_table_of_the_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_squares(tmp_path / "data", "A", "B")
    expected = evaluate_pairs(translating(attn_i2i.load(MODEL)), folder)
    assert run_cli(["evaluate", str(folder), "-m", MODEL, "--json"], monkeypatch) == 0
    assert json.loads(capsys.readouterr().out) == pytest.approx(expected)
    assert run_cli(["evaluate", str(folder), "-m", MODEL, "--device", "nowhere"], monkeypatch) == 2
    assert "The device 'nowhere'" in capsys.readouterr().err
    assert run_cli(["evaluate", str(folder), "-m", MODEL], monkeypatch) == 0
    assert f"{expected['background_psnr']:.2f} dB" in capsys.readouterr().out


def test_an_evaluation_of_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_squares(tmp_path / "data", "A", "B")
    outputs = str(folder / "testB")
    assert run_cli(["evaluate", outputs, "--data", str(folder), "--measures", "fid"], monkeypatch) == 2
    err = capsys.readouterr().err
    assert "No feature network" in err
    assert err.endswith("error: Nothing of what was asked for can be measured here; the notes say what is missing.\n")


@pytest.mark.parametrize("option", ["--data", "-o", "--features", "--images", "--no-cycle", "--force"])
def test_what_the_older_form_does_not_heed_is_refused(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    value = {"--no-cycle": [], "--force": []}.get(option, ["1"])
    assert run_cli(["evaluate", "data", "-m", MODEL, option, *value], monkeypatch) == 2
    name = {"-o": "--output", "--no-cycle": "--cycle"}.get(option, option)
    assert f"MODEL), without {name}: for all else write `attn-i2i evaluate {MODEL}" in capsys.readouterr().err


def test_evaluate_names_a_folder_that_holds_no_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["evaluate", str(tmp_path), "-m", MODEL], monkeypatch) == 1
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert "give one with paired test pictures and masks" in error


def test_evaluate_skips_what_is_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_squares(tmp_path / "data", "A", "B")
    assert run_cli(["evaluate", str(folder), "-m", MODEL, "--json"], monkeypatch) == 0
    expected = capsys.readouterr().out
    (folder / "testA" / "._0.png").write_bytes(b"a resource fork")
    (folder / "testA" / "notes.txt").write_bytes(b"x")
    for part in ("testA", "trainA"):
        (folder / part / "thumbs.png").mkdir()
    assert run_cli(["evaluate", str(folder), "-m", MODEL, "--json"], monkeypatch) == 0
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("level", [0, 255])
def test_what_masks_without_a_rim_cannot_tell_is_null(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], level: int
) -> None:
    folder = write_squares(tmp_path / "data", "A", "B")
    for mask in folder.glob("masks/*/*.png"):
        Image.new("L", (SIZE, SIZE), level).save(mask)
    assert run_cli(["evaluate", str(folder), "-m", MODEL, "--json"], monkeypatch) == 0
    out = capsys.readouterr().out
    table = json.loads(out, parse_constant=pytest.fail)
    missing = {"foreground_l1", "foreground_ssim", "foreground_ratio", "mask_ap"} if level == 0 else {"background_psnr"}
    assert {key for key, value in table.items() if value is None} >= missing
    assert run_cli(["evaluate", str(folder), "-m", MODEL], monkeypatch) == 0
    assert "nan" not in capsys.readouterr().out


def test_evaluate_takes_labels_with_spaces_between_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"]
    convert(ROOT / "tests" / "cases" / "attentiongan_multidomain" / "200000-G.ckpt", tmp_path / "model", domains=names)
    arguments = ["evaluate", str(write_squares(tmp_path / "data", "A", "B")), "-m", str(tmp_path / "model"), "--json"]
    assert run_cli([*arguments, "--domain", "Black_Hair,Male"], monkeypatch) == 0
    expected = capsys.readouterr().out
    assert run_cli([*arguments, "--domain", "Black_Hair, Male"], monkeypatch) == 0
    assert capsys.readouterr().out == expected
    assert run_cli([*arguments, "--domain", ""], monkeypatch) != 0
    assert "No domain is named ''" in capsys.readouterr().err


def test_load_says_where_the_model_lies(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["load", MODEL], monkeypatch) == 0
    assert Path(capsys.readouterr().out.strip()) == installed_folder(MODEL)


def test_the_command_says_what_the_old_form_means(
    squares: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["evaluate", MODEL], monkeypatch) == 2
    assert f"write `attn-i2i evaluate {MODEL} --data DIR`" in capsys.readouterr().err
    assert run_cli(["evaluate", str(squares), "-m", MODEL, "--data", str(squares)], monkeypatch) == 2
    assert f"`attn-i2i evaluate {MODEL} --data DIR`" in capsys.readouterr().err


def test_full_masks_give_null_not_nan(
    squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (squares / "masks").rglob("*.png"):
        Image.new("L", (SIZE, SIZE), 255).save(path)
    outputs = copied(squares / "testB", tmp_path / "out")
    assert run_cli(["evaluate", str(outputs), "--data", str(squares), "--json"], monkeypatch) == 0
    printed = capsys.readouterr()
    table = json.loads(printed.out, parse_constant=lambda name: pytest.fail(name))
    assert table["models"][0]["missing"]["background_psnr"] == "no picture has what it needs"
    assert "background_psnr" not in table["models"][0]["values"]
    assert run_cli(["evaluate", str(squares), "-m", MODEL, "--json"], monkeypatch) == 0
    assert json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))["background_psnr"] is None
