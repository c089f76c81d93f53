"""bfloat16 is taken where it is quicker and near enough, and nowhere else; seconds are told, not measured."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attn_i2i.devices import PrecisionNotice
from attn_i2i.doctor import diagnose
from attn_i2i.models.build import create
from attn_i2i.plugins import zoo
from attn_i2i.train import TrainingWarning, TrainOptions
from attn_i2i.train.precision import settled
from attn_i2i.tuning import Tuner, store, this_tuner
from attn_i2i.tuning.precision import AutoPrecision, _weights, forget
from attn_i2i.types import ConfigError, Translation

from .helpers.commands import Run, picture
from .helpers.trainings import SMALL
from .helpers.trainings import run as trained
from .helpers.translators import Labelled, translator

Compete = Callable[..., Mapping[str, float]]


@pytest.fixture(autouse=True)
def bfloat16(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that has bfloat16, a model store of this test's own, and leave to measure."""
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ATTN_I2I_TUNE", "on")
    for module in ("translate.translator", "train.precision"):
        monkeypatch.setattr(f"attn_i2i.{module}.computes_bfloat16", lambda: True)


class Near(nn.Module):
    """Answers that bfloat16 rounds; ``wrong`` is what is added there."""

    domains = 2

    def __init__(self, wrong: float = 0.0) -> None:
        super().__init__()
        self.wrong, self.weight = wrong, nn.Parameter(torch.tensor(0.7))
        self.seen: list[torch.dtype] = []

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        self.seen.append(image.dtype)
        return Translation(image * self.weight + (self.wrong if image.dtype == torch.bfloat16 else 0))


def told(faster: float) -> Compete:
    """Runs both once, and says how they compare."""

    def compete(runs: Mapping[str, Callable[[], object]], **_: object) -> dict[str, float]:
        for go in runs.values():
            go()
        return dict(zip(runs, (faster, 1.0), strict=True))

    return compete


def decided(network: nn.Module, compete: Compete) -> tuple[Tensor, AutoPrecision]:
    auto = AutoPrecision(network, tuner=Tuner, compete=compete)
    with torch.no_grad():
        return auto(torch.rand(2, 3, 16, 16), torch.rand(2, 2)).image, auto


class WithoutBfloat16(Near):
    """A network with a step that PyTorch does not have in bfloat16."""

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(torch.linalg.inv(image + 20 * torch.eye(image.shape[-1], dtype=image.dtype)) * self.weight)


def test_a_network_that_fails_in_bfloat16_is_computed_in_float32_and_said_once() -> None:
    network = WithoutBfloat16()
    with pytest.warns(PrecisionNotice, match=r"bfloat16 fails in this network \(.*BFloat16.*\): float32 is taken"):
        _, auto = decided(network, told(3.0))
    assert auto.found is not None
    assert (auto.found.dtype, str(auto.found)) == ("float32", "bfloat16 fails in this network")
    assert decided(network, told(3.0))[1].found == auto.found  # as it is remembered, without a warning


@pytest.mark.filterwarnings("ignore::attn_i2i.devices.PrecisionNotice")
@pytest.mark.parametrize(
    ("faster", "wrong", "dtype"),
    [
        (2.6, 0.0, "bfloat16"),
        (2.6, 0.05, "float32"),  # 32 dB
        (2.6, float("nan"), "float32"),
        (1.04, 0.0, "float32"),
        (0.3, 0.0, "float32"),
    ],
)
def test_it_has_to_be_quicker_and_near(faster: float, wrong: float, dtype: str) -> None:
    image, auto = decided(Near(wrong), told(faster))
    assert auto.found is not None
    assert auto.found.dtype == dtype
    assert image.dtype == torch.float32
    assert torch.equal(image, image.bfloat16().float()) == (dtype == "bfloat16")


def test_it_is_said_in_one_line_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> dict[str, float]:
        raise AssertionError("measured again")

    with pytest.warns(
        PrecisionNotice, match=r"^bfloat16 is 2.60 times as fast as float32, [4-9]\d.\d dB from it: it is"
    ):
        decided(Near(), told(2.6))
    with pytest.warns(PrecisionNotice, match="2.60 times"):
        decided(Near(), never)
    other = Near()
    nn.init.constant_(other.weight, 0.6)
    assert decided(other, told(0.5))[1].found is not None  # other weights: another question
    (network,) = (text for name, text in diagnose()["tuning"].items() if "2.60" in text)
    assert network.endswith("dtype=auto takes bfloat16")
    monkeypatch.setenv("ATTN_I2I_TUNE", "off")
    assert decided(Near(), never)[1].found == ("float32", 1.0, 0.0)


