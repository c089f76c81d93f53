"""Early stopping: the best checkpoint by a validation measure is kept, and the run ends when nothing gets better."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attn_i2i.evaluate import train_validated
from attn_i2i.evaluate.validation import Validation
from attn_i2i.train import checkpoint, resume
from attn_i2i.types import ConfigError, ModelError, UnknownNameError, UnreadableFileError

from .helpers.trainings import ENGINE, SMALL, run, weights

BRIEF: dict[str, Any] = {"recipe_options": SMALL, "steps": 4, "save_every": 2} | ENGINE


@pytest.fixture
def validated(data: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for letter in "AB":
        for part in ("train", "val"):
            shutil.copytree(data / f"train{letter}", folder / f"{part}{letter}")
    return folder


def measuring(monkeypatch: pytest.MonkeyPatch, values: list[float | None]) -> Iterator[float | None]:
    """Models that are measured to have these values, or none, of a measure of which less is better."""
    left = iter(values)
    monkeypatch.setattr(Validation, "_measured", lambda *_: {} if (value := next(left)) is None else {"A2B": value})
    return left


def test_the_best_model_is_kept_and_the_training_is_as_without(
    validated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = train_validated("cyclegan", validated, tmp_path / "run", measure="cycle_l1", limit=2, **BRIEF)
    assert weights(tmp_path / "run/model") == weights(run(validated, tmp_path / "plain", steps=4))
    values = json.loads((tmp_path / "run/validation.json").read_text())["values"]
    assert set(values) == {"2", "4"}
    assert set(values["4"]) == {"A2B", "B2A"}
    better = sum(values["4"].values()) < sum(values["2"].values())
    assert (weights(best) == weights(tmp_path / "run/model")) == better
    assert "validated at step 2: cycle_l1" in capsys.readouterr().err


def test_a_run_ends_when_nothing_gets_better_and_stays_ended(
    validated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = measuring(monkeypatch, [3.0, 1.0, 1.0, 2.0, 0.5, 9.0])
    brief = BRIEF | {"steps": 12}
    folder = tmp_path / "run"
    best = train_validated("cyclegan", validated, folder, measure="cycle_l1", patience=2, **brief)
    assert checkpoint.steps_done(folder) == 8
    assert weights(best) == weights(run(validated, tmp_path / "four", steps=4))
    assert "did not get better 2 times, so the training ends" in capsys.readouterr().err
    train_validated(None, None, folder, resume=True)
    assert checkpoint.steps_done(folder) == 8
    assert next(left) == 0.5
    with pytest.raises(ConfigError, match="train_validated"):
        resume(folder)
    train_validated(None, None, folder, resume=True, patience=3)
    assert checkpoint.steps_done(folder) == 10


def test_a_model_without_a_value_is_passed_over_and_ends_nothing(
    validated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measuring(monkeypatch, [None, None, 1.0, None, None, 0.5])
    brief = BRIEF | {"steps": 6, "save_every": 1, "patience": 2}
    best = train_validated("cyclegan", validated, tmp_path / "run", measure="cycle_l1", **brief)
    assert checkpoint.steps_done(tmp_path / "run") == 5
    assert weights(best) == weights(run(validated, tmp_path / "three", steps=3))
    assert "step 1: cycle_l1 has no value, because no picture" in capsys.readouterr().err


def test_masks_that_are_open_everywhere_leave_no_best_model(validated: Path, tmp_path: Path) -> None:
    brief = BRIEF | {"recipe_options": SMALL | {"background": False}, "steps": 2}
    with pytest.raises(ModelError, match=r"no checkpoint has a value of background_psnr.*run.model"):
        train_validated("attentiongan2", validated, tmp_path / "run", measure="background_psnr", limit=2, **brief)
    assert json.loads((tmp_path / "run/validation.json").read_text())["values"] == {"2": {}}


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"measure": "cycle_l2"}, UnknownNameError, "cycle_l1"),
        ({"measure": "seconds"}, ConfigError, "more or less is better"),
        ({"measure": "mask_ap"}, ConfigError, "masks/valA"),
        ({"measure": "psnr", "validate_data": "elsewhere"}, ConfigError, "elsewhere holds no valA and no valB"),
        ({}, ConfigError, "No measure"),
        ({"measure": "cycle_l1", "patience": 0}, ConfigError, "patience=0"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is_trained(
    validated: Path, tmp_path: Path, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        train_validated("cyclegan", validated, tmp_path / "run", **options, **BRIEF)
    assert not (tmp_path / "run").exists()


def test_settings_and_file_of_a_resumed_run_are_its_own(
    validated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measuring(monkeypatch, [1.0, 2.0])
    train_validated("cyclegan", validated, tmp_path / "run", measure="cycle_l1", **BRIEF)
    with pytest.raises(ConfigError, match=r"measure='cycle_l1' \(now 'psnr'\)"):
        train_validated(None, None, tmp_path / "run", measure="psnr", resume=True)
    (tmp_path / "run/validation.json").write_text("[]")
    with pytest.raises(UnreadableFileError, match=r"validation\.json"):
        train_validated(None, None, tmp_path / "run", resume=True)
