"""A picture keeps the depth, the channels and the range that its file has, and goes back to the same."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from attn_i2i.images import Picture, Range, measure_range, read_image, write_picture
from attn_i2i.images.deep_png import write_deep
from attn_i2i.types import AttnI2IError, ConfigError, UnreadableFileError

from .helpers.depths import numbers, write_tiff

PNGS = [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")]


def come_back(picture: Picture, path: Path, **options: Any) -> Picture:
    return read_image(write_picture(picture, path), **options)


@pytest.mark.parametrize(("channels", "kind"), PNGS)
@pytest.mark.parametrize("bits", [8, 16])
def test_pngs_of_8_and_16_bits_come_back_bit_for_bit(tmp_path: Path, channels: int, kind: str, bits: int) -> None:
    values = numbers(f"uint{bits}", channels)
    if bits == 8:
        Image.fromarray(values[0] if channels == 1 else np.moveaxis(values, 0, -1)).save(tmp_path / "a.png")
    else:
        write_deep(values, tmp_path / "a.png", None, None)
    picture = read_image(tmp_path / "a.png")
    colours = channels - (kind[-1] == "A")
    assert (picture.dtype, picture.channels, picture.alpha is not None) == (f"uint{bits}", colours, kind[-1] == "A")
    assert np.array_equal(picture.numbers(), values[:colours])
    again = come_back(picture, tmp_path / "b.png")
    assert np.array_equal(again.numbers(), picture.numbers())
    assert (again.alpha is None) == (picture.alpha is None)
    if picture.alpha is not None and again.alpha is not None:
        assert np.array_equal((picture.alpha * (2**bits - 1)).round().numpy(), values[-1:])
        assert torch.equal(again.alpha, picture.alpha)


@pytest.mark.parametrize(("channels", "kind"), PNGS)
def test_deep_pngs_become_tiffs_that_others_read(tmp_path: Path, channels: int, kind: str) -> None:
    values = numbers("uint16", channels)
    write_deep(values, tmp_path / "a.png", None, None)
    picture = read_image(tmp_path / "a.png")
    again = come_back(picture, tmp_path / "b.tif")
    assert np.array_equal(again.numbers(), picture.numbers())
    assert again.alpha is picture.alpha or torch.equal(again.alpha, picture.alpha)  # type: ignore[arg-type]
    with tifffile.TiffFile(tmp_path / "b.tif") as written:
        page = written.pages.first
        assert page.photometric == (2 if channels > 2 else 1)  # RGB, or black is zero
        assert page.samplesperpixel == channels
        assert page.extrasamples == ((2,) if kind[-1] == "A" else ())  # unassociated alpha
        assert np.array_equal(np.moveaxis(np.atleast_3d(written.asarray()), -1, 0), values)


def test_16_bit_pngs_are_those_that_other_programs_read_and_write(tmp_path: Path) -> None:
    import imagecodecs

    for channels in (2, 3, 4):
        values = numbers("uint16", channels)
        write_deep(values, tmp_path / "a.png", None, None)
        theirs = imagecodecs.png_decode((tmp_path / "a.png").read_bytes())
        assert np.array_equal(theirs, np.moveaxis(values, 0, -1))
        ours = read_image(imagecodecs.png_encode(np.ascontiguousarray(np.moveaxis(values, 0, -1))))
        assert np.array_equal(ours.numbers(), values[: 1 if channels == 2 else 3])


def test_16_bit_pngs_may_be_opened_by_pillow_before(tmp_path: Path) -> None:
    values = numbers("uint16", 3)
    write_deep(values, tmp_path / "a.png", None, None)
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(read_image(image).numbers(), values)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("dtype", "channels", "layout"),
    [
        ("uint8", 1, "grey"), ("uint8", 3, "contig"), ("uint8", 3, "separate"), ("uint8", 4, "contig"),
        ("uint16", 1, "grey"), ("uint16", 3, "contig"), ("uint16", 3, "separate"), ("uint16", 4, "contig"),
        ("int16", 1, "grey"), ("int8", 1, "grey"), ("uint16", 5, "contig"), ("uint16", 2, "OME"), ("int16", 13, "OME"),
        ("int16", 4, "contig"),
        ("float32", 1, "grey"), ("float32", 3, "separate"), ("float16", 1, "grey"), ("float64", 2, "contig"),
    ],
)  # fmt: skip
def test_tiffs_come_back_bit_for_bit(
    tmp_path: Path, dtype: str, channels: int, layout: str, big: bool, compression: str | None
) -> None:
    values = numbers(dtype, channels)
    path = write_tiff(tmp_path / "a.tif", values, layout, bigtiff=big, compression=compression)
    picture = read_image(path)
    clear = channels == 4 and layout == "contig"
    assert np.array_equal(picture.numbers(), values[:3] if clear else values)
    assert (picture.dtype, picture.alpha is not None) == (dtype, clear)
    again = come_back(picture, tmp_path / "b.tif")
    assert np.array_equal(again.numbers(), picture.numbers())
    assert again.dtype == picture.dtype
    with tifffile.TiffFile(path) as before, tifffile.TiffFile(tmp_path / "b.tif") as after:
        assert after.series[0].axes == before.series[0].axes or dtype == "uint8"
        assert (after.is_bigtiff, after.is_ome) == (before.is_bigtiff, before.is_ome) or dtype == "uint8"
        assert after.pages[0].photometric == before.pages[0].photometric
        assert np.array_equal(after.asarray(), before.asarray())


def test_big_endian_numbers_and_white_that_is_zero_are_read_right(tmp_path: Path) -> None:
    values = numbers("uint16", 1)
    tifffile.imwrite(tmp_path / "a.tif", values[0], photometric="miniswhite", byteorder=">")
    picture = read_image(tmp_path / "a.tif")
    assert np.array_equal(picture.numbers(), values)
    assert torch.allclose(picture.values, 1 - torch.from_numpy(values / 65535).float(), atol=1e-6)
    again = come_back(picture, tmp_path / "b.tif")
    assert torch.equal(again.values, picture.values)
    eight = numbers("uint8", 1)
    tifffile.imwrite(tmp_path / "c.tif", eight[0], photometric="miniswhite")
    dark = read_image(tmp_path / "c.tif")
    assert torch.allclose(dark.values, 1 - torch.from_numpy(eight / 255).float(), atol=1e-6)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int16", "float32", "float64"])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4, 7])
def test_arrays_come_back_from_npy(tmp_path: Path, dtype: str, channels: int | None) -> None:
    values = numbers("uint8" if dtype == "bool" else dtype, channels or 1)
    values = values > 99 if dtype == "bool" else values
    array = values[0] if channels is None else np.moveaxis(values, 0, -1)
    np.save(tmp_path / "a.npy", array)
    picture = read_image(tmp_path / "a.npy")
    write_picture(picture, tmp_path / "b.npy")
    expected = array.astype(np.uint8) * 255 if dtype == "bool" else array
    assert np.array_equal(np.load(tmp_path / "b.npy"), expected[..., 0] if channels == 1 else expected)
    assert torch.equal(read_image(array).values, picture.values)


def test_what_no_picture_is_stored_as_is_refused_by_name(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "complex.tif", np.zeros((4, 4), np.complex64))
    tifffile.imwrite(tmp_path / "nan.tif", np.full((4, 4), np.nan, np.float32))
    tifffile.imwrite(tmp_path / "printing.tif", np.zeros((4, 4, 4), np.uint16), photometric="separated")
    np.save(tmp_path / "objects.npy", np.array([[None]]), allow_pickle=True)
    np.save(tmp_path / "four.npy", np.zeros((2, 2, 2, 2)))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "four.npy").read_bytes()[:40])
    for name in ("complex.tif", "nan.tif", "printing.tif", "objects.npy", "four.npy", "cut.npy"):
        with pytest.raises(AttnI2IError, match=name):
            read_image(tmp_path / name)


def test_a_type_without_a_usual_range_asks_for_one(tmp_path: Path) -> None:
    cases = {"int32": np.array([[0, 70000]], np.int32), "float32": np.array([[-3, 0.5]], np.float32)}
    for name, array in cases.items():
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, array)
        with pytest.raises(
            ConfigError, match=rf"{name}\.tif: it holds {name}.*such as range='\S+' or range='percentile"
        ):
            read_image(path)
    assert read_image(tmp_path / "float32.tif", range="-3,1").values.tolist() == [[[0, 0.875]]]
    assert read_image(tmp_path / "int32.tif", range=(0, 70000)).values.tolist() == [[[0, 1]]]
    # The first picture that goes beyond [0, 1] is not another scale without a word.
    assert read_image(np.array([[0.0, 1.0]], np.float32)).values.max() == 1
    with pytest.raises(ConfigError, match=r"from 0 to 1\.01"):
        read_image(np.array([[0.0, 1.01]], np.float32))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "int64", "float32", "float64"])
def test_numbers_beyond_a_range_lose_nothing(tmp_path: Path, dtype: str) -> None:
    values = numbers("int16" if dtype.startswith("float") else dtype, 1).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values[0])
    picture = read_image(tmp_path / "a.tif", range="10,200")
    assert np.allclose(picture.values.numpy(), (values.astype(float) - 10) / 190, rtol=1e-5)
    assert np.array_equal(come_back(picture, tmp_path / "b.tif", range="dtype").numbers(), values)


@pytest.mark.parametrize(("suffix", "channels"), [("png", 1), ("png", 4), ("bmp", 3), ("webp", 4), ("tif", 1)])
def test_bytes_of_a_range_of_their_own_are_written_as_they_are(tmp_path: Path, suffix: str, channels: int) -> None:
    values = np.moveaxis(numbers("uint8", channels), 0, -1)
    picture = read_image(values, range="10,200")
    assert picture.values.min() < 0
    again = come_back(picture, tmp_path / f"a.{suffix}")
    assert np.array_equal(again.numbers(), picture.numbers())
    assert again.alpha is picture.alpha or torch.equal(again.alpha, picture.alpha)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "uint64", "float32"])
def test_a_range_is_inverted_within_what_a_type_holds(dtype: str) -> None:
    kind = np.dtype(dtype)
    limits = (0, 1) if kind.kind == "f" else (np.iinfo(kind).min, np.iinfo(kind).max)
    whole = Range(float(limits[0]), float(limits[1]))
    assert whole.numbers(torch.tensor([0.0, 1.0]), kind).tolist() == [limits[0], limits[1]]
    if kind.kind != "f":
        assert whole.numbers(torch.tensor([-5.0, 5.0]), kind).tolist() == [limits[0], limits[1]]


@pytest.mark.parametrize(
    "value", ["", "1", "3,3", "a,b", "percentile:9,1", "percentile:5,5", "percentile:-1,5", "0,inf", "0,1,2", (1,)]
)
def test_ranges_that_are_none_are_shown_how_they_are_written(value: Any) -> None:
    with pytest.raises(ConfigError, match="expected such as range='dtype'"):
        read_image(np.zeros((2, 2)), range=value)


def test_the_range_of_a_series_is_measured_over_all_of_it(tmp_path: Path) -> None:
    values = [np.full((10, 10), level, np.uint16) for level in (100, 200, 4000)]
    values[2][0, 0] = 65535
    for index, array in enumerate(values):
        tifffile.imwrite(tmp_path / f"{index}.tif", array)
    files = sorted(tmp_path.iterdir())
    assert measure_range(files, "min,max") == (100, 65535)
    assert measure_range(files, "percentile:0,99") == (100, 4000)
    assert measure_range([array.astype(np.float32) for array in values], "percentile:1,99") == (100, 4000)
    assert measure_range(files, "5,6") == (5, 6)
    with pytest.raises(ConfigError, match="all numbers are equal"):
        measure_range(files[:1], "min,max")
    with pytest.raises(ConfigError, match="measured over a series"):
        read_image(files[0], range="min,max")


def test_a_tiff_turned_by_its_tag_stands_upright(tmp_path: Path) -> None:
    values = numbers("uint16", 1)[0]
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(274, 3, 1, 6, True)])
    picture = read_image(tmp_path / "a.tif")
    assert np.array_equal(picture.numbers()[0], np.rot90(values, -1))
    assert np.array_equal(come_back(picture, tmp_path / "b.tif").numbers(), picture.numbers())


def test_formats_that_cannot_hold_a_picture_name_one_that_can(tmp_path: Path) -> None:
    cases = [("uint16", 1, "a.jpg", r"lose depth.*\.png, \.tif"), ("float32", 1, "a.png", r"float32: use \.tif"),
             ("uint8", 5, "a.png", r"1 or 3 channels.*has 5"), ("uint16", 2, "a.png", r"1 or 3 channels")]  # fmt: skip
    for dtype, channels, name, says in cases:
        picture = read_image(np.moveaxis(numbers(dtype, channels), 0, -1))
        with pytest.raises(ConfigError, match=says):
            write_picture(picture, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_compressed_tiff_without_codecs_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiff(tmp_path / "a.tif", numbers("uint16", 3), "contig", compression="lzw")
    write_tiff(tmp_path / "b.tif", numbers("uint16", 3), "contig", compression="zlib")
    monkeypatch.setattr("attn_i2i.images.tiff._has_codecs", lambda: False)
    with pytest.raises(UnreadableFileError, match=r"a\.tif is compressed by LZW: pip install 'attn-i2i\[tiff\]'"):
        read_image(tmp_path / "a.tif")
    assert np.array_equal(read_image(tmp_path / "b.tif").numbers(), numbers("uint16", 3))


def test_a_deflated_tiff_that_holds_more_than_it_says_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zlib

    values = np.zeros((4, 4), np.int16)
    tifffile.imwrite(tmp_path / "a.tif", values, compression="zlib", rowsperstrip=4)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        page = tiff.pages[0]
        counts, offsets = page.tags["StripByteCounts"], page.tags["StripOffsets"]
    bomb, content = zlib.compress(bytes(10**7)), bytearray((tmp_path / "a.tif").read_bytes())
    for tag, value in ((counts, len(bomb)), (offsets, len(content))):
        content[tag.valueoffset : tag.valueoffset + 4] = value.to_bytes(4, "little")
    (tmp_path / "a.tif").write_bytes(bytes(content) + bomb)
    monkeypatch.setattr("attn_i2i.images.tiff._has_codecs", lambda: False)
    with pytest.raises(UnreadableFileError, match=r"a\.tif holds more data than"):
        read_image(tmp_path / "a.tif")


def test_heic_photos_are_read_or_say_what_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pillow_heif

    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "camera", 6
    image = Image.radial_gradient("L").convert("RGB").resize((64, 48))
    heif = pillow_heif.from_pillow(image)
    buffer = io.BytesIO()
    heif.save(buffer, quality=95, exif=exif.tobytes())
    picture = read_image(buffer.getvalue())
    assert (picture.format, picture.channels, max(picture.size)) == ("HEIF", 3, 64)
    assert picture.metadata is not None
    assert b"camera" in picture.metadata.exif
    path = tmp_path / "a.heic"
    path.write_bytes(buffer.getvalue())
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(UnreadableFileError, match=r"a\.heic is a HEIC photo: pip install 'attn-i2i\[heic\]'"):
        read_image(path)
