"""What measured times decide: translators, trainings, the doctor and the command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attn_i2i.blocks.convolution import Conv2d
from attn_i2i.blocks.winograd import winograd_conv2d
from attn_i2i.doctor import diagnose
from attn_i2i.train import TrainingWarning, checkpoint
from attn_i2i.train.ways import restore_ways
from attn_i2i.tuning import Tuner, Work, this_tuner
from attn_i2i.tuning.machine import this_machine
from attn_i2i.tuning.store import file_of
from attn_i2i.tuning.tuner import PLAIN
from attn_i2i.types import Translation

from .helpers.commands import Run, write_model
from .helpers.commands import picture as painted
from .helpers.trainings import run as trained
from .helpers.trainings import weights
from .helpers.translators import translator
from .helpers.tuning import FAST, SIDE, Told, fitted, never, own_home, picture, without_home


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model store of this test's own, and leave to measure."""
    return own_home(tmp_path, monkeypatch)


class OneConv(nn.Module):
    channels = (128, 128)

    def __init__(self) -> None:
        super().__init__()
        self.conv = Conv2d(128, 128, 3)

    def forward(self, image: Tensor) -> Translation:
        return Translation(self.conv(image).tanh())


@pytest.mark.parametrize(("compiled", "winograd"), [(False, False), (True, True)])
def test_a_translator_asks_and_default_answers_keep_torchs_rounding(
    compiled: bool, winograd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attn_i2i.translate.running.this_tuner", lambda: Tuner(Told(FAST)))
    monkeypatch.setattr(nn.Module, "compile", lambda self: None)
    network = OneConv()
    translator(network, compile=compiled)(torch.rand(128, SIDE, SIDE))
    assert network.conv.ways is not None
    assert (network.conv._method(picture()) is winograd_conv2d) == winograd


def on_processor(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks are measured too, by what is told."""
    monkeypatch.setattr("attn_i2i.tuning.tuner.WORTH", 0)
    monkeypatch.setattr("attn_i2i.train.ways.this_tuner", lambda: Tuner(told))


def test_a_training_goes_on_as_it_was_tuned_on_another_processor_too(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_channels(conv: Conv2d, work: Work) -> Mapping[str, float]:
        assert work.trained
        return {way: {"columns": 0.5, "channels-last": 0.7}.get(way, 1.0) for way in conv.candidates}

    on_processor(by_channels, monkeypatch)
    whole = trained(data, tmp_path / "whole", steps=3, save_every=2)
    trained(data, tmp_path / "cut", steps=2)
    on_processor(never, monkeypatch)
    assert weights(trained(data, tmp_path / "cut", resume=True, steps=3)) == weights(whole)
    ways = [checkpoint.load(one, 0)[0]["ways"] for one in checkpoint.all_of(tmp_path / "cut")]
    assert len(ways) == 2
    assert ways[0] == ways[1]
    assert {way for steps in ways[0].values() for one in steps for _, way in one} == {"columns", "channels-last"}


def test_ways_that_this_version_does_not_have_are_told() -> None:
    conv = Conv2d(4, 4, 3)
    with pytest.warns(TrainingWarning, match="go by warp, which this version does not have"):
        restore_ways(nn.Sequential(conv), {"0": [[[0, "warp"]], [[0, "direct"]]]})
    assert conv.ways == PLAIN


def test_the_doctor_shows_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted(Told(FAST))
    facts = diagnose()["tuning"]
    assert facts["3x3 128>128 32x32 float32 forward threads=1"] == (
        "channels-last 0.50x, winograd 2.00x as fast as direct: takes direct; winograd where its rounding is allowed"
    )
    monkeypatch.setenv("ATTN_I2I_TUNE", "off")
    file_of(this_machine()).write_text("damaged")  # would be warned of if it were read
    assert diagnose()["tuning"]["measured"] == "no: ATTN_I2I_TUNE=off"


def test_the_doctor_tells_of_what_makes_others_fail(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_I2I_TUNE", "maybe")
    assert diagnose()["tuning"] == {"problem": "ATTN_I2I_TUNE is 'maybe', expected on, off, or nothing."}
    monkeypatch.setenv("ATTN_I2I_TUNE", "on")
    without_home(monkeypatch)
    for topic in ("tuning", "models"):
        assert diagnose()[topic]["problem"].startswith("This user has no home folder")
    code, out, _ = run("doctor")
    assert code == 0
    assert "problem              This user has no home" in out


def test_the_command_measures_without_a_home(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_home(monkeypatch)
    code, out, _ = run("tune", model, "--size", "16")
    assert (code, out.splitlines()[-1]) == (0, "nothing is remembered")


def test_the_command_measures_ahead(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.tuning.tuner.WORTH", 0)
    told = Told({"direct": 0.01, "channels-last": 0.02})
    monkeypatch.setattr("attn_i2i.translate.ahead.this_tuner", lambda: Tuner(told))
    code, out, err = run("tune", model, "--size", "32x64", "--direction", "A2B")
    assert (code, err) == (0, "")
    assert "A2B:\n" in out
    assert "direct 10.0 ms, channels-last 20.0 ms: takes direct" in out
    assert out.splitlines()[-1] == f"remembered in {file_of(this_machine())}"
    assert run("tune", model, "--size", "x")[0] == 2
    monkeypatch.setenv("ATTN_I2I_TUNE", "off")
    code, _, err = run("tune", model)
    assert (code, err) == (2, "error: ATTN_I2I_TUNE=off is set, so nothing is measured: unset it.\n")


def test_what_was_not_measured_is_not_said_to_be_remembered(run: Run, model: Path, home: Path) -> None:
    for command in ("tune", model, "--size", "16"), ("tune", model, "--size", "16", "--again"):
        code, out, err = run(*command)
        assert (code, err) == (0, "")
        assert "nothing large enough to choose for" in out
        assert out.splitlines()[-1] == "nothing is remembered"
    assert not home.exists()


def test_pictures_of_the_command_are_read_before_the_work(run: Run, model: Path) -> None:
    assert run("tune", model, "--picture", "nowhere.png") == (1, "", "error: nowhere.png: no such file.\n")


@pytest.mark.filterwarnings("ignore::attn_i2i.devices.PrecisionNotice")
@pytest.mark.parametrize(
    ("architecture", "domains", "options"),
    [("stargan", ["old", "blond"], {"domains": 2}), ("ugatit", None, {"light": False, "image_size": 16})],
)
def test_models_of_labels_or_one_size_decide_their_precision_too(
    architecture: str, domains: list[str] | None, options: dict[str, Any], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("devices", "translate.translator"):
        monkeypatch.setattr(f"attn_i2i.{module}.computes_bfloat16", lambda: True)
    Path("other").mkdir()
    write_model(Path("other"), architecture, domains, width=4, blocks=1, **options)
    painted("photo.png")
    try:
        code, out, err = run("tune", "other", "--picture", "photo.png")
    finally:
        this_tuner.cache_clear()  # it has read this test's store
    assert (code, err) == (0, "")
    assert "times as fast as float32" in out
