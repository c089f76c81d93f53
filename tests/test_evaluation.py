"""Several models on a folder: what is measured, what is said, and what survives a stop."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from attn_i2i.evaluate import (
    EQUAL_DB,
    Measure,
    evaluate,
    translating,
)
from attn_i2i.models.config import ModelConfig
from attn_i2i.plugins import manager
from attn_i2i.translate.translator import Translator
from attn_i2i.types import ConfigError, UnreadableFileError

from .helpers.squares import COUNT, FAST, MODEL, PLAIN, SIZE, SOURCE, TRUTH, copied, write_squares
from .helpers.translators import Negative


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    return write_squares(tmp_path / "squares", "A", "B")


@pytest.fixture
def eyes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A feature network of twelve brightnesses."""
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path / "home"))
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2))
    path = tmp_path / "eyes.pt"
    torch.jit.trace(network, torch.rand(1, 3, SIZE, SIZE)).save(str(path))
    return str(path)


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")
def test_all_that_can_be_measured_is_and_the_rest_is_said_once(squares: Path, eyes: str) -> None:
    evaluation = evaluate([MODEL, PLAIN], squares, features=eyes)
    values = evaluation.rows[0].measured.values
    wanted = {"fid", "kid", "ugatit_mean", "mmd", "precision", "l1", "psnr", "ssim", "foreground_l1", "background_psnr"}
    wanted |= {"background_changed", "mask_iou", "mask_f1", "mask_ap", "mask_mae", "cycle_l1", "structure"}
    wanted |= {"parameters", "multiply_adds", "seconds", "peak_memory"}
    assert wanted <= values.keys()
    assert (values["fid"].n, values["fid"].reals) == (COUNT, COUNT)
    assert evaluation.features is not None
    notes = "\n".join(evaluation.notes)
    for words in (
        "taken for its truth",
        "Few pictures (5;",
        f"{evaluation.features} (SHA-256) at 5 outputs and 5 real",
    ):
        assert notes.count(words) == 1
    assert f"Not measured of {PLAIN}: mask_iou" in notes
    assert "ms_ssim (Pictures of 24x24: MS-SSIM needs 176 pixels a side)" in notes
    assert evaluation.value("input", "foreground_l1") == pytest.approx((TRUTH - SOURCE) / 255, rel=1e-6)
    assert {"l1", "background_psnr"} <= {test.measure for test in evaluation.tests}


def test_a_folder_of_pictures_counts_as_a_model(squares: Path, tmp_path: Path) -> None:
    perfect, changed = (
        copied(squares / "testB", tmp_path / "perfect", "_fake_B"),
        copied(squares / "testA", tmp_path / "bright", value=20),
    )
    evaluation = evaluate([perfect, changed], squares)
    assert evaluation.value("perfect", "l1") == 0
    assert evaluation.value("perfect", "background_psnr") == EQUAL_DB
    assert evaluation.value("bright", "background_psnr") == pytest.approx(-20 * math.log10(20 / 255), rel=1e-5)
    assert evaluation.value("bright", "parameters") is None
    (perfect / "3_fake_B.png").unlink()
    with pytest.raises(UnreadableFileError, match=r"perfect lacks outputs for 1 of 5 inputs, such as 3\.png"):
        evaluate([perfect], squares)


def test_a_model_and_its_written_pictures_get_the_same_numbers(squares: Path, tmp_path: Path) -> None:
    first = evaluate([MODEL], squares, report=tmp_path / "report", measures=FAST)
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    for stem, path in first.rows[0].outputs.pictures.items():
        shutil.copy(path, outputs / f"{stem}.png")
    second = evaluate([outputs], squares, measures=FAST)
    assert second.value("outputs", "l1") == first.value(MODEL, "l1")
    assert second.value("outputs", "background_psnr") == first.value(MODEL, "background_psnr")


def test_without_masks_the_models_own_tell_the_background_and_that_is_said(squares: Path, tmp_path: Path) -> None:
    shutil.rmtree(squares / "masks")
    evaluation = evaluate([MODEL], squares, measures=["background_psnr", "mask_iou"], threshold=0.05)
    assert evaluation.value(MODEL, "background_psnr") is not None
    assert any("No masks are given" in note and "below 0.05" in note for note in evaluation.notes)
    assert any("mask_iou (needs given masks)" in note for note in evaluation.notes)


