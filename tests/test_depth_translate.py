"""Translations of pictures of every depth: what is kept is kept bit for bit in the file."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch import Tensor, nn

from attn_i2i.images import Picture, PictureWarning, read_image, write_picture
from attn_i2i.images.deep_png import write_deep
from attn_i2i.translate.translator import Translator
from attn_i2i.types import ModelError, ShapeError, Translation

from .helpers.commands import Run, files, pixels, write_model
from .helpers.depths import HEIGHT, WIDTH, numbers, write_tiff
from .helpers.translators import Brighten, Negative, noise, translator

GREY = "ignore:A grey picture goes"
LITTLE = "ignore:Pictures of .* use less"


def png(path: Path, values: np.ndarray[Any, Any]) -> Path:
    if values.dtype == np.uint16:
        write_deep(values, path, None, None)
    else:
        Image.fromarray(values[0] if len(values) == 1 else np.moveaxis(values, 0, -1)).save(path)
    return path


CASES = [
    ("png", "uint8", 1, ""), ("png", "uint8", 3, ""), ("png", "uint8", 4, ""), ("png", "uint8", 2, ""),
    ("png", "uint16", 1, ""), ("png", "uint16", 2, ""), ("png", "uint16", 3, ""), ("png", "uint16", 4, ""),
    ("tif", "uint8", 1, "grey"), ("tif", "uint16", 1, "grey"), ("tif", "uint16", 3, "separate"),
    ("tif", "uint16", 3, "contig"), ("tif", "int16", 1, "grey"), ("tif", "float32", 1, "grey"),
    ("tif", "float32", 3, "contig"), ("npy", "float64", 3, ""), ("npy", "int32", 1, ""),
]  # fmt: skip


def source_of(folder: Path, suffix: str, dtype: str, channels: int, layout: str) -> Path:
    values, path = numbers(dtype, channels), folder / f"a.{suffix}"
    if suffix == "png":
        return png(path, values)
    if suffix == "tif":
        return write_tiff(path, values, layout)
    np.save(path, values[0] if channels == 1 else np.moveaxis(values, 0, -1))
    return path


@pytest.mark.filterwarnings(GREY)
@pytest.mark.parametrize(("suffix", "dtype", "channels", "layout"), CASES)
def test_what_is_kept_is_kept_bit_for_bit_in_the_file(
    tmp_path: Path, suffix: str, dtype: str, channels: int, layout: str
) -> None:
    path = source_of(tmp_path, suffix, dtype, channels, layout)
    whole = "dtype" if dtype == "int32" else None
    before = read_image(path, range=whole)
    half = np.zeros((HEIGHT, WIDTH), bool)
    half[:, : WIDTH // 2] = True
    network = translator(Brighten())
    calls = {"strength": {"strength": 0.0}, "mask": {"mask": half & False}, "half": {"mask": half},
             "background": {"keep_background": True}}  # fmt: skip
    for name, options in calls.items():
        target = network(path, range=whole, **options).save(tmp_path / f"{name}.{suffix}")
        after = read_image(target, range=whole)
        assert (after.dtype, after.channels) == (before.dtype, before.channels), name
        assert (after.alpha is None) == (before.alpha is None)
        assert after.alpha is None or torch.equal(after.alpha, before.alpha)  # type: ignore[arg-type]
        kept = slice(None) if name in ("strength", "mask") else slice(WIDTH // 2, None)
        assert np.array_equal(after.numbers()[..., kept], before.numbers()[..., kept]), name
        assert (
            name in ("strength", "mask")
            or (after.numbers()[..., : WIDTH // 2] != before.numbers()[..., : WIDTH // 2]).any()
        )


@pytest.mark.filterwarnings(GREY)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_a_change_is_made_in_the_depth_of_the_picture(dtype: str) -> None:
    values = numbers(dtype, 1)
    changed = translator(Negative())(np.moveaxis(values, 0, -1)).picture().numbers()
    low, high = (0, 1) if dtype == "float32" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    assert np.allclose(changed.astype(float), low + high - values.astype(float), atol=(high - low) * 1e-6)


@pytest.mark.filterwarnings(LITTLE, GREY)
def test_the_range_of_the_model_is_applied_and_inverted(tmp_path: Path) -> None:
    config: Any = SimpleNamespace(architecture="test", domains=None, preprocessing={"range": [100, 300]})
    seen: list[Tensor] = []

    class Watching(Negative):
        def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
            seen.append(image)
            return super().forward(image)

    translate = Translator({"A2B": Watching()}, config, device="cpu")
    tifffile.imwrite(tmp_path / "a.tif", np.array([[100, 200, 250, 300]], np.uint16))
    result = translate(tmp_path / "a.tif")
    assert torch.allclose(seen[0][0, 0], torch.tensor([[-1, 0, 0.5, 1.0]]))
    assert result.picture().numbers().tolist() == [[[300, 200, 150, 100]]]
    assert translate(tmp_path / "a.tif", range="dtype").picture().numbers()[0, 0, 0] == 65535 - 100
    bright = np.array([[100, 200, 9000, 300]], np.uint16)
    with pytest.warns(PictureWarning, match="25% of them lie outside the range 100 to 300"):
        assert translate(bright).picture().numbers().tolist() == [[[300, 200, 100, 100]]]
    assert seen[-1].max() == 1


@pytest.mark.parametrize("value", ["min,max", "percentile:1,2", [1], "x", 5, {"a": 1}])
def test_a_model_whose_range_is_none_is_refused(value: Any) -> None:
    config: Any = SimpleNamespace(architecture="test", domains=None, preprocessing={"range": value})
    with pytest.raises(ModelError, match=r"preprocessing\.range"):
        Translator({"A2B": Negative()}, config, device="cpu")


@pytest.mark.filterwarnings(GREY)
def test_a_range_may_be_measured_over_the_pictures_of_a_call() -> None:
    series = [np.array([[0, 500]], np.uint16), np.array([[250, 1000]], np.uint16)]
    results = translator(Negative())(series, range="min,max")
    assert [result.picture().numbers().tolist() for result in results] == [[[[1000, 500]]], [[[750, 0]]]]


def test_a_type_that_is_hardly_used_is_warned_of() -> None:
    twelve_bits = (numbers("uint16", 1)[0] // 16).astype(np.uint16)
    with pytest.warns(PictureWarning, match=r"uint16 use less than a sixteenth .*give the range"):
        translator(Gradual())(twelve_bits)


def test_a_picture_of_fewer_bits_than_the_range_is_warned_of() -> None:
    with pytest.warns(PictureWarning, match="image is uint8, which holds less than a sixteenth of the range 0 to 4095"):
        translator(Negative())(noise(), range="0,4095")


class Gradual(nn.Module):
    """A network of one channel."""

    channels = 1

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        assert image.shape[1] == 1
        return Translation(-image)


def test_grey_goes_through_colours_and_comes_back_as_their_mean_which_is_said() -> None:
    grey = noise(channels=1)[..., 0]
    with pytest.warns(PictureWarning, match="comes back as their mean: color=True keeps"):
        result = translator(Negative())(grey)
    assert result.image.shape == (1, 12, 16)
    assert (np.asarray(result.pil()) == 255 - grey).all()
    colour = translator(Negative())(grey, color=True)
    assert colour.image.shape == (3, 12, 16)
    assert colour.pil().mode == "RGB"


def test_networks_say_how_many_channels_they_take() -> None:
    five = nn.Identity()
    five.channels = 5  # type: ignore[assignment]
    five.forward = lambda image: Translation(-image)  # type: ignore[assignment, return-value]
    assert translator(Gradual())(noise(channels=1)[..., 0]).image.shape == (1, 12, 16)
    picture = Picture(torch.rand(5, 8, 8))
    result = translator(five)(picture)
    assert torch.allclose(result.image, 1 - picture.values, atol=1e-6)
    assert [tile.mode for _, tile in result.tiles()] == ["RGB", "RGB"]
    with pytest.raises(ShapeError, match="has 5 channels, and this network takes 3"):
        translator(Negative())(picture)
    with pytest.raises(ShapeError, match="has 3 channels, and this network takes 1"):
        translator(Gradual())(noise())


def test_pictures_of_one_size_and_several_depths_share_a_call() -> None:
    network = Brighten()
    network.batches.clear()
    results = translator(network)([noise(), noise().astype(np.uint16) * 257, noise()])
    assert network.batches == [3]
    assert [result.picture().dtype for result in results] == ["uint8", "uint16", "uint8"]
    assert np.array_equal(results[1].picture().numbers() // 257, results[0].picture().numbers())


def test_the_pictures_of_a_deep_result_can_be_looked_at() -> None:
    values = np.random.default_rng(0).random((32, 32, 3)).astype(np.float32) * 31.2 - 0.6
    result = translator(Brighten())(values, range="0,30", keep_background=True)
    for picture in (result.pil(), result.overlay(), result.heatmap_image(), result.grid(), result.cutout()):
        assert picture.size[0] >= 32
    assert result.image.min() < 0  # beyond the range, and kept


@pytest.mark.filterwarnings(GREY)
def test_a_folder_of_every_depth_goes_through_the_command_line(run: Run, model: Path) -> None:
    Path("in").mkdir()
    for index, case in enumerate(CASES):
        if case[1] != "int32":
            path = source_of(Path("in"), *case)
            path.rename(path.with_stem(f"{index:02}"))
    code, _, err = run("translate", "in", "-o", "out", "-m", model, "--strength", 0, "--attention")
    assert code == 0, err
    for path in sorted(Path("in").iterdir()):
        before, after = read_image(path), read_image(Path("out", path.name))
        assert np.array_equal(before.numbers(), after.numbers()), path
        assert before.dtype == after.dtype
    tifffile.imwrite("in/z.tif", np.array([[0.0, 9.0]], np.float32))
    code, _, err = run("translate", "in", "-o", "out", "-m", model, "--force")
    assert code == 1
    assert err.count("skipped:") == 1
    assert "in/z.tif: it holds float32 numbers from 0 to 9" in err
    assert "--range 0,9 or --range percentile" in err


@pytest.mark.filterwarnings(GREY)
def test_the_command_line_measures_a_range_and_chooses_a_page(run: Run, model: Path) -> None:
    stack = numbers("uint16", 3) // 16
    Path("in").mkdir()
    tifffile.imwrite("in/a.tif", stack, photometric="minisblack")
    tifffile.imwrite("in/b.tif", stack + 5, photometric="minisblack")
    Path("in/c.tif").write_bytes(b"II*\0broken")
    options = ["-m", model, "--strength", 0, "--page", 1, "--range", "percentile:1,99"]
    code, _, err = run("translate", "in", "-o", "out", *options)
    assert (code, err.count("\n")) == (1, 1)
    assert "in/c.tif" in err
    assert np.array_equal(read_image("out/a.tif").numbers(), stack[1:2])
    code, _, err = run("translate", "in", "-o", "out", "-m", model, "--range", "9,9", "--force")
    assert code == 2
    assert "--range 9,9 was given" in err


def test_metadata_goes_on_but_orientation_and_preview(run: Run, model: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x8769] = "camera", 6, {0x9003: "2026:01:01 00:00:00"}
    image = Image.fromarray(noise())
    for name in ("a.jpg", "a.png", "a.webp", "a.tif"):
        image.save(name, exif=exif.tobytes(), dpi=(300, 300))
        assert run("translate", name, "-o", "out", "-m", model)[0] == 0
        assert run("translate", name, "-o", "bare", "-m", model, "--strip-metadata")[0] == 0
        with Image.open(f"out/{name}") as after, Image.open(f"bare/{name}") as bare:
            assert after.size == (12, 16)
            assert after.getexif().get(0x010F) == "camera", name
            assert 0x0112 not in after.getexif()
            assert name == "a.tif" or after.getexif().get_ifd(0x8769).get(0x9003) == "2026:01:01 00:00:00"
            assert 0x010F not in bare.getexif()
            if name != "a.webp":
                assert round(after.info["dpi"][0]) == 300
    deep = read_image(png(Path("deep.png"), numbers("uint16", 3)))
    marked = write_picture(Picture(**(deep.__dict__ | {"metadata": read_image("a.png").metadata})), "marked.png")
    with Image.open(marked) as after:
        assert after.getexif().get(0x010F) == "camera"
        assert round(after.info["dpi"][0]) == 300


def test_an_interrupted_folder_goes_on_where_it_stopped(run: Run, model: Path) -> None:
    for name in ("a", "b", "c"):
        Image.fromarray(noise()).save(f"{name}.png")
    Path("in").mkdir()
    for name in ("a", "b", "c"):
        Path(f"{name}.png").rename(f"in/{name}.png")
    Image.fromarray(noise(channels=4)).save("in/d.png")
    Path("in/d.png").rename("in/d.jpg")
    assert run("translate", "in", "-o", "out", "-m", model, "--attention")[0] == 0
    Path("out/b.png").unlink()
    before = {name: Path("out", name).stat().st_mtime_ns for name in files("out") if not name.startswith("attention")}
    code, out, err = run("translate", "in", "-o", "out", "-m", model, "--attention", "--skip-existing")
    said = "1 picture translated to out; 3 were there already\nmasks and heatmaps are in out/attention\n"
    assert (code, out, err) == (0, said, "")
    assert all(Path("out", name).stat().st_mtime_ns == stamp for name, stamp in before.items())
    code, out, _ = run("translate", "in", "-o", "out", "-m", model, "--skip-existing")
    assert (code, out) == (0, "all 4 pictures are in out already\n")
    assert run("translate", "in", "-o", "out", "-m", model, "--skip-existing", "--force")[0] == 2
    assert (pixels("out/b.png").shape) == (12, 16, 3)


@pytest.mark.filterwarnings(GREY)
def test_a_fixed_size_keeps_depth_and_background(run: Run, tmp_path: Path) -> None:
    write_model(tmp_path, "ugatit", width=4, blocks=1, light=False, image_size=32)
    values = numbers("uint16", 1)
    tifffile.imwrite("a.tif", values[0])
    Image.new("L", (WIDTH, HEIGHT)).save("mask.png")
    assert run("translate", "a.tif", "-o", "out", "-m", tmp_path, "--size", "fit", "--mask", "mask.png")[0] == 0
    assert np.array_equal(read_image("out/a.tif").numbers(), values)


@pytest.mark.filterwarnings(GREY)
def test_signed_pictures_of_little_contrast_are_warned_of() -> None:
    values = np.linspace(0, 400, 24 * 20).reshape(20, 24, 1).astype(np.int16)
    with pytest.warns(PictureWarning, match="Pictures of int16 use less than a sixteenth"):
        translator(Negative())(values)
