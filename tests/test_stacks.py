"""Stacks: every plane of a TIFF is translated, and the file that comes out has the axes of the one that went in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from attn_i2i.images import read_image, stack, write_picture
from attn_i2i.images.stack import StackWriter, count_planes, read_planes
from attn_i2i.types import ConfigError, UnreadableFileError

from .helpers.depths import HEIGHT, WIDTH

AXES = {"TZCYX": (2, 3, 2, HEIGHT, WIDTH), "CZYX": (2, 3, HEIGHT, WIDTH), "ZYXS": (3, HEIGHT, WIDTH, 3)}


def write(path: Path, axes: str, dtype: str = "uint16", **options: Any) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(0).integers(0, 256, AXES[axes]).astype(dtype)
    tifffile.imwrite(path, values, metadata={"axes": axes, **options.pop("said", {})}, **options)
    return values


def copied(source: Path, target: Path, **options: Any) -> tifffile.TiffFile:
    """A stack written again with each plane's numbers counted up by its number."""
    writer = StackWriter(source, **options)
    for picture in reversed(list(read_planes(source, range="dtype"))):
        assert picture.layout is not None
        done = writer.add(picture)
        assert done == (picture.layout.page == 0)
    writer.write(target)
    return tifffile.TiffFile(target)


@pytest.mark.parametrize(
    ("axes", "options"),
    [
        ("TZCYX", {"ome": True, "said": {"PhysicalSizeZ": 0.5}}),
        ("CZYX", {"ome": True, "compression": "zlib"}),
        ("TZCYX", {"imagej": True, "said": {"unit": "um", "spacing": 0.5}}),
        ("TZCYX", {"bigtiff": True}),
        ("ZYXS", {"ome": True, "photometric": "rgb"}),
        ("CZYX", {"dtype": "float32", "photometric": "minisblack"}),
    ],
)
def test_a_stack_keeps_its_axes_and_what_it_says(tmp_path: Path, axes: str, options: dict[str, Any]) -> None:
    values = write(tmp_path / "a.tif", axes, **options)
    with tifffile.TiffFile(tmp_path / "a.tif") as old, copied(tmp_path / "a.tif", tmp_path / "b.tif") as new:
        assert new.series[0].axes == old.series[0].axes == axes
        assert new.series[0].dtype == values.dtype
        assert np.array_equal(new.asarray(), values)
        assert new.is_bigtiff == old.is_bigtiff
        assert new.ome_metadata == old.ome_metadata
        said = [{k: v for k, v in (tiff.imagej_metadata or {}).items() if k != "ImageJ"} for tiff in (old, new)]
        assert said[0] == said[1]
        assert new.pages[0].compression == old.pages[0].compression


