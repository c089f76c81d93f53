"""Large pictures are converted and written a few rows at a time: the same numbers, and no further copies of them."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from attn_i2i.images.picture import Picture, Stored
from attn_i2i.images.ranges import Range, dtype_range
from attn_i2i.images.read import read_image
from attn_i2i.images.save import write_picture
from attn_i2i.images.values import strips
from attn_i2i.translate.memory import _LiveBytes

STRIP = "attn_i2i.images.values.STRIP"
DTYPES = ("uint8", "uint16", "int16", "uint64", "float32", "float64")


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 7, 5), (64, 3)])
@pytest.mark.parametrize("size", [1, 20, 10**9])
def test_strips_are_all_rows_in_order(shape: tuple[int, ...], size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STRIP, size)
    assert [row for rows in strips(shape) for row in range(shape[-2])[rows[-1]]] == list(range(shape[-2]))


@pytest.mark.parametrize("name", DTYPES)
def test_rows_hold_the_numbers_that_the_whole_holds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dtype = np.dtype(name)
    values = torch.rand(3, 17, 11, generator=torch.Generator().manual_seed(0)) * 1.2 - 0.1
    range_ = Range(-40.0, 70.0) if dtype.kind == "f" else dtype_range(dtype)
    whole = range_.numbers(values, dtype), Picture(values).numbers(), Picture(values, values[:1]).pil().tobytes()
    monkeypatch.setattr(STRIP, 1)
    rows = range_.numbers(values, dtype), Picture(values).numbers(), Picture(values, values[:1]).pil().tobytes()
    assert rows[0].dtype == dtype
    np.testing.assert_array_equal(rows[0], whole[0])
    np.testing.assert_array_equal(rows[1], whole[1])
    assert rows[2] == whole[2]
    unit = range_.unit(rows[0])
    np.testing.assert_array_equal(
        unit, ((rows[0].astype(np.float64) - range_.low) / (range_.high - range_.low)).astype("f4")
    )


@pytest.mark.parametrize(
    ("name", "suffix", "copies"),
    [("uint8", ".npy", 1), ("uint16", ".npy", 1), ("uint16", ".png", 1), ("uint16", ".tif", 2), ("float32", ".npy", 1)],
)
def test_writing_takes_little_more_than_the_numbers(
    name: str, suffix: str, copies: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STRIP, 2**12)
    dtype, values = np.dtype(name), torch.rand(3, 256, 256)
    picture = Picture(values)
    if dtype != np.uint8:
        picture = Picture(values, stored=Stored(dtype_range(dtype).numbers(values, dtype), dtype_range(dtype)))
    with _LiveBytes():
        write_picture(picture, tmp_path / f"warm{suffix}")  # imports what it needs
    size, path = values.numel() * dtype.itemsize, tmp_path / f"a{suffix}"
    tracemalloc.start()
    with _LiveBytes() as live:
        if picture.stored is not None:
            assert picture.stored.range.numbers(values, dtype).nbytes == size
        write_picture(picture, path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < (copies + 0.5) * size + 2**18, most / size  # a quarter of a megabyte: strips, headers
    assert live.peak < values.nbytes + 2**16  # the values themselves are seen, too
    np.testing.assert_array_equal(read_image(path).numbers(), picture.numbers())
