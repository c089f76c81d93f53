"""Pictures go out whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attn_i2i.files import TargetExistsError
from attn_i2i.images.read import read_image
from attn_i2i.images.write import output_name, write_image
from attn_i2i.types import AttnI2IError

from .helpers.pictures import colours, levels


def test_nothing_is_overwritten_unless_forced(tmp_path: Path) -> None:
    path = write_image(colours(), tmp_path / "a.png")
    with pytest.raises(TargetExistsError):
        write_image(Image.new("RGB", (1, 1)), path)
    assert read_image(path).size == (6, 8)
    write_image(Image.new("RGB", (1, 1)), path, force=True)
    assert read_image(path).size == (1, 1)


@pytest.mark.parametrize(
    ("size", "mode", "name", "says"),
    [
        ((2, 2), "RGBA", "a.jpg", "no transparency: use .png"),
        ((16384, 1), "RGB", "a.webp", "16383 pixels"),
        ((2, 2), "RGB", "a.gif", "not written as .gif"),
        ((2, 2), "RGB", "a", "not written as a file without an ending"),
    ],
)
def test_what_a_format_cannot_hold_is_said_and_nothing_is_left(
    tmp_path: Path, size: tuple[int, int], mode: str, name: str, says: str
) -> None:
    with pytest.raises(AttnI2IError, match=says):
        write_image(Image.new(mode, size), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_output_names_keep_formats_that_are_written() -> None:
    names = {"a.JPG": "a.JPG", "a.webp": "a.webp", "a.gif": "a.png", "a.b.avif": "a.b.png", "a": "a.png"}
    assert {name: output_name(name) for name in names} == names
    assert [output_name(f"a{end}", transparency=True) for end in (".jpg", ".bmp", ".webp")] == ["a.png"] * 2 + [
        "a.webp"
    ]


def test_jpegs_keep_full_colour_resolution(tmp_path: Path) -> None:
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2] = (255, 0, 0)
    stripes[:, 1::2] = (0, 0, 255)
    picture = read_image(write_image(Image.fromarray(stripes), tmp_path / "a.jpg"))
    assert np.abs(levels(picture.rgb).astype(int) - stripes).max() < 40  # halved chroma would give purple, 127 off


def test_colour_profiles_survive(tmp_path: Path) -> None:
    profile = b"\0" * 16 + b"RGB " + b"\0" * 108
    colours().save(tmp_path / "a.png", icc_profile=profile)
    picture = read_image(tmp_path / "a.png")
    write_image(picture.pil(), tmp_path / "b.png", icc=picture.icc)
    with Image.open(tmp_path / "b.png") as image:
        assert image.info["icc_profile"] == profile
