"""Files of several planes, pages or frames: each has a number, and ImageJ and OME say the same of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from attn_i2i.images import read_image, write_picture
from attn_i2i.images.picture import PictureWarning
from attn_i2i.types import ConfigError, UnreadableFileError

from .helpers.depths import HEIGHT, WIDTH, numbers


def stack(path: Path, **options: Any) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(0).integers(0, 65536, (2, 3, 2, HEIGHT, WIDTH)).astype(np.uint16)
    tifffile.imwrite(path, values, metadata={"axes": "TZCYX"}, **options)
    return values.reshape(6, 2, HEIGHT, WIDTH)


@pytest.mark.parametrize("options", [{"imagej": True}, {"ome": True}, {"ome": True, "compression": "zlib"}])
def test_planes_of_a_stack_are_read_by_their_number(tmp_path: Path, options: dict[str, Any]) -> None:
    planes = stack(tmp_path / "a.tif", **options)
    for page, plane in enumerate(planes):
        assert np.array_equal(read_image(tmp_path / "a.tif", page=page).numbers(), plane)
    with pytest.warns(PictureWarning, match=r"a\.tif has 6 pages: only the first"):
        assert np.array_equal(read_image(tmp_path / "a.tif").numbers(), planes[0])
    with pytest.raises(ConfigError, match=r"page=6 was given, but .*a\.tif has 6 pages"):
        read_image(tmp_path / "a.tif", page=6)


def test_pages_pyramids_and_frames_have_numbers_too(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "pages.tif") as writer:
        for side in (8, 16):
            writer.write(np.full((side, side), side, np.uint16))
    assert [read_image(tmp_path / "pages.tif", page=page).size for page in (0, 1)] == [(8, 8), (16, 16)]
    large = numbers("uint16", 1)[0]
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as writer:
        writer.write(large, subifds=1)
        writer.write(large[::2, ::2], subfiletype=1)
    assert np.array_equal(read_image(tmp_path / "pyramid.tif").numbers()[0], large)
    frames = [Image.new("L", (4, 4), level) for level in (1, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "a.gif", page=1).rgb.mean() > 0.5
    with pytest.raises(ConfigError, match=r"a\.gif: page=2"):
        read_image(tmp_path / "a.gif", page=2)


def test_a_page_that_is_written_alone_does_not_say_that_it_is_the_stack(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", np.arange(3 * 8 * 12, dtype=np.uint8).reshape(3, 8, 12), photometric="minisblack"
    )
    with pytest.warns(PictureWarning, match="only the first"):
        picture = read_image(tmp_path / "a.tif")
    write_picture(picture, tmp_path / "b.tif")
    assert tifffile.imread(tmp_path / "b.tif").shape == (8, 12)
    assert not caplog.records


def test_imagej_and_ome_say_the_same_of_a_plane(tmp_path: Path) -> None:
    values = numbers("uint16", 2)
    tifffile.imwrite(
        tmp_path / "ij.tif", values, imagej=True, resolution=(5, 4), metadata={"axes": "CYX", "unit": "um"}
    )
    tifffile.imwrite(tmp_path / "o.tif", values, ome=True, metadata={"axes": "CYX", "PhysicalSizeX": 0.25})
    for name in ("ij.tif", "o.tif"):
        write_picture(read_image(tmp_path / name), tmp_path / f"new-{name}")
    with tifffile.TiffFile(tmp_path / "new-ij.tif") as tiff:
        assert tiff.imagej_metadata is not None
        assert tiff.imagej_metadata["unit"] == "um"
        assert tiff.pages[0].resolution == (5, 4)
        assert tiff.series[0].axes == "CYX"
    with tifffile.TiffFile(tmp_path / "new-o.tif") as tiff:
        assert 'PhysicalSizeX="0.25"' in (tiff.ome_metadata or "")
        assert tiff.series[0].axes == "CYX"


def ome(planes: int, data: str = "") -> bytes:
    """An OME description that announces that many planes."""
    sizes = f'SizeX="{WIDTH}" SizeY="{HEIGHT}" SizeZ="{planes}" SizeC="1" SizeT="{planes}"'
    pixels = f'<Pixels ID="P" DimensionOrder="XYZCT" Type="uint16" {sizes}><TiffData IFD="0">{data}</TiffData></Pixels>'
    space = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    return f'<?xml version="1.0"?><OME xmlns="{space}"><Image ID="I">{pixels}</Image></OME>'.encode()


def test_what_ome_announces_costs_nothing_and_opens_no_other_file(tmp_path: Path) -> None:
    values = numbers("uint16", 1)[0]
    tifffile.imwrite(tmp_path / "a.tif", values, description=ome(20_000), metadata=None)
    with pytest.raises(UnreadableFileError, match=r"a\.tif announces 400000000 planes"):
        read_image(tmp_path / "a.tif", page=0)
    os.mkfifo(tmp_path / "other.tif")  # to open it would wait for ever
    other = '<UUID FileName="other.tif">urn:uuid:1</UUID>'
    tifffile.imwrite(tmp_path / "b.tif", values, description=ome(1, other), metadata=None)
    assert np.array_equal(read_image(tmp_path / "b.tif", page=0).numbers()[0], values)
