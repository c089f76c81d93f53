"""Small reference cases go through public conversion and meet the published answers in both precisions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from attn_i2i.convert import read_checkpoint
from tests.helpers.checkpoints import save_legacy
from tests.helpers.tf_bundle import write_bundle
from tests.parity import cases as parity

CASES = sorted(path.parent for path in Path(__file__, "..", "cases").resolve().glob("*/case.json"))
FORWARD = [case for case in CASES if not case.name.startswith("train")]


@pytest.mark.parametrize("folder", FORWARD, ids=lambda folder: folder.name)
def test_a_published_checkpoint_gives_the_published_answers(folder: Path) -> None:
    outcome = parity.run(folder)
    assert outcome.passed, outcome.line()


def copied(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(next(c for c in CASES if c.name == name), tmp_path / "case"))


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return copied("cyclegan", tmp_path)


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


def test_a_generator_of_the_way_back_alone_is_the_one_that_is_meant(case: Path) -> None:
    (case / "latest_net_G_A.pth").rename(case / "latest_net_G_B.pth")
    outcome = parity.run(case)
    assert outcome.passed, outcome.line()


def test_batch_norms_saved_before_they_counted_batches_answer_alike(tmp_path: Path) -> None:
    folder = copied("attentiongan_scheme1", tmp_path)
    for path in folder.glob("*.pth"):
        state = torch.load(path)
        save_legacy(path, {key: tensor for key, tensor in state.items() if not key.endswith("num_batches_tracked")})
    outcome = parity.run(folder)
    assert outcome.passed, outcome.line()


def test_of_several_bundles_the_checkpoint_file_names_the_case(tmp_path: Path) -> None:
    folder = copied("ugatit_tf_light", tmp_path)
    older = {name: tensor.numpy() + 1 for name, tensor in read_checkpoint(folder / "UGATIT.model-1000.index").items()}
    write_bundle(folder / "UGATIT.model-500", older)
    (folder / "checkpoint").write_text('model_checkpoint_path: "/home/me/UGATIT.model-1000"\n')
    outcome = parity.run(folder)
    assert outcome.passed, outcome.line()


def test_a_damaged_checkpoint_fails_with_its_reason(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (case / "latest_net_D_A.pth").write_bytes((case / "latest_net_D_A.pth").read_bytes()[:5000])
    assert parity.main([str(case)]) == 1
    assert "latest_net_D_A.pth" in capsys.readouterr().out


def test_a_folder_that_is_no_case_is_told_apart(tmp_path: Path, case: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert parity.main([str(tmp_path / "empty")]) == 2
    (case / "case.json").write_text(json.dumps([1]))
    assert parity.main([str(case)]) == 2
