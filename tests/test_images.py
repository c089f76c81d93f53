"""Every kind of picture comes in as the same RGB."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from attn_i2i.images.metadata import metadata_from
from attn_i2i.images.picture import PictureWarning
from attn_i2i.images.read import read_image
from attn_i2i.images.write import to_pil, write_image
from attn_i2i.types import AttnI2IError, ConfigError, ShapeError, UnreadableFileError
from tests.tools.fuzz_images import Fuzzer, samples

from .helpers.pictures import colours, levels

ORIENTATION = 0x0112


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".bmp"])
def test_lossless_files_come_back_bit_for_bit(tmp_path: Path, suffix: str) -> None:
    path = write_image(colours(), tmp_path / f"a{suffix}")
    picture = read_image(path)
    assert (levels(picture.rgb) == np.asarray(colours())).all()
    assert picture.name == f"a{suffix}"
    assert picture.alpha is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_stand_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / "photo.png"
    colours().save(path, exif=exif)
    # The pixels stored first belong at the corner that EXIF names, so turning the upright picture back restores them.
    corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    upright = levels(read_image(path).rgb)
    assert upright.shape[:2] == ((6, 8) if orientation < 5 else (8, 6))
    assert (upright[corner[orientation]] == np.asarray(colours())[0, 0]).all()


def test_alpha_is_kept_apart_and_colours_under_it_survive(tmp_path: Path) -> None:
    rgba = colours().convert("RGBA")
    rgba.putalpha(Image.linear_gradient("L").resize(rgba.size))
    rgba.save(tmp_path / "a.png")
    picture = read_image(tmp_path / "a.png")
    assert picture.alpha is not None
    assert (np.asarray(to_pil(picture.rgb, picture.alpha)) == np.asarray(rgba)).all()


def test_palettes_keep_their_colours_and_transparency(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.gif", transparency=1)
    picture = read_image(tmp_path / "a.gif")
    assert levels(picture.rgb).tolist() == [[[255, 0, 0], [0, 0, 255]]]
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[[1.0, 0.0]]]


def test_grey_stays_grey_and_every_other_mode_becomes_rgb() -> None:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"):
        picture = read_image(colours().convert(mode))
        assert picture.channels == (1 if mode in ("1", "L", "LA") else 3), mode
        assert picture.rgb.shape == (3, 6, 8), mode
        assert (picture.alpha is not None) == mode.endswith("A"), mode
    black = read_image(Image.new("CMYK", (1, 1), (0, 0, 0, 255)))
    assert levels(black.rgb).tolist() == [[[0, 0, 0]]]


def test_a_file_of_printing_colours_says_that_it_becomes_rgb(tmp_path: Path) -> None:
    colours().convert("CMYK").save(tmp_path / "a.jpg")
    with pytest.warns(PictureWarning, match="CMYK"):
        assert read_image(tmp_path / "a.jpg").channels == 3


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_greyscale_uses_its_whole_range(tmp_path: Path, suffix: str) -> None:
    values = np.array([[0, 128, 32768, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / f"deep{suffix}")
    rgb = read_image(tmp_path / f"deep{suffix}").rgb
    assert torch.allclose(rgb, torch.tensor(values / 65535).float().expand(3, -1, -1), atol=1e-7)


def test_an_animation_gives_its_first_frame_and_says_so(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.warns(PictureWarning, match=r"a\.gif.*first"):
        picture = read_image(tmp_path / "a.gif")
    assert levels(picture.rgb)[0, 0].tolist() == [255, 0, 0]


def test_arrays_and_tensors_are_pictures_too() -> None:
    array = np.asarray(colours())
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1) / 255
    assert torch.equal(read_image(array).rgb, read_image(tensor).rgb)
    assert torch.equal(read_image(tensor[None]).rgb, read_image(tensor).rgb)
    assert read_image(array[..., 0]).rgb.shape == (3, 6, 8)
    assert read_image(tensor.half()).rgb.dtype == torch.float32


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        (torch.zeros(3, 4, 4) - 1, ConfigError, r"-1 to -1.*expected \[0, 1\]"),
        (torch.full((3, 4, 4), 255.0), ConfigError, r"expected \[0, 1\]"),
        (torch.full((3, 4, 4), float("nan")), ConfigError, "nan"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), ConfigError, "float tensor"),
        (torch.zeros(2, 3, 4, 4), ShapeError, r"\(2, 3, 4, 4\)"),
        (np.zeros((4, 4, 3), complex), ConfigError, "complex128 is no picture"),
        (np.full((4, 4, 3), 2.0), ConfigError, r"image: .*float64 numbers from 2 to 2.*range"),
        (np.zeros((4, 4), np.int32), ConfigError, "int32 numbers from 0 to 0, which have no usual range"),
        (np.zeros((2, 4, 4000), np.uint8), ShapeError, r"\(2, 4, 4000\).*\(H, W, C\)"),
        (np.zeros((3, 0, 4), np.uint8), ShapeError, r"\(3, 0, 4\)"),
        (42, ConfigError, "int is no picture"),
    ],
)
def test_what_is_no_picture_is_named(source: object, error: type[AttnI2IError], says: str) -> None:
    with pytest.raises(error, match=says):
        read_image(source)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a drawing"),
        (b"hello", "expected PNG, JPEG"),
    ],
)
def test_files_that_are_no_pictures_are_named_for_what_they_are(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=says) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"no\.png: no such file"):
        read_image(tmp_path / "no.png")
    with pytest.raises(UnreadableFileError, match="is a folder"):
        read_image(tmp_path)


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_truncated_files_are_named(tmp_path: Path, format_name: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    buffer = io.BytesIO()
    noise.save(buffer, format_name)
    path = tmp_path / "cut"
    path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) * 2 // 3])
    with pytest.raises(UnreadableFileError, match="cut") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_the_pixel_limit_is_an_option() -> None:
    with pytest.raises(UnreadableFileError, match="8x6 pixels"):
        read_image(colours(), max_pixels=47)
    assert read_image(colours(), max_pixels=48).size == (6, 8)


def test_the_pixel_limit_goes_above_pillows_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_image(colours(), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert read_image(path).size == (6, 8)


def test_bytes_and_open_files_are_pictures_too(tmp_path: Path) -> None:
    path = write_image(colours(), tmp_path / "a.png")
    content = path.read_bytes()
    with path.open("rb") as file:
        sources = (content, bytearray(content), memoryview(content), io.BytesIO(content), file)
        pictures = [read_image(source) for source in sources]  # type: ignore[arg-type]
        assert not file.closed
    assert all(torch.equal(picture.rgb, read_image(path).rgb) for picture in pictures)
    assert [picture.name for picture in pictures] == ["image"] * 4 + ["a.png"]
    with pytest.raises(UnreadableFileError, match="image is empty"):
        read_image(b"")
    with path.open(encoding="latin-1") as text, pytest.raises(ConfigError, match=r"a\.png.*rb"):
        read_image(text)  # type: ignore[arg-type]


def test_mutated_files_raise_only_errors_of_this_library(tmp_path: Path) -> None:
    fuzzer = Fuzzer(tmp_path, seed=1)
    figures = fuzzer.run(60)
    assert sum(figures.values()) == 60
    assert figures["refused"] > 10
    assert {name.split(".")[-1] for name in samples()} >= {"png", "jpg", "webp", "gif", "bmp", "tif"}


@pytest.mark.parametrize(
    ("noted", "kept"), [(b"<x tiff:Orientation='6'/>", b""), (b"<x dc:title='a'/>", b"<x dc:title='a'/>")]
)
def test_notes_that_would_turn_an_upright_picture_again_are_left_out(tmp_path: Path, noted: bytes, kept: bytes) -> None:
    Image.new("RGB", (8, 6)).save(tmp_path / "a.webp", xmp=noted, lossless=True)
    metadata = read_image(tmp_path / "a.webp").metadata
    assert (b"" if metadata is None else metadata.xmp) == kept


@pytest.mark.parametrize(
    ("dpi", "kept"), [((300, 72), (300, 72)), ((300, 0), None), ((0, 300), None), ((300, 2e6), None)]
)
def test_a_resolution_that_nothing_has_is_left_out(dpi: tuple[float, float], kept: tuple[float, float] | None) -> None:
    metadata = metadata_from(Image.Exif(), {"dpi": dpi}, "PNG")
    assert (metadata and metadata.dpi) == kept
