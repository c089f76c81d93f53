"""Training on pictures as they are: any channels, more than 8 bits."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

import attn_i2i
from attn_i2i.images import read_image
from attn_i2i.images.draw import displayed, parse_display
from attn_i2i.images.header import read_header
from attn_i2i.train import plan, resume
from attn_i2i.train.data.check import check
from attn_i2i.train.data.folders import two_domains
from attn_i2i.train.data.reading import Encoded, Reading, read_resized
from attn_i2i.train.data.shards import find_shards
from attn_i2i.train.data.survey import survey
from attn_i2i.train.notices import TrainingWarning
from attn_i2i.train.options import TrainOptions
from attn_i2i.types import AttnI2IError, ConfigError, ShapeError, UnreadableFileError
from tests.helpers.deep_pictures import folders, stored
from tests.helpers.depths import numbers, write_tiff
from tests.helpers.trainings import run

# What is worth saying of the pictures is a warning each; the tests ask for the one that they are about.
pytestmark = pytest.mark.filterwarnings("ignore::attn_i2i.train.notices.TrainingWarning")


@pytest.mark.parametrize(
    ("channels", "dtype", "suffix"),
    [(1, "uint16", ".tif"), (2, "uint8", ".npy"), (5, "float32", ".npy"), (13, "uint16", ".tif"), (1, "uint8", ".png")],
)
def test_a_training_takes_channels_and_range_from_its_pictures(
    channels: int, dtype: str, suffix: str, tmp_path: Path
) -> None:
    data = folders(tmp_path / "data", channels, dtype=dtype, suffix=suffix)
    with pytest.warns(TrainingWarning, match=f"channels={channels}: so have the networks"):
        model = run(data, tmp_path / "run", steps=1, sample_every=1)
    config = json.loads((model / "config.json").read_text())
    assert config["config"]["in_channels"] == config["discriminators"]["config"]["in_channels"] == channels
    assert ("range" in config["preprocessing"]) == (dtype != "uint8")
    picture = data / "trainA" / f"0{suffix}"
    translator = attn_i2i.load(model)
    result = translator(str(picture))
    saved = result.save(tmp_path / f"out{suffix}")
    before, after = read_image(picture, range="dtype"), read_image(saved, range="dtype")
    assert (after.channels, after.dtype, after.size) == (channels, before.dtype, before.size)
    assert read_image(tmp_path / "run" / "samples" / "step-00000001.png").channels == 3


def test_the_range_is_measured_once_and_kept(tmp_path: Path) -> None:
    data = folders(tmp_path / "data")
    values = np.concatenate([tifffile.imread(path).ravel() for path in sorted(data.rglob("*.tif"))])
    with pytest.warns(TrainingWarning, match=r"uint16 pictures in the range .* measured over all of them \(percentile"):
        model = run(data, tmp_path / "run", steps=1)
    low, high = json.loads((model / "config.json").read_text())["preprocessing"]["range"]
    assert values.min() <= low <= np.percentile(values, 1) < np.percentile(values, 99) <= high <= values.max()
    tifffile.imwrite(data / "trainA" / "0.tif", np.full((20, 24), 60000, np.uint16))  # one picture is replaced later
    resume(tmp_path / "run", steps=2)
    assert json.loads((model / "config.json").read_text())["preprocessing"]["range"] == [low, high]
    with pytest.raises(ConfigError, match="range="):
        resume(tmp_path / "run", steps=3, range="0,4095")


@pytest.mark.parametrize(
    ("types", "wanted", "told"),
    [
        (("uint8", "uint16"), "0,255", ["Pictures of several types", "uint16, uint8 pictures in the range 0 to 255."]),
        (("uint8", "uint16"), "dtype", ["uint16, uint8 pictures in the range all that their type can hold."]),
        (("uint16", "uint16"), "0,255", ["The networks see uint16 pictures in the range 0 to 255."]),
        (("uint8", "uint8"), "0,255", ["The networks see uint8 pictures in the range 0 to 255."]),
        (("uint8", "uint8"), "dtype", []),
        (("uint8", "uint8"), None, []),
    ],
)
def test_the_range_that_networks_see_is_told(
    types: tuple[str, str], wanted: str | None, told: list[str], tmp_path: Path
) -> None:
    for name, dtype in zip(("trainA", "trainB"), types, strict=True):
        (tmp_path / name).mkdir()
        tifffile.imwrite(tmp_path / name / "0.tif", np.full((20, 24, 3), 9, dtype))
    notes = survey(two_domains(tmp_path), 3, wanted).notes
    assert len(notes) == len(told)
    assert all(text in note for text, note in zip(told, notes, strict=True))


def test_a_training_from_a_model_keeps_its_range_and_channels(tmp_path: Path) -> None:
    data = folders(tmp_path / "data")
    model = run(data, tmp_path / "run", steps=1, range="0,4095")
    with pytest.warns(TrainingWarning, match="0 to 4095 of the model it begins from"):
        again = run(folders(tmp_path / "more"), tmp_path / "again", steps=1, start=model)
    assert json.loads((again / "config.json").read_text())["preprocessing"]["range"] == [0, 4095]
    colours = folders(tmp_path / "colours", 3, dtype="uint8", suffix=".png")
    with pytest.raises(ConfigError, match=r"pictures have channels=3 .* and the networks channels=1"):
        run(colours, tmp_path / "other", steps=1, start=model)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("dtype", "dtype"), ("0,4095", "0,4095"), ("min,max", None), ((1, 2.5), "1,2.5"), (None, None)],
)
def test_ranges_of_a_training(wanted: Any, expected: str | None, tmp_path: Path) -> None:
    data = folders(tmp_path)
    values = [tifffile.imread(path) for path in data.rglob("*.tif")]
    seen = survey(two_domains(data), None, TrainOptions(range=wanted).range)
    assert expected in (None, seen.range)
    if wanted == "min,max":
        assert seen.reading.range == (min(map(np.min, values)), max(map(np.max, values)))
    with pytest.raises(ConfigError, match="range="):
        TrainOptions(range="percentile:9")


def test_numbers_come_to_the_networks_in_the_range(tmp_path: Path) -> None:
    array = np.array([[0, 1000], [2000, 4000]], np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", array)
    from attn_i2i.images.ranges import Range

    values = read_resized(str(tmp_path / "x.tif"), 2, Reading(1, Range(1000, 3000)))
    assert values.dtype == torch.float32
    assert values.tolist() == [[[-1, -1], [0, 1]]]  # beyond the range are its ends
    as_bytes = read_resized(Encoded("x", (tmp_path / "x.tif").read_bytes()), 2, Reading(1, "dtype"))
    assert torch.allclose(as_bytes, torch.from_numpy(array.astype(np.float32))[None] / 65535 * 2 - 1)
    with pytest.raises(UnreadableFileError, match=r"x\.tif holds uint16 numbers among pictures of 8 bits.*range="):
        read_resized(str(tmp_path / "x.tif"), 2, Reading(1))


@pytest.mark.parametrize(
    ("channels", "other", "options", "message"),
    [
        (3, 3, {"channels": 1}, r"pictures have channels=3 .*png\), and the networks channels=1.*channels.: 3"),
        (1, 1, {"channels": 3}, r"pictures have channels=1 .*and the networks channels=3.*or convert them"),
        (1, 1, {"in_channels": 3, "out_channels": 3}, "channels=1 .*and the networks channels=3"),
        (1, 3, {}, r"different numbers of channels \(1 in A, 3 in B\)"),
    ],
)
def test_pictures_of_other_channels_are_never_converted_silently(
    channels: int, other: int, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    data = folders(tmp_path / "data", channels, other, "uint8", ".png")
    with pytest.raises(ConfigError, match=message):
        plan("cyclegan", data, recipe_options={"width": 2, **options}, crop_size=16)


def test_a_grey_picture_among_colours_is_told_and_seen_in_three_channels(tmp_path: Path) -> None:
    data = folders(tmp_path / "data", 3, dtype="uint8", suffix=".png")
    Image.fromarray(stored(1, "uint8", 250)).save(data / "trainA" / "grey.png")
    with pytest.warns(TrainingWarning, match="A: 1 of 3 pictures looked at are grey among colours"):
        plan("cyclegan", data, recipe_options={"width": 2}, crop_size=64)
    assert read_resized(str(data / "trainA" / "grey.png"), 16).shape == (3, 16, 16)
    with pytest.raises(ShapeError, match=r"0\.png has channels=3, and this training is of channels=1"):
        read_resized(str(data / "trainA" / "0.png"), 16, Reading(1))


def test_a_range_that_cannot_be_measured_names_the_sample_of_a_shard(tmp_path: Path) -> None:
    np.save(tmp_path / "fine.npy", stored(1))
    np.save(tmp_path / "wrong.npy", np.full((8, 8), np.nan, np.float32))
    for side, name in (("A", "fine"), ("B", "wrong")):
        with tarfile.open(tmp_path / f"train{side}-0.tar", "w") as tar:
            tar.add(tmp_path / f"{name}.npy", f"{name}.npy")
    shards = find_shards(tmp_path)
    assert shards is not None
    with pytest.raises(UnreadableFileError, match=r"trainB-0\.tar: the sample wrong: it holds pixels that are not"):
        survey(shards, None, None)


def test_one_range_for_pictures_of_several_types_is_told(tmp_path: Path) -> None:
    data = folders(tmp_path)
    np.save(data / "trainB" / "bytes.npy", stored(1, "uint8", 250))
    assert any("range='dtype' takes each type in its own" in note for note in survey(two_domains(data), 1, None).notes)
    assert not any("several types" in note for note in survey(two_domains(data), 1, "dtype").notes)


def test_what_is_checked_before_a_training(tmp_path: Path) -> None:
    data = folders(tmp_path)
    tifffile.imwrite(data / "trainB" / "flat.tif", np.full((20, 24), 7, np.uint16))
    np.save(data / "trainB" / "five.npy", stored(5))
    pictures = two_domains(data)
    object.__setattr__(pictures, "reading", Reading(1, "dtype"))
    findings = check(pictures)
    assert [Path(file).name for file in findings.constant] == ["flat.tif"]
    assert len(findings.corrupt) == 1
    assert "five.npy has channels=5" in findings.corrupt[0]
    assert any("5 of uint16, channels=1: numbers from 7 to 3" in line for line in findings.lines())


def test_previews_show_the_channels_that_are_chosen() -> None:
    values = torch.linspace(0, 1, 5)[:, None, None].expand(5, 4, 4)
    assert displayed(values)[:, 0, 0].tolist() == [0, 0.25, 0.5]
    assert displayed(values, parse_display("4,0,2"))[:, 0, 0].tolist() == [1, 0, 0.5]
    assert displayed(values, parse_display("3")).shape == (1, 4, 4)
    assert displayed(values, parse_display("inferno")).shape == (3, 4, 4)
    with pytest.raises(ConfigError, match=r"display=5 .* channels=5, counted from 0"):
        displayed(values, parse_display("5"))
    for wrong in ("0,1", "red", "-1", ""):
        with pytest.raises(ConfigError, match="display="):
            TrainOptions(display=wrong)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_headers_tell_what_reading_finds(dtype: str, tmp_path: Path) -> None:
    for channels in (1, 2, 3, 4, 13):
        array = numbers(dtype, channels)
        np.save(tmp_path / "x.npy", array.transpose(1, 2, 0))
        for path in (tmp_path / "x.npy", write_tiff(tmp_path / "x.tif", array, "OME")):
            picture = read_image(path)
            assert read_header(path) == (picture.channels, picture.dtype) == read_header(path.read_bytes())
    (tmp_path / "broken.tif").write_bytes(b"II*\0" + bytes(20))
    with pytest.raises(AttnI2IError, match=r"broken\.tif"):
        read_header(tmp_path / "broken.tif")
