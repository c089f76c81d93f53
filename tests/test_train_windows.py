"""Crops of large pictures of any kind: what is read of a file is what the whole picture has there."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from attn_i2i.images import read_image
from attn_i2i.images.deep_png import write_deep
from attn_i2i.images.header import read_header
from attn_i2i.images.window import Window, read_window
from attn_i2i.train import resume
from attn_i2i.train.data.folders import two_domains
from attn_i2i.train.data.loading import TrainingStream, cropped, read_shown
from attn_i2i.train.data.reading import Encoded, Reading
from attn_i2i.train.options import TrainOptions
from attn_i2i.types import ConfigError, ShapeError, UnreadableFileError
from tests.helpers.deep_pictures import RANDOM, folders, stored
from tests.helpers.depths import numbers, write_tiff
from tests.helpers.trainings import run, weights

# What is worth saying of the pictures is a warning each; the tests ask for the one that they are about.
pytestmark = pytest.mark.filterwarnings("ignore::attn_i2i.train.notices.TrainingWarning")


def test_rectangles(tmp_path: Path) -> None:
    data = folders(tmp_path / "data", 3, dtype="uint8", suffix=".png")
    options = TrainOptions(crop_size="16x32")
    assert (options.crop, options.load) == ((16, 32), (18, 36))
    assert TrainingStream(two_domains(data), options)[0]["A"].shape == (3, 16, 32)
    model = run(data, tmp_path / "run", steps=1, sample_every=1, crop_size="16x32")
    assert json.loads((model / "config.json").read_text())["preprocessing"]["size"] == [16, 32]
    for size in ("16x", "0x16", 0, True, "x", (1, 2, 3)):
        with pytest.raises(ConfigError, match="crop_size="):
            TrainOptions(crop_size=size)
    assert TrainOptions(crop_size="16x16", load_size=(20, 20)) == TrainOptions(crop_size=16, load_size=20)


@pytest.mark.parametrize(
    "options",
    [{}, {"tile": (16, 16), "compression": "zlib"}, {"rowsperstrip": 7, "compression": "zlib"}, {"byteorder": ">"}],
    ids=str,
)
@pytest.mark.parametrize("layout", ["grey", "contig", "separate", "ImageJ", "OME", "npy"])
def test_a_window_is_what_the_whole_picture_has_there(layout: str, options: dict[str, Any], tmp_path: Path) -> None:
    array = np.random.default_rng(1).integers(0, 60000, (3, 60, 70)).astype(np.uint16)
    path = tmp_path / ("x.npy" if layout == "npy" else "x.tif")
    if layout == "npy":
        np.save(path, array.transpose(1, 2, 0))
    else:
        write_tiff(path, array, layout, **({} if layout == "ImageJ" and "compression" not in options else options))
    whole = read_image(path)
    part = read_window(path, lambda height, width: Window(13, 21, height // 2, width // 2))
    assert part.dtype == whole.dtype
    assert (part.numbers() == whole.numbers()[:, 13:43, 21:56]).all()
    assert read_header(path) == (whole.channels, whole.dtype)


def corner(height: int, width: int) -> Window:
    return Window(1, 14, 4, 5)


@pytest.mark.parametrize("kind", ["LZW", "palette", "tile that is not there"])
def test_windows_of_rare_files_are_those_of_the_whole_too(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attn_i2i.images.tiff._has_codecs", lambda: False)
    path, pixels = tmp_path / "x.tif", RANDOM.integers(0, 255, (32, 32), np.uint8)
    if kind == "tile that is not there":
        tile = np.full((16, 16), 0.25, np.float32)
        options: dict[str, Any] = {"shape": (32, 32), "dtype": np.float32, "tile": (16, 16), "compression": "zlib"}
        filled = (42113, 2, 0, "0.5", True)  # the tag of what is taken to be there
        tifffile.imwrite(path, iter([tile, None, tile, tile]), extratags=[filled], **options)
    else:
        image = Image.fromarray(pixels).convert("P" if kind == "palette" else "RGB")
        image.save(path, compression="tiff_lzw" if kind == "LZW" else None)
    whole = read_image(path, range="dtype")
    assert torch.equal(read_window(path, corner, "dtype").values, whole.values[:, 1:5, 14:19])


def test_a_window_keeps_its_own_part_of_the_transparency(tmp_path: Path) -> None:
    write_deep(numbers("uint16", 4), tmp_path / "a.png", None, None)
    whole, part = read_image(tmp_path / "a.png"), read_window(tmp_path / "a.png", corner)
    assert whole.alpha is not None
    assert torch.equal(part.alpha, whole.alpha[:, 1:5, 14:19])  # type: ignore[arg-type]


def test_a_window_that_cannot_be_cut_names_its_file(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((32, 32), np.nan, np.float32))
    with pytest.raises(UnreadableFileError, match=r"x\.npy: it holds pixels that are not numbers"):
        read_window(tmp_path / "x.npy", corner)
    write_tiff(tmp_path / "x.tif", numbers("uint16", 3), "OME")
    content = (tmp_path / "x.tif").read_bytes()
    (tmp_path / "x.tif").write_bytes(content.replace(b'SizeC="3"', b'SizeC="4"'))
    for read in (read_image, lambda path: read_window(path, corner)):
        with pytest.raises(UnreadableFileError, match=r"x\.tif lacks the page 3 that it announces"):
            read(tmp_path / "x.tif")


def test_crops_keep_their_scale_and_read_no_more_than_they_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(
        tmp_path / "x.tif", np.arange(4000 * 64, dtype=np.uint16).reshape(4000, 64), tile=(64, 64), compression="zlib"
    )
    decoded = []
    decompress = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", lambda: decoded.append(1) or decompress())
    options = TrainOptions(crop_size=32, load_size="native", flip=False)
    crop = cropped(str(tmp_path / "x.tif"), options, Reading(1, "dtype"), np.random.default_rng(0))
    assert crop.shape == (1, 32, 32)
    step = (crop[0, 1:] - crop[0, :-1]) / 2 * 65535
    assert torch.allclose(step, torch.full_like(step, 64), atol=0.1)  # neighbours of the picture, not resized ones
    assert 0 < len(decoded) <= 2
    with pytest.raises(ShapeError, match=r"x\.tif has 4000x64 pixels .* less than crop_size=128"):
        cropped(str(tmp_path / "x.tif"), TrainOptions(crop_size=128, load_size="native"), Reading(1, "dtype"), RANDOM)
    with pytest.raises(ConfigError, match="cache keeps resized pictures"):
        TrainOptions(load_size="native", cache=True)


@pytest.mark.parametrize("packed", [False, True])
def test_pictures_to_look_at_are_as_large_as_the_crops_or_named(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, stored(1, size=(20, 24)), tile=(16, 16), compression="zlib")
    file = Encoded(str(path), path.read_bytes()) if packed else str(path)
    reading = Reading(1, "dtype")
    assert read_shown(file, (20, 16), reading, native=True).shape == (1, 20, 16)
    with pytest.raises(ShapeError, match=r"x\.tif has 20x24 pixels .* less than crop_size=24x16"):
        read_shown(file, (24, 16), reading, native=True)


def test_a_training_on_native_crops_is_resumed_to_the_same_weights(tmp_path: Path) -> None:
    data = folders(tmp_path / "data")
    told = {"load_size": "native", "range": "0,4095", "sample_every": 2}
    whole = run(data, tmp_path / "whole", steps=4, **told)
    run(data, tmp_path / "parts", steps=2, **told)
    parts = resume(tmp_path / "parts", steps=4)
    assert weights(whole) == weights(parts)
