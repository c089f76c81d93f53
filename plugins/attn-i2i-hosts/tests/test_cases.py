"""Small cases of the published implementations go through public conversion, and are met, answers and losses alike."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from attn_i2i import load
from attn_i2i.convert import convert
from attn_i2i.types import ConversionError
from safetensors.torch import load_file, save_file
from tests.parity import cases as parity

CASES = sorted(path.parent for path in Path(__file__).with_name("cases").glob("*/case.json"))


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_case_is_met(folder: Path) -> None:
    outcome = parity.run(folder)
    assert outcome.passed, outcome.line()


def copied(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(Path(__file__).with_name("cases") / name, tmp_path / name))


@pytest.mark.parametrize("name", ["image_ab", "image_ab_eval", "prob_fake_b"])
def test_a_wrong_answer_fails(name: str, tmp_path: Path) -> None:
    folder = copied("discogan", tmp_path)
    stored = load_file(folder / "io.safetensors")
    save_file({**stored, name: stored[name] + 3e-6}, folder / "io.safetensors")
    assert not parity.run(folder).passed


def test_an_output_nobody_knows_fails(tmp_path: Path) -> None:
    folder = copied("unit", tmp_path)
    save_file({**load_file(folder / "io.safetensors"), "colour": torch.zeros(1)}, folder / "io.safetensors")
    assert "not understood: colour" in parity.run(folder).compared


def test_a_wrong_loss_fails(tmp_path: Path) -> None:
    folder = copied("train_dualgan_wgan", tmp_path)
    case = json.loads((folder / "case.json").read_text())
    case["losses"][1]["A_loss"] += 1e-5
    (folder / "case.json").write_text(json.dumps(case))
    assert not parity.run(folder).passed


def test_verifying_reads_images_as_the_release_had_them(tmp_path: Path) -> None:
    """DiscoGAN's are BGR in [0, 1]; what is stored as this library has it is not what the release gave."""
    sources = sorted(copied("discogan", tmp_path).glob("model_*"))
    convert(sources, tmp_path / "model")
    network = load(tmp_path / "model", direction="A2B").generator.double()
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        answer = network(image.double().flip(1) * 2 - 1).image
    published = {"x_a": image, "fake_b": (answer.flip(1) + 1) / 2}
    for name, stored in (("published", published), ("ours", {"x_a": image.flip(1) * 2 - 1, "fake_b": answer})):
        save_file({key: t.contiguous() for key, t in stored.items()}, tmp_path / f"{name}.safetensors")
    assert convert(sources, tmp_path / "again", verify=tmp_path / "published.safetensors").checks[0].error < 1e-9
    with pytest.raises(ConversionError, match="differs by"):
        convert(sources, tmp_path / "wrong", verify=tmp_path / "ours.safetensors")


def test_half_a_pair_makes_no_model(tmp_path: Path) -> None:
    """A direction of UNIT's needs the encoder of one domain and the decoder of the other."""
    state = torch.load(Path(__file__).with_name("cases") / "unit/gen_00000010.pt")
    torch.save({"a": state["a"]}, tmp_path / "gen_00000010.pt")
    with pytest.raises(ConversionError):
        convert(tmp_path / "gen_00000010.pt", tmp_path / "model")
