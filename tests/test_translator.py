"""From a network's answer to pictures: inputs of every kind, options, sizes, directions."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from attn_i2i.images.read import read_image
from attn_i2i.translate.generators import Generators
from attn_i2i.translate.loading import load
from attn_i2i.translate.translator import Translator
from attn_i2i.types import AttnI2IError, ModelError, ShapeError, Translation, UnknownNameError

from .helpers.translators import Brighten, FixedSize, Labelled, Negative, noise, translator


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


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"keep_background": True}, "no attention mask"),
        ({"threshold": 0.5}, "give one of your own with mask=FILE"),
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


def test_memory_that_does_not_suffice_is_an_error_with_advice() -> None:
    class Huge(Negative):
        def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
            return Translation(image.new_empty(2**60))

    with pytest.raises(ShapeError, match=r"image: 16x12 pixels need more memory.*reduce the picture"):
        translator(Huge())(noise())
    with pytest.raises(ShapeError, match=r"image-0001: 2 pictures of 16x12 pixels need.*smaller batch_size"):
        translator(Huge())([noise(), noise()])


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


def test_load_explains_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"\x80\x02")
    with pytest.raises(ModelError, match="convert it first"):
        load(tmp_path / "net.pth")
    with pytest.raises(ModelError, match=r"no config\.json"):
        load(tmp_path)


@pytest.mark.parametrize("margin", [1, 3, 20])
def test_what_a_network_eats_at_the_sides_is_given_to_it(margin: int) -> None:
    class Eats(Negative):
        def forward(self, image: torch.Tensor, domain: torch.Tensor | None = None) -> Translation:
            return super().forward(image[..., margin:-margin, margin:-margin], domain)

    network = Eats()
    network.margin = margin  # type: ignore[assignment]
    image = torch.rand(3, 16, 12)
    assert torch.equal(translator(network)(image).image, translator(Negative())(image).image)
