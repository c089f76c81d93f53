"""What is said of numbers without a usual range leads, followed word for word, to a result with contrast."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from attn_i2i.evaluate import evaluate
from attn_i2i.images import read_image
from attn_i2i.models.config import ModelConfig
from attn_i2i.translate.translator import Translator
from attn_i2i.types import ConfigError

from .helpers.commands import Run
from .helpers.translators import Brighten

NUMBERS = np.linspace(-1000, 3000, 24 * 24).reshape(24, 24)


class Grey(Brighten):
    """Brighten for one channel."""

    channels = 1


def written(path: Path, dtype: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = NUMBERS.astype(dtype)
    np.save(path, numbers) if path.suffix == ".npy" else tifffile.imwrite(path, numbers, photometric="minisblack")
    return path


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.filterwarnings("ignore:A grey picture goes through")
def test_each_range_that_is_named_works(run: Run, model: Path, suffix: str, dtype: str) -> None:
    written(Path(f"a{suffix}"), dtype)
    code, _, err = run("translate", f"a{suffix}", "-o", "out", "-m", model)
    ranges = re.findall(r"--range (\S+[^\s.,])", err)
    assert (code, ranges) == (1, ["-1000,3000", "percentile:0.1,99.9"])
    for number, wanted in enumerate(ranges):
        code, _, err = run("translate", f"a{suffix}", "-o", f"out{number}", "-m", model, "--range", wanted)
        assert (code, "warning" in err and "contrast" in err) == (0, False)
        assert np.ptp(read_image(f"out{number}/a{suffix}", range="-1000,3000").numbers().astype(float)) > 100
    with pytest.raises(ConfigError, match=r"such as range='-1000,3000' or") as caught:
        read_image(f"a{suffix}")
    named = re.search(r"range='([^']*)'", str(caught.value))
    assert named is not None
    assert float(read_image(f"a{suffix}", range=named[1]).values.max()) == pytest.approx(1)


def test_one_number_everywhere_gives_no_range_but_an_example() -> None:
    with pytest.raises(ConfigError, match=r"from 7 to 7.*such as range='0,4095'\."):
        read_image(np.full((4, 4), 7, np.int32))
    assert read_image(np.full((4, 4), 7, np.int32), range="0,4095").numbers().max() == 7


@pytest.mark.filterwarnings("always::attn_i2i.images.picture.PictureWarning")
def test_floats_that_a_range_of_their_type_cuts_off_are_said(run: Run, model: Path) -> None:
    written(Path("a.tif"), "float32")
    code, _, err = run("translate", "a.tif", "-o", "out", "-m", model, "--range", "dtype")
    assert code == 0
    assert "lie outside the range 0 to 1: a network sees those as its ends. Give the range of the whole series" in err


@pytest.mark.parametrize("wanted", ["-1000,3000", "min,max"])
@pytest.mark.parametrize("dtype", ["float32", "int32", "int16"])
def test_a_model_without_a_range_is_measured_in_the_one_that_was_given(tmp_path: Path, dtype: str, wanted: str) -> None:
    for side in "AB":
        written(tmp_path / f"test{side}" / "a.tif", dtype)
    model = Translator({"A2B": Grey()}, ModelConfig("toy", {}, ["A2B"]), device="cpu")
    if dtype != "int16":
        with pytest.raises(ConfigError, match="range='-1000,3000'"):
            evaluate([model], tmp_path, measures=["l1"])
    evaluation = evaluate([model], tmp_path, measures=["l1"], range=wanted)
    assert evaluation.value("input", "l1") == 0
    assert 0.05 < float(evaluation.value("model 1", "l1") or 0) < 0.5