def test_pages_of_several_sizes_stay_pages(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for side in (8, 16, 16):
            tiff.write(np.full((side, side), side, np.uint16), metadata=None, contiguous=False)
    with copied(tmp_path / "a.tif", tmp_path / "b.tif") as new:
        assert [page.shape for page in new.pages] == [(8, 8), (16, 16), (16, 16)]
        assert [page.asarray().mean() for page in new.pages] == [8, 16, 16]


def test_what_a_stack_says_can_be_left_out_but_not_its_axes(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", "CZYX", ome=True, software="a microscope", said={"PhysicalSizeX": 0.25, "Name": "mine"})
    with copied(tmp_path / "a.tif", tmp_path / "b.tif", metadata=False) as new:
        assert new.series[0].axes == "CZYX"
        assert "mine" not in (new.ome_metadata or "")
        assert 'PhysicalSizeX="0.25"' in (new.ome_metadata or "")
        assert "microscope" not in str(new.pages[0].software)


def test_only_a_stack_has_several_planes(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    Image.new("L", (4, 4)).save(tmp_path / "a.tif")
    assert (count_planes(tmp_path / "a.png"), count_planes(tmp_path / "a.tif")) == (1, 1)
    with pytest.raises(ConfigError, match="has to be measured"):
        next(read_planes(tmp_path / "a.tif", range="min,max"))


def test_a_stack_goes_to_a_format_that_holds_one(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", "CZYX", photometric="minisblack")
    writer = StackWriter(tmp_path / "a.tif")
    for picture in read_planes(tmp_path / "a.tif"):
        writer.add(picture)
    with pytest.raises(ConfigError, match=r"b\.png: a stack of 3 planes is written as \.tif"):
        writer.write(tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()
    assert read_image(tmp_path / "a.tif", page=2).channels == 2


def test_a_turned_stack_says_what_its_upright_planes_are(tmp_path: Path) -> None:
    said = {"PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5, "PhysicalSizeXUnit": "mm"}
    write(tmp_path / "a.tif", "CZYX", ome=True, said=said, resolution=(40, 20), extratags=[(274, "H", 1, 6, True)])
    with copied(tmp_path / "a.tif", tmp_path / "b.tif") as new:
        assert new.series[0].shape == (*AXES["CZYX"][:2], WIDTH, HEIGHT)
        text = new.ome_metadata or ""
        assert f'SizeX="{HEIGHT}" SizeY="{WIDTH}"' in text
        assert all(part in text for part in ('SizeY="0.25"', 'SizeX="0.5"', 'SizeYUnit="mm"'))
        assert new.pages[0].resolution == (20, 40)
    tifffile.imwrite(tmp_path / "c.tif", np.zeros((8, 12), np.uint16), ome=True, extratags=[(274, "H", 1, 6, True)])
    write_picture(read_image(tmp_path / "c.tif"), tmp_path / "d.tif")
    with tifffile.TiffFile(tmp_path / "d.tif") as tiff:
        assert 'SizeX="8" SizeY="12"' in (tiff.ome_metadata or "")


def test_planes_without_end_are_not_counted_through(tmp_path: Path) -> None:
    said = '{"shape": [100000000, 16, 16]}'
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((16, 16), np.uint16), description=said, metadata=None)
    for reading in (count_planes, lambda path: next(read_planes(path)), read_image):
        with pytest.raises(UnreadableFileError, match=r"a\.tif: 100000000 planes are announced"):
            reading(tmp_path / "a.tif")


def test_a_file_that_was_cut_before_its_list_of_planes_is_called_so(tmp_path: Path) -> None:
    write(whole := tmp_path / "whole.tif", "CZYX", photometric="minisblack")
    raw = bytearray(whole.read_bytes())
    raw[4:8] = b"\0" * 4  # where the first plane is told of
    (cut := tmp_path / "cut.tif").write_bytes(raw)
    for read in (read_image, count_planes, lambda path: next(read_planes(path))):
        with pytest.raises(UnreadableFileError, match=r"cut\.tif.* damaged or cut short"):
            read(cut)


def test_a_stack_that_grows_beyond_a_classic_tiff_becomes_a_big_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "CLASSIC", 1000)
    values = write(tmp_path / "a.tif", "CZYX", compression="zlib", photometric="minisblack")
    with copied(tmp_path / "a.tif", tmp_path / "b.tif") as new:
        assert new.is_bigtiff
        assert np.array_equal(new.asarray(), values)


def test_planes_that_no_disk_holds_are_an_error_and_not_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    write(tmp_path / "a.tif", "CZYX", photometric="minisblack")
    with pytest.raises(OSError, match=r"temporary files, is full"):
        StackWriter(tmp_path / "a.tif").add(next(read_planes(tmp_path / "a.tif")))


KINDS = {"palette": ("P", "tiff_lzw"), "bits": ("1", "group4"), "CMYK": ("CMYK", "raw"), "JPEG": ("YCbCr", "jpeg")}


@pytest.mark.filterwarnings("ignore:A CMYK picture")
@pytest.mark.parametrize("kind", KINDS)
def test_pages_that_pillow_reads_are_a_stack_too(tmp_path: Path, kind: str) -> None:
    mode, compression = KINDS[kind]
    source, random = tmp_path / "a.tif", np.random.default_rng(0)
    pages = [Image.fromarray(random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)).convert(mode) for _ in "abc"]
    pages[0].save(source, save_all=True, append_images=pages[1:], compression=compression, dpi=(300, 300))
    with copied(source, tmp_path / "b.tif") as new:
        answer, axes, resolution = new.asarray(), new.series[0].axes, new.pages[0].resolution
    assert (axes, resolution) == ("IYX" if kind == "bits" else "IYXS", (300, 300))
    with Image.open(source) as image:
        for number in range(3):
            image.seek(number)
            expected = np.asarray(image.convert("L" if kind == "bits" else "RGB"))
            assert np.array_equal(answer[number], expected)
            write_picture(read_image(source, page=number), tmp_path / "one.tif", force=True)
            assert np.array_equal(tifffile.imread(tmp_path / "one.tif"), expected)


def test_a_palette_of_a_depth_that_nobody_reads_is_named(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((2, 8, 8), np.uint16),
        photometric="palette",
        colormap=np.zeros((3, 65536), np.uint16),
    )
    for reading in (lambda path: read_image(path, page=1), lambda path: next(read_planes(path))):
        with pytest.raises(UnreadableFileError, match=r"a\.tif is PALETTE in 16 bits: save it as grey or RGB"):
            reading(tmp_path / "a.tif")
