"""From a network's answer to pictures: inputs of every kind, masks, compositing, sizes, precision."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from attn_i2i.images import read_image
from attn_i2i.translator import Generators, Translator, load
from attn_i2i.types import AttnI2IError, ConfigError, ModelError, ShapeError, Translation, UnknownNameError


class Brighten(nn.Module):
    """Two contents behind two masks that cover the left half between them; the rest is background."""

    def __init__(self, background: bool = True) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(0.5))
        self.background = background
        self.batches: list[int] = []

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        self.batches.append(len(image))
        batch, _, height, width = image.shape
        foreground = image.new_zeros(batch, 2, height, width)
        foreground[:, 0, :, : width // 2] = 0.75
        foreground[:, 1, :, : width // 2] = 0.25
        left_over = 1 - foreground.sum(1, keepdim=True)
        contents = torch.stack([torch.ones_like(image) * self.level, torch.ones_like(image)], 1)
        output = (foreground[:, :, None] * contents).sum(1) + left_over * image
        heatmap = image.mean(1, keepdim=True)[..., ::2, ::2] * 7
        attention = torch.cat([foreground, left_over], 1) if self.background else foreground
        return Translation(output, attention, contents, heatmap=heatmap)


class Negative(nn.Module):
    """No attention at all."""

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(-image)


class FixedSize(Negative):
    """As a network whose matrix product fixes the size."""

    image_size = 16

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        assert image.shape[-2:] == (16, 16)
        return Brighten()(image)


class Labelled(nn.Module):
    """Paints the target label into the first pixels."""

    domains = 3

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        assert domain is not None
        image = image.clone()
        image[:, 0, 0, :3] = domain * 2 - 1
        return Translation(image)


def translator(*networks: nn.Module, domains: list[str] | None = None, **options: Any) -> Translator:
    """A translator with the directions A2B, B2A ... of the given networks."""
    config: Any = SimpleNamespace(architecture="test", domains=domains)
    return Translator(dict(zip(("A2B", "B2A"), networks, strict=False)), config, device="cpu", **options)


def noise(height: int = 12, width: int = 16, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, channels), dtype=np.uint8)


def test_every_kind_of_input_gives_the_same_result(tmp_path: Path) -> None:
    array = noise()
    Image.fromarray(array).save(tmp_path / "a.png")
    tensor = torch.from_numpy(array).permute(2, 0, 1) / 255
    translate = translator(Negative())
    for source in (tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(array), array, tensor):
        result = translate(source)
        assert result.image.dtype == torch.float32
        assert torch.allclose(result.image, 1 - tensor, atol=1e-6)


def test_one_gives_one_and_many_give_a_list_in_order() -> None:
    network = Brighten()
    translate = translator(network)
    results = translate([noise(12), noise(20), noise(12), noise(12)], batch_size=2)
    assert [tuple(result.image.shape[-2:]) for result in results] == [(12, 16), (20, 16), (12, 16), (12, 16)]
    assert network.batches == [2, 1, 1]
    assert [result.name for result in results] == ["image-0001", "image-0002", "image-0003", "image-0004"]
    assert torch.equal(results[1].source, read_image(noise(20)).rgb)
    assert len(translate(torch.rand(1, 3, 8, 8))) == 1
    assert translate([]) == []


@pytest.mark.parametrize("background", [True, False])
def test_masks_are_told_apart(background: bool) -> None:
    result = translator(Brighten(background))(noise())
    assert result.foreground is not None
    assert result.background is not None
    assert result.mask is not None
    assert result.contents is not None
    assert result.foreground.shape == (2, 12, 16)
    assert result.contents.shape == (2, 3, 12, 16)
    assert torch.equal(result.mask, result.foreground.sum(0, keepdim=True))
    assert torch.equal(result.background, 1 - result.mask)
    assert result.contents[1].eq(1).all()


def test_the_heatmap_comes_at_image_size_in_the_unit_range() -> None:
    result = translator(Brighten())(noise())
    assert result.heatmap is not None
    assert result.raw_heatmap is not None
    assert result.heatmap.shape == (1, 12, 16)
    assert result.raw_heatmap.shape == (1, 6, 8)
    assert (result.heatmap.min(), result.heatmap.max()) == (0, 1)
    assert result.raw_heatmap.abs().max() > 1


@pytest.mark.filterwarnings("ignore:bfloat16 is slower")
def test_the_background_is_kept_bit_for_bit() -> None:
    array = noise()
    for dtype in ("float32", "bfloat16"):
        result = translator(Brighten(), dtype=dtype)(array, keep_background=True)
        assert (np.asarray(result.pil())[:, 8:] == array[:, 8:]).all(), dtype
        assert (np.asarray(result.pil())[:, :8] != array[:, :8]).any()


def test_without_compositing_the_network_has_its_way() -> None:
    result = translator(Negative())(noise())
    assert torch.allclose(result.image, 1 - result.source, atol=1e-6)


def test_a_mask_of_the_caller_limits_the_change_exactly() -> None:
    array = noise()
    mask = np.zeros((12, 16), bool)
    mask[3:5, 2:9] = True
    result = translator(Negative())(array, mask=mask)
    output = np.asarray(result.pil())
    assert (output[~mask] == array[~mask]).all()
    assert (output[mask] == 255 - array[mask]).all()
    both = translator(Brighten())(array, mask=mask, keep_background=True)
    assert (np.asarray(both.pil())[:, 8:] == array[:, 8:]).all()


def test_each_picture_may_have_its_mask_and_it_must_fit() -> None:
    translate = translator(Negative())
    on, off = np.ones((12, 16), np.uint8) * 255, np.zeros((12, 16), np.uint8)
    first, second = translate([noise(), noise()], mask=[on, off])
    assert torch.equal(second.image, second.source)
    assert not torch.equal(first.image, first.source)
    tensors = torch.rand(2, 3, 4, 4), torch.eye(2)[:, :1, None, None].expand(2, 1, 4, 4)
    assert [torch.equal(result.image, result.source) for result in translate(tensors[0], mask=tensors[1])] == [
        False,
        True,
    ]
    with pytest.raises(ShapeError, match="mask's shape"):
        translate(noise(8), mask=on)
    with pytest.raises(ConfigError, match="1 masks were given for 2"):
        translate([noise(), noise()], mask=[on])


def test_strength_goes_from_the_source_to_the_output() -> None:
    translate = translator(Brighten())
    none, half, full = (translate(noise(), strength=s) for s in (0.0, 0.5, 1.0))
    assert torch.equal(none.image, none.source)
    assert torch.allclose(half.image, (none.image + full.image) / 2, atol=1e-6)


def test_a_threshold_makes_the_mask_hard() -> None:
    class Soft(Brighten):
        def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
            ramp = torch.linspace(0, 1, image.shape[-1]).expand(len(image), 1, *image.shape[-2:])
            return Translation(-image, ramp, -image[:, None])

    result = translator(Soft())(noise(), threshold=0.5)
    assert result.mask is not None
    assert set(result.mask.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(result.image[..., :8], result.source[..., :8])
    assert torch.allclose(result.image[..., 8:], 1 - result.source[..., 8:], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"keep_background": True}, "no attention mask"),
        ({"threshold": 0.5}, "give a mask of your own"),
        ({"strength": 1.5}, "strength=1.5"),
        ({"size": "big"}, "size='big'"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"domain": "Blond_Hair"}, "one domain: leave it out"),
        ({"direction": "A2C"}, "Did you mean 'A2B'"),
    ],
)
def test_options_that_make_no_sense_are_named(options: dict[str, Any], says: str) -> None:
    with pytest.raises(AttnI2IError, match=says):
        translator(Negative())(noise(), **options)


def test_a_network_of_one_size_asks_for_fit() -> None:
    translate = translator(FixedSize())
    assert translate(noise(16)).image.shape == (3, 16, 16)
    with pytest.raises(ShapeError, match=r'image is 16x12.*16x16 only: size="fit"'):
        translate(noise(12))
    result = translate(noise(12, 40), size="fit", keep_background=True)
    assert result.foreground is not None
    assert result.contents is not None
    assert result.heatmap is not None
    assert result.image.shape == (3, 12, 40)
    assert result.foreground.shape == (2, 12, 40)
    assert result.contents.shape == (2, 3, 12, 40)
    assert result.heatmap.shape == (1, 12, 40)
    assert torch.equal(result.image[..., 30:], result.source[..., 30:])


@pytest.mark.parametrize("domain", ["a,c", ["a", "c"], (1, 0, 1), "1,0,1", torch.tensor([1, 0, 1]), ["c", "a"]])
def test_domains_are_names_or_vectors(domain: Any) -> None:
    result = translator(Labelled(), domains=["a", "b", "c"])(noise(), domain=domain)
    assert result.image[0, 0, :3].tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("domain", "says"),
    [(None, "a, b, c"), ("d", "No domain is named 'd'.*a, b, c"), ((1, 0), "3 numbers"), ((2, 0, 0), "from 0 to 1")],
)
def test_wrong_domains_are_told_the_right_ones(domain: Any, says: str) -> None:
    with pytest.raises(AttnI2IError, match=says):
        translator(Labelled(), domains=["a", "b", "c"])(noise(), domain=domain)


@pytest.mark.filterwarnings("ignore:bfloat16 is slower")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", torch.float64, "half"])
def test_precision_changes_neither_shape_nor_range(dtype: Any) -> None:
    for height, width in ((12, 16), (7, 5)):
        exact = translator(Brighten())(noise(height, width))
        result = translator(Brighten(), dtype=dtype)(noise(height, width))
        for name in ("image", "foreground", "background", "mask", "contents", "heatmap"):
            value = getattr(result, name)
            assert value.dtype == torch.float32
            assert value.shape == getattr(exact, name).shape
            assert 0 <= value.min() <= value.max() <= 1
        assert torch.allclose(result.image, exact.image, atol=0.02)


def test_numbers_that_are_none_are_an_error_with_advice() -> None:
    class Overflow(Negative):
        def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
            return Translation(image * 1e5)

    with pytest.raises(ModelError, match="float16: use bfloat16"):
        translator(Overflow(), dtype="float16")(noise())


def test_memory_that_does_not_suffice_is_an_error_with_advice() -> None:
    class Huge(Negative):
        def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
            return Translation(image.new_empty(2**60))

    with pytest.raises(ShapeError, match="smaller batch_size"):
        translator(Huge())(noise())


def test_scheme_one_contents_outside_the_range_are_clipped() -> None:
    class Wild(Negative):
        def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
            return Translation(image * 9, torch.ones_like(image[:, :1]), image[:, None] * 9)

    result = translator(Wild())(noise())
    assert result.contents is not None
    assert 0 <= result.image.min() <= result.image.max() <= 1
    assert 0 <= result.contents.min() <= result.contents.max() <= 1


def test_directions_are_built_when_asked_for() -> None:
    built = []

    def build(direction: str) -> nn.Module:
        built.append(direction)
        return Negative()

    config: Any = SimpleNamespace(architecture="test", domains=None)
    translate = Translator(Generators(["A2B", "B2A"], build), config, device="cpu")
    assert (translate.directions, built) == (["A2B", "B2A"], [])
    translate(noise(), direction="B2A")
    translate(noise(), direction="B2A")
    assert built == ["B2A"]
    assert translate.generator is translate.generators["A2B"]
    with pytest.raises(UnknownNameError, match=r"B2C.*Did you mean 'B2A'"):
        Translator(Generators(["A2B", "B2A"], build), config, device="cpu", direction="B2C")


@pytest.mark.parametrize(("options", "says"), [({"device": "warp"}, "'warp'"), ({"dtype": "int8"}, "float32")])
def test_devices_and_precisions_are_checked(options: dict[str, Any], says: str) -> None:
    config: Any = SimpleNamespace(architecture="test", domains=None)
    with pytest.raises(ConfigError, match=says):
        Translator({"A2B": Negative()}, config, **options)


def test_results_are_saved_with_transparency_under_their_names(tmp_path: Path) -> None:
    rgba = noise(channels=4)
    Image.fromarray(rgba).save(tmp_path / "in.png")
    result = translator(Negative())(tmp_path / "in.png")
    (tmp_path / "out").mkdir()
    path = result.save(tmp_path / "out")
    assert path == tmp_path / "out" / "in.png"
    with Image.open(path) as saved:
        assert (np.asarray(saved)[..., 3] == rgba[..., 3]).all()
    with pytest.raises(AttnI2IError, match="exists already"):
        result.save(path)
    result.save(path, force=True)
    renamed = (tmp_path / "in.png").rename(tmp_path / "in.jpg")
    assert translator(Negative())(renamed).save(tmp_path / "out", force=True) == path


def test_pictures_of_a_result_show_what_they_say() -> None:
    array = noise(64, 64)
    result = translator(Brighten())(array)
    assert (np.asarray(result.mask_image()) == np.repeat([[255, 0]], 32, 1)).all()
    cutout = np.asarray(result.cutout())
    assert cutout.shape == (64, 64, 4)
    assert (cutout[..., 3] == np.repeat([[255, 0]], 32, 1)).all()
    assert result.overlay().size == result.heatmap_image().size == (64, 64)
    overlay = np.asarray(result.overlay()).astype(int)
    assert overlay[:, :32].sum() > overlay[:, 32:].sum()
    assert [label for label, _ in result.tiles()] == ["input", "mask", "overlay", "heatmap", "output"]
    width, height = result.grid().size
    assert 3 * 128 < height < 3 * 256
    assert 5 * 128 < width < 1600
    assert repr(result) == "Result('image', 64x64, masks=2, heatmap)"


def test_pictures_of_what_is_absent_are_errors() -> None:
    result = translator(Negative())(noise())
    for picture in (result.mask_image, result.heatmap_image, result.overlay, result.cutout):
        with pytest.raises(ConfigError, match="this network gives no"):
            picture()
    assert result.grid().size[0] > 256
    masked = translator(Negative())(noise(), mask=np.ones((12, 16), bool))
    assert masked.cutout().mode == "RGBA"


def test_load_explains_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"x")
    with pytest.raises(ModelError, match="convert it first"):
        load(tmp_path / "net.pth")
    with pytest.raises(ModelError, match=r"no config\.json"):
        load(tmp_path)
