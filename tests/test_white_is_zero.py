"""TIFFs whose numbers count from white: the same picture comes back, whatever the file is that it is written to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from attn_i2i.images import read_image, write_picture


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_numbers_that_count_from_white_mean_the_same_picture_in_every_format(tmp_path: Path, dtype: str) -> None:
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (9, 11)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    picture = read_image(tmp_path / "a.tif")
    assert np.allclose(picture.values.numpy(), 1 - values / np.iinfo(dtype).max, atol=1e-6)
    for suffix in (".tif", ".png", ".npy"):
        write_picture(picture, tmp_path / f"b{suffix}")
        assert torch.equal(read_image(tmp_path / f"b{suffix}").values, picture.values)
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        assert tiff.pages[0].photometric == 0
        assert np.array_equal(tiff.asarray(), values)
    if dtype == "uint8":  # colours, and files without what the source said, count from black
        write_picture(replace(picture, values=picture.rgb), tmp_path / "c.tif")
        write_picture(picture, tmp_path / "d.tif", metadata=False)
        assert torch.equal(read_image(tmp_path / "c.tif").values, picture.rgb)
        assert torch.equal(read_image(tmp_path / "d.tif").values, picture.values)


def test_one_bit_that_counts_from_white_stays_so_in_eight(tmp_path: Path) -> None:
    Image.fromarray(np.arange(99).reshape(9, 11) % 3 == 0).save(tmp_path / "a.tif", tiffinfo={262: 0})
    picture = read_image(tmp_path / "a.tif")
    write_picture(picture, tmp_path / "b.tif")
    assert torch.equal(read_image(tmp_path / "b.tif").values, picture.values)
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        assert tiff.pages[0].photometric == 0
