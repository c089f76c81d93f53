"""Small reference cases go through public conversion and meet the published answers in both precisions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests import parity

CASES = sorted(path.parent for path in Path(__file__, "..", "cases").resolve().glob("*/case.json"))
FORWARD = [case for case in CASES if not case.name.startswith("train")]


@pytest.mark.parametrize("folder", FORWARD, ids=lambda folder: folder.name)
def test_a_published_checkpoint_gives_the_published_answers(folder: Path) -> None:
    outcome = parity.run(folder)
    assert outcome.passed, outcome.line()


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return Path(shutil.copytree(next(c for c in CASES if c.name == "cyclegan"), tmp_path / "case"))


def test_a_wrong_answer_fails(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = load_file(case / "io.safetensors")
    stored["image"] = stored["image"] + 3e-6
    save_file(stored, case / "io.safetensors")
    assert parity.main([str(case)]) == 1
    assert capsys.readouterr().out.startswith("FAIL")


def test_an_output_nobody_knows_fails(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = load_file(case / "io.safetensors")
    save_file({**stored, "colour": torch.zeros(1)}, case / "io.safetensors")
    assert parity.main([str(case)]) == 1
    assert "not understood: colour" in capsys.readouterr().out


def test_a_damaged_checkpoint_fails_with_its_reason(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (case / "latest_net_D_A.pth").write_bytes((case / "latest_net_D_A.pth").read_bytes()[:5000])
    assert parity.main([str(case)]) == 1
    assert "latest_net_D_A.pth" in capsys.readouterr().out


def test_a_folder_that_is_no_case_is_told_apart(tmp_path: Path, case: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert parity.main([str(tmp_path / "empty")]) == 2
    (case / "case.json").write_text(json.dumps([1]))
    assert parity.main([str(case)]) == 2