@pytest.mark.filterwarnings("ignore::attn_i2i.devices.PrecisionNotice")
@pytest.mark.parametrize("faster", [2.6, 0.5])
def test_a_real_network_keeps_its_weights(faster: float) -> None:
    network = create("attentiongan2", width=4, blocks=1).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    auto = AutoPrecision(network, tuner=Tuner, compete=told(faster))
    with torch.no_grad():
        image = torch.rand(1, 3, 16, 16)
        assert auto(image).image.isfinite().all()
        torch.testing.assert_close(auto(image).image, network(image).image, rtol=0, atol=0.05 if faster > 1 else 0)
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == before[name].dtype
        assert torch.equal(tensor, before[name])


@pytest.mark.filterwarnings("ignore::attn_i2i.devices.PrecisionNotice")
def test_gradients_shapes_and_other_types_take_the_network_itself() -> None:
    network = Near()
    auto = decided(network, told(2.6))[1]
    network.seen.clear()
    auto(torch.rand(1, 3, 8, 8)).image.sum().backward()
    with torch.no_grad():
        assert auto(torch.empty(1, 3, 8, 8, device="meta")).image.is_meta
        auto(torch.rand(1, 3, 8, 8, dtype=torch.float64))
    assert network.seen == [torch.float32, torch.float32, torch.float64]
    assert network.weight.grad is not None
    assert auto.domains == 2
    with pytest.raises(AttributeError, match="nowhere"):
        _ = auto.nowhere


@pytest.mark.filterwarnings("ignore::attn_i2i.devices.PrecisionNotice")
def test_a_translator_decides_by_its_first_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.tuning.timing.shortest", told(2.6))
    translate = translator(Near(), dtype="auto")
    exact = translator(Near())
    picture = torch.rand(3, 16, 16)
    for some in (translate, pickle.loads(pickle.dumps(translate))):
        result = some(picture, domain=[1, 0])
        network: Any = some.generator
        assert network.found.dtype == "bfloat16"
        assert 0 < (result.image - exact(picture, domain=[1, 0]).image).abs().max() < 0.01


@pytest.mark.filterwarnings("ignore::attn_i2i.devices.PrecisionNotice")
def test_tune_again_decides_anew(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.devices.computes_bfloat16", lambda: True)
    picture("photo.png")

    def said(faster: float, *options: str) -> str:
        monkeypatch.setattr("attn_i2i.tuning.timing.shortest", told(faster))
        code, out, err = run("tune", model, "--direction", "A2B", *options)
        assert (code, err) == (0, "")
        return out.splitlines()[-2].strip()

    try:
        assert said(2.6, "--picture", "photo.png").startswith("bfloat16 is 2.60 times")
        assert said(0.5, "--picture", "photo.png").startswith("bfloat16 is 2.60 times")
        again = said(0.5, "--picture", "photo.png", "--again")
        assert again.startswith("bfloat16 is 0.50 times")
        assert again.endswith("--dtype auto takes float32")
        assert said(0.5, "--again") == "the next picture decides anew whether --dtype auto takes bfloat16"
        assert not store.read().precisions
        assert said(3.0, "--picture", "photo.png").startswith("bfloat16 is 3.00 times")
    finally:
        this_tuner.cache_clear()  # it has read this test's store


def test_what_is_forgotten_of_a_network_stays_of_others() -> None:
    other = Near()
    nn.init.constant_(other.weight, 0.6)
    for network in (Near(), other):
        decided(network, told(0.5))
    forget(Near(), Tuner)
    (left,) = store.read().precisions
    assert left.startswith(_weights(other))


def test_without_instructions_auto_is_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.translate.translator.computes_bfloat16", lambda: False)
    assert not isinstance(translator(Labelled(), dtype="auto").generator, AutoPrecision)
    with pytest.raises(ConfigError, match="expected one of auto, float32"):
        translator(Labelled(), dtype="automatic")


def options_of(precision: Any, faster: float, **more: Any) -> TrainOptions:
    recipe = zoo().recipes.load("cyclegan")(**SMALL)
    return settled(TrainOptions(precision=precision, crop_size=16, device="cpu", **more), recipe, 0, told(faster))


def test_a_training_takes_what_is_quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    for faster, precision in ((2.0, "bf16"), (1.0, "fp32")):
        with pytest.warns(TrainingWarning, match=f"precision={precision} is taken: a pass in bf16 is {faster}0 times"):
            assert options_of("auto", faster).precision == precision
    assert options_of(None, 2.0).precision is None
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="give fp32 or bf16 to several"):
        options_of("auto", 2.0)
    monkeypatch.setattr("attn_i2i.train.precision.computes_bfloat16", lambda: False)
    assert options_of("auto", 2.0).precision == "fp32"


def test_a_resumed_training_keeps_what_was_measured(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attn_i2i.train.build.settled", lambda options, *_: replace(options, precision="bf16"))
    trained(data, tmp_path / "run", steps=1, precision="auto")
    monkeypatch.setattr("attn_i2i.train.build.settled", lambda options, *_: options)
    trained(data, tmp_path / "run", steps=2, precision="auto", resume=True)
    assert json.loads((tmp_path / "run/run.json").read_text())["options"]["precision"] == "bf16"