def test_the_threshold_reaches_the_masks(squares: Path) -> None:
    low, high = (
        evaluate([MODEL], squares, measures=["mask_iou"], threshold=t).value(MODEL, "mask_iou") for t in (0.1, 1.0)
    )
    assert low is not None
    assert low > 0
    assert high == 0


@pytest.mark.parametrize(("threshold", "faint"), [(1.0, True), (0.0, False)])
def test_a_mask_that_never_reaches_the_threshold_is_warned_of(squares: Path, threshold: float, faint: bool) -> None:
    evaluation = evaluate([MODEL], squares, measures=["mask_iou"], threshold=threshold)
    assert any("its mask stays below" in warning for warning in evaluation.rows[0].warnings) == faint


def test_an_output_like_its_input_is_warned_of(squares: Path, tmp_path: Path) -> None:
    evaluation = evaluate([copied(squares / "testA", tmp_path / "same")], squares)
    assert any("the output is nearly the input" in warning for warning in evaluation.rows[0].warnings)


def test_outputs_of_another_size_are_brought_to_the_inputs(squares: Path, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    for path in (squares / "testB").glob("*.png"):
        Image.open(path).resize((2 * SIZE, 3 * SIZE), Image.Resampling.NEAREST).save(folder / path.name)
    evaluation = evaluate([folder], squares, measures=["l1"])
    assert evaluation.value("large", "l1") == pytest.approx(0, abs=0.02)
    assert any("resized" in warning and "of 48x72, were" in warning for warning in evaluation.rows[0].warnings)


def test_a_model_is_measured_in_the_range_that_it_was_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Negative, "channels", 1, raising=False)
    numbers = np.linspace(100, 300, SIZE * SIZE).astype(np.uint16).reshape(SIZE, SIZE)
    for side in ("testA", "testB"):
        (tmp_path / "data" / side).mkdir(parents=True)
        Image.fromarray(numbers if side == "testA" else 400 - numbers).save(tmp_path / "data" / side / "a.png")
    config = ModelConfig("toy", {}, ["A2B", "B2A"], preprocessing={"range": [100, 300]})
    model = Translator({"A2B": Negative(), "B2A": Negative()}, config, device="cpu")
    evaluation = evaluate([model], tmp_path / "data", measures=["l1", "cycle_l1"], report=tmp_path / "report")
    assert (evaluation.value("model 1", "l1"), evaluation.value("model 1", "cycle_l1")) == (0, 0)
    with pytest.raises(ConfigError, match=r"sees stored numbers from 100 to 300"):
        translating(model)


@pytest.mark.parametrize(("size", "shown"), [((16, 24), "24x16"), (16, "16x16")])
def test_inputs_of_a_network_of_one_size_are_brought_to_it(
    squares: Path, size: object, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Negative, "image_size", size, raising=False)
    model = Translator({"A2B": Negative()}, ModelConfig("toy", {}, ["A2B"]), device="cpu")
    evaluation = evaluate([model], squares, measures=["change"])
    warnings = "\n".join(evaluation.rows[0].warnings)
    assert f"inputs were resized to {shown}, the one size it takes" in warnings


def test_a_strangers_measure_is_run_and_costs_only_itself_when_it_breaks(squares: Path, tmp_path: Path) -> None:
    def broken(output: Any) -> Any:
        """Breaks."""
        raise ZeroDivisionError("oh")

    zoo = manager().zoo
    with zoo.supplied_by("mine"):
        zoo.measures.add("mine", Measure(lambda output: output.mean((1, 2, 3)), ("output",), summary="Brightness"))
        zoo.measures.add("broken", Measure(broken, ("output",)))
    try:
        evaluation = evaluate([copied(squares / "testB", tmp_path / "out")], squares, measures=["mine", "broken", "l1"])
    finally:
        zoo.forget("mine")
    assert evaluation.value("out", "mine") is not None
    assert evaluation.value("out", "l1") == 0
    assert "Not measured: broken (ZeroDivisionError: oh)." in evaluation.notes


def test_a_measure_that_changes_its_input_spoils_no_other(squares: Path, tmp_path: Path) -> None:
    zoo = manager().zoo
    with zoo.supplied_by("mine"):
        zoo.measures.add("zeroes", Measure(lambda output: output.zero_().mean((1, 2, 3)), ("output",), summary="0"))
    try:
        evaluation = evaluate([copied(squares / "testB", tmp_path / "out")], squares, measures=["zeroes", "l1"])
    finally:
        zoo.forget("mine")
    assert (evaluation.value("out", "zeroes"), evaluation.value("out", "l1")) == (0, 0)
