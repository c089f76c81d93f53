"""Pictures of more than 8 bits are measured in one range, which is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attn_i2i.evaluate import evaluate
from attn_i2i.images.ranges import RangeLike
from attn_i2i.models.config import ModelConfig
from attn_i2i.translate.translator import Translator

from .helpers.translators import Brighten

SIDE = 16


class Cells(Brighten):
    """Brighten for one channel."""

    channels = 1


def cells(folder: Path) -> Path:
    """Inputs of 100 where the truth is 200; the model is trained on 0 to 400 and paints half of it at the left."""
    for side, level in (("testA", 100), ("testB", 200)):
        (folder / side).mkdir(parents=True)
        Image.fromarray(np.full((SIDE, SIDE), level, np.uint16)).save(folder / side / "a.png")
    (folder / "masks/testA").mkdir(parents=True)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, : SIDE // 2] = 255
    Image.fromarray(mask).save(folder / "masks/testA/a.png")
    return folder


def model(low: float = 0, high: float = 400) -> Translator:
    config = ModelConfig("toy", {}, ["A2B"], preprocessing={"range": [low, high]})
    return Translator({"A2B": Cells()}, config, device="cpu")


@pytest.mark.parametrize(
    ("wanted", "top", "note"),
    [
        (None, 400, "the stored numbers 0 to 400 as 0 to 1"),
        ("0,1000", 1000, "the stored numbers 0 to 1000 as 0 to 1"),
        ("dtype", 65535, "all that uint16 can hold as 0 to 1"),
        ("min,max", None, "the stored numbers 100 to 200 as 0 to 1"),
    ],
)
def test_one_range_holds_for_all_pictures_and_is_said(
    tmp_path: Path, wanted: RangeLike, top: float | None, note: str
) -> None:
    names = ["l1", "foreground_psnr", "background_psnr"]
    evaluation = evaluate([model()], cells(tmp_path), measures=names, range=wanted)
    assert any(note in line for line in evaluation.notes)
    if top is None:
        assert evaluation.value("input", "l1") == 1
        return
    assert evaluation.value("input", "l1") == pytest.approx(100 / top, rel=1e-5)
    error = -20 * np.log10(100 / top)
    assert evaluation.value("input", "foreground_psnr") == pytest.approx(error, abs=1e-3)
    assert evaluation.value("model 1", "background_psnr") == 100  # kept bit for bit


def test_models_of_several_ranges_are_measured_in_that_of_the_type(tmp_path: Path) -> None:
    evaluation = evaluate([model(), model(0, 500)], cells(tmp_path), measures=["l1"])
    assert any("all that uint16 can hold" in line for line in evaluation.notes)


def test_outputs_of_8_bits_made_elsewhere_are_that_range_reduced(tmp_path: Path) -> None:
    data = cells(tmp_path / "data")
    (tmp_path / "elsewhere").mkdir()
    Image.fromarray(np.full((SIDE, SIDE), 51, np.uint8)).save(tmp_path / "elsewhere/a.png")  # 200 of 1000
    evaluation = evaluate([tmp_path / "elsewhere"], data, measures=["l1"], range="0,1000")
    assert evaluation.value("elsewhere", "l1") == pytest.approx(0, abs=1e-6)
