"""Masks come from anything, fit their picture, and say what is wrong with their numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from attn_i2i.images.mask import read_mask
from attn_i2i.images.picture import PictureWarning
from attn_i2i.images.write import write_image
from attn_i2i.types import AttnI2IError, ConfigError, ShapeError

from .helpers.pictures import colours

ORIENTATION = 0x0112


def test_a_mask_may_be_as_large_as_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_image(colours(), tmp_path / "a.png")
    monkeypatch.setattr("attn_i2i.images.mask.MAX_PIXELS", 10)
    assert read_mask(path, (6, 8)).shape == (1, 6, 8)


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        (np.zeros((0, 0), np.float32), ShapeError, r"\(1, 0, 0\)"),
        (torch.zeros(1, 0, 2), ShapeError, r"\(1, 0, 2\)"),
        (np.array([[None, 1]]), ConfigError, "mask of object"),
        (np.zeros((2, 2), np.int64), ConfigError, "mask of int64"),
        (np.eye(2, dtype=np.uint8), ConfigError, "no number but 0 and 1, of 255: write 255"),
    ],
)
def test_what_is_no_mask_is_named(source: np.ndarray | torch.Tensor, error: type[AttnI2IError], says: str) -> None:
    with pytest.raises(error, match=says):
        read_mask(source, (2, 2))


def test_masks_come_from_anything_and_must_fit() -> None:
    half = np.array([[0, 255], [255, 0]], dtype=np.uint8)
    expected = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    flipped, big_endian = half[::-1].copy()[::-1], (half / 255).astype(">f8")
    arrays = (half, half > 0, half / 255, flipped, flipped > 0, flipped / 255, big_endian)
    for source in (*arrays, torch.from_numpy(half > 0), expected, Image.fromarray(half)):
        assert torch.equal(read_mask(source, (2, 2)), expected)
    clear = Image.new("RGBA", (2, 2), (255, 255, 255, 0))
    assert not read_mask(clear, (2, 2)).any()
    with pytest.raises(ShapeError, match="The mask is 2x2 and the picture 2x4 pixels"):
        read_mask(half, (4, 2), scale=True)
    with pytest.raises(ConfigError, match="mask with values"):
        read_mask(half.astype(np.float32), (2, 2))


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        (np.array([[0, 2.5]], np.float32), r"A mask \(m\..*\) with values from 0 to 2.5 .* expected \[0, 1\]"),
        (np.array([[-1, 1]], np.float64), r"A mask \(m\..*\) with values from -1 to 1 .* expected \[0, 1\]"),
        (np.array([[0, 1]], np.uint8), r"The mask m\..* holds no number but 0 and 1, of 255"),
        (np.array([[0, 1]], np.uint16), r"The mask m\..* holds no number but 0 and 1, of 65535"),
        (np.array([[0, 255]], np.int16), r"The mask m\..* holds int16 numbers.*: save it in 8 or 16 bits"),
        (np.array([[0, 255]], np.uint32), r"The mask m\..* holds uint32 numbers.*: save it in 8 or 16 bits"),
    ],
    ids=["above", "below", "labels", "labels of 16 bits", "signed", "wide"],
)
def test_the_numbers_of_a_mask_in_a_file_are_told_in_words_of_masks(tmp_path: Path, numbers: Any, says: str) -> None:
    np.save(tmp_path / "m.npy", numbers)
    tifffile.imwrite(tmp_path / "m.tif", numbers)
    for path in (tmp_path / "m.npy", tmp_path / "m.tif"):
        with pytest.raises(ConfigError, match=says):
            read_mask(path, (1, 2))


def test_masks_of_the_same_aspect_are_scaled_and_stay_exactly_shut() -> None:
    mask = np.zeros((6, 8), bool)
    mask[2:4, 3:6] = True
    larger, smaller = (
        read_mask(mask, (60, 80), scale=True),
        read_mask(mask.repeat(2, 0).repeat(2, 1), (6, 8), scale=True),
    )
    assert torch.equal(larger[0] > 0, torch.from_numpy(mask.repeat(10, 0).repeat(10, 1)))
    assert set(larger.unique().tolist()) == {0, 1}
    assert 0 < smaller[0, 2, 4] <= 1
    assert not smaller[0, 5].any()
    assert read_mask(mask, (75, 99), scale=True).shape == (1, 75, 99)  # 99 x 74.25, rounded
    for size in ((6, 9), (45, 80), (8, 6)):
        with pytest.raises(ShapeError, match="8x6"):
            read_mask(mask, size, scale=True)
    for small in ((1, 1), (2, 3), (3, 3)):  # rounding makes these of 40x32 too
        with pytest.raises(ShapeError, match="the picture 40x32"):
            read_mask(np.ones(small, bool), (32, 40), scale=True)
    assert read_mask(np.ones((2, 3), bool), (32, 48), scale=True).all()
    with pytest.raises(ShapeError, match="8x6"):
        read_mask(mask, (12, 16))


@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_a_mask_in_colours_is_refused_and_one_that_jpeg_tinted_is_not(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (2, 2), (128, 0, 0)).convert(mode).save(tmp_path / "red.png")
    with pytest.raises(ConfigError, match=r"The mask red.png holds colours: save it in shades of grey"):
        read_mask(tmp_path / "red.png", (2, 2))
    Image.new("RGB", (2, 2), (250, 255, 252)).convert(mode).save(tmp_path / "white.png")
    assert read_mask(tmp_path / "white.png", (2, 2)).min() > 0.95


@pytest.mark.parametrize(("dtype", "largest"), [("uint8", 4), ("uint16", 255)], ids=["labels", "8 bits in 16"])
def test_a_mask_of_small_numbers_is_warned_of(tmp_path: Path, dtype: str, largest: int) -> None:
    np.save(tmp_path / "m.npy", np.full((2, 2), largest, dtype))
    with pytest.warns(PictureWarning, match=f"m.npy holds no number above {largest}, of"):
        read_mask(tmp_path / "m.npy", (2, 2))
    np.save(tmp_path / "m.npy", np.zeros((2, 2), dtype))
    assert not read_mask(tmp_path / "m.npy", (2, 2)).any()
