"""``attn-i2i train`` as its users meet it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from attn_i2i.cli import main

from .helpers.pictures import make_pictures

Train = Callable[..., tuple[object, str, str]]
SHAPE = ("width=4", "blocks=1", "discriminator_width=4", "discriminator_layers=1")
SMALL = [*(word for option in SHAPE for word in ("--set", option)), "--crop-size", "16", "--device", "cpu"]


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Train:
    """Run the command in a directory with ``data``; returns the exit code, standard output and standard error."""
    make_pictures(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    def call(*arguments: str, options: Sequence[str] = SMALL) -> tuple[object, str, str]:
        monkeypatch.setattr("sys.argv", ["attn-i2i", "train", *arguments, *options])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, *capsys.readouterr()

    return call


def test_a_run_and_its_continuation(train: Train, tmp_path: Path) -> None:
    code, _, told = train("cyclegan", "--data", "data", "-o", "run", "--steps", "1")
    assert (code, (tmp_path / "run/model/A2B.safetensors").is_file()) == (0, True)
    assert re.search(r"model written to run/model after 0:0\d:\d\d \(0:0\d:\d\d of processor time\)", told)
    code, _, told = train("cyclegan", "--data", "data", "-o", "run", "--steps", "2")
    assert code == 2
    assert "error: run holds a training already: continue with --resume" in told
    assert train("cyclegan", "--data", "data", "-o", "run", "--steps", "2", "--resume")[0] == 0


def test_a_run_goes_on_by_its_name_alone(train: Train, tmp_path: Path) -> None:
    options = ("--seed", "3", "--batch-size", "2", "--no-flip", "--save-every", "1", "--keep", "1")
    train("cyclegan", "--data", "data", "-o", "run", "--steps", "1", *options)
    for arguments in (("--resume", "run"), ("run", "--resume", "--steps", "2"), ("--resume", "-o", "run")):
        code, _, told = train(*arguments, options=())
        assert code == 0, told
    assert "run has its 2 steps already, its model is run/model: give more (--steps N) to go on\n" in told
    code, shown, _ = train("--resume", "run", "--steps", "9", "--dry-run", options=())
    assert (code, "steps: 9, 3 an epoch; continued after step 2" in shown) == (0, True)
    assert re.search(r"^  flip +false$", shown, re.M)
    assert [one.name for one in (tmp_path / "run/checkpoints").iterdir()] == ["step-00000002"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--resume",), "say which run: train --resume RUN"),
        (("--resume", "nowhere"), "nowhere holds no training to continue"),
        (("cyclegan", "--resume", "--data", "data"), "say which run: train --resume RUN"),
        (("--resume", "-o", "nowhere"), "nowhere holds no training to continue"),
        ((), "missing RECIPE and --data and -o"),
        (("cyclegan",), "missing --data and -o"),
        (("cyclegan", "--data", "data"), "missing -o"),
    ],
)
def test_what_is_missing_is_said(train: Train, arguments: tuple[str, ...], complaint: str) -> None:
    code, _, told = train(*arguments, options=())
    assert (code, complaint in " ".join(told.split())) == (2, True), told


@pytest.mark.filterwarnings("default::attn_i2i.train.TrainingWarning")
def test_what_is_left_out_of_a_folder_is_said_and_no_error(train: Train, tmp_path: Path) -> None:
    (tmp_path / "data/trainA/film.mp4").write_bytes(b"film")
    code, _, told = train("cyclegan", "--data", "data", "-o", "run", "--steps", "1")
    assert (code, "warning: data/trainA: 1 file left out: film.mp4." in told) == (0, True)


def test_a_dry_run_shows_the_resolved_recipe_and_writes_nothing(train: Train, tmp_path: Path) -> None:
    code, shown, _ = train("attentiongan2", "--data", "data", "-o", "run", "--set", "preset=paper", "--dry-run")
    assert code == 0
    assert re.search(r"^  discriminator +plain-and-guided$", shown, re.M)
    assert re.search(r"^  crop_size +16$", shown, re.M)
    assert not set("{}") & set(shown)
    assert "parameters: G_A2B" in shown
    assert not (tmp_path / "run").exists()


def test_a_run_is_validated_and_resumed_from_the_command_line(train: Train, tmp_path: Path) -> None:
    for letter in "AB":
        (tmp_path / f"data/val{letter}").symlink_to(tmp_path / f"data/train{letter}")
    given = ("cyclegan", "--data", "data", "-o", "run", "--save-every", "1")
    code, _, told = train(*given, "--steps", "2", "--validate", "psnr", "--dry-run")
    assert (code, "--validate psnr needs true pictures" in told) == (2, True), told
    assert train(*given, "--steps", "2", "--patience", "3")[0] == 2
    assert train(*given, "--steps", "2", "--validate", "cycle_l1", "--patience", "3")[0] == 0
    code, _, told = train("--resume", "run", "--steps", "3", options=())
    assert (code, "validated at step 3" in told, (tmp_path / "run/best/config.json").is_file()) == (0, True, True), told


def test_a_dry_run_tells_what_resuming_would_do_and_refuses_what_it_would_refuse(train: Train, tmp_path: Path) -> None:
    given = ("cyclegan", "--data", "data", "-o", "run")
    train(*given, "--steps", "1")
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "run").rglob("*")}
    code, shown, _ = train(*given, "--steps", "3", "--resume", "--dry-run")
    assert (code, "steps: 3, 7 an epoch; continued after step 1" in shown) == (0, True)
    code, _, told = train(*given, "--seed", "1", "--resume", "--dry-run")
    assert (code, "error: run was trained with --seed 0 (now --seed 1)" in told) == (2, True)
    code, _, told = train(*given, "--dry-run")
    assert (code, "error: run holds a training already: continue with --resume" in told) == (2, True)
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "run").rglob("*")} == before


def test_a_data_check_stops_before_the_first_step(train: Train, tmp_path: Path) -> None:
    (tmp_path / "data/trainA/broken.png").write_bytes(b"no picture")
    code, _, told = train("cyclegan", "--data", "data", "-o", "run", "--steps", "1", "--data-check")
    assert code == 1
    assert "13 pictures checked: 1 corrupt, 0 grey, 0 identical" in told
    code, _, told = train("cyclegan", "--data", "data", "-o", "run", "--dry-run", "--data-check")
    assert (code, "1 of 13 pictures cannot be read" in told) == (1, True)
    assert not (tmp_path / "run").exists()
