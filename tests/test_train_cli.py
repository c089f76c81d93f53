"""``attn-i2i train`` as its users meet it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
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

    def call(*arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr("sys.argv", ["attn-i2i", "train", *arguments, *SMALL])
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


def test_a_dry_run_shows_the_resolved_recipe_and_writes_nothing(train: Train, tmp_path: Path) -> None:
    code, shown, _ = train("attentiongan2", "--data", "data", "-o", "run", "--set", "preset=paper", "--dry-run")
    assert code == 0
    assert re.search(r"^  discriminator +plain-and-guided$", shown, re.M)
    assert re.search(r"^  crop_size +16$", shown, re.M)
    assert not set("{}") & set(shown)
    assert "parameters: G_A2B" in shown
    assert not (tmp_path / "run").exists()


def test_a_dry_run_tells_what_resuming_would_do_and_refuses_what_it_would_refuse(train: Train, tmp_path: Path) -> None:
    given = ("cyclegan", "--data", "data", "-o", "run")
    train(*given, "--steps", "1")
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "run").rglob("*")}
    code, shown, _ = train(*given, "--steps", "3", "--resume", "--dry-run")
    assert (code, "steps: 3, 7 an epoch; continued after step 1" in shown) == (0, True)
    code, _, told = train(*given, "--seed", "1", "--resume", "--dry-run")
    assert (code, "error: run was trained with --seed 0 (now 1)" in told) == (2, True)
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
