"""Every option of CycleGAN's networks keeps the contract, and trains like the default."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from attn_i2i.models.build import create, create_discriminator
from attn_i2i.models.config import ModelConfig
from attn_i2i.plugins import zoo
from attn_i2i.testing import check_discriminator, check_generator
from attn_i2i.translate.translator import Translator
from attn_i2i.types import ConfigError

SMALL = {"width": 4, "blocks": 1}
GENERATORS: list[tuple[str, dict[str, Any]]] = [
    ("cyclegan", {**SMALL, "down": "blur", "up": "blur", "norm": "none", "bias": False}),
    ("cyclegan", {**SMALL, "up": "nearest", "norm": "instance_affine", "padding": "replicate"}),
    ("unet", {"levels": 3, "width": 4, "norm": "instance", "dropout": 0.0}),
    ("unet", {"levels": 3, "width": 4, "norm": "instance", "dropout": 0.0, "style": "pytorch-gan"}),
]
DISCRIMINATORS: list[tuple[str, dict[str, Any]]] = [
    ("patchgan", {"width": 4, "blur": True}),
    ("patchgan", {"width": 4, "layers": 4, "shifted": True, "logits_bias": False, "padding_mode": "reflect"}),
    ("pixelgan", {"width": 4}),
]


@pytest.mark.parametrize(("name", "options"), GENERATORS)
def test_a_generator_keeps_the_contract(name: str, options: dict[str, Any]) -> None:
    check_generator(lambda: create(name, **options))


@pytest.mark.parametrize(("name", "options"), DISCRIMINATORS)
def test_a_discriminator_keeps_the_contract(name: str, options: dict[str, Any]) -> None:
    check_discriminator(lambda: create_discriminator(name, **options))


def test_networks_say_how_many_channels_they_take_and_make() -> None:
    for name, options in (("cyclegan", SMALL), ("unet", {"levels": 3, "width": 4})):
        network = create(name, **options, in_channels=4, out_channels=1)
        assert network.channels == (4, 1)
        assert network.eval()(torch.zeros(1, 4, 21, 32)).image.shape == (1, 1, 21, 32)


@pytest.mark.parametrize("edge", [1, 4])
def test_a_translated_picture_keeps_its_size_and_place(edge: int) -> None:
    """A network that answers for the middle of a picture alone is given more, and one that answers for more is cut."""
    network = create("cyclegan", **SMALL, up="nearest", edge=edge).eval()
    translate = Translator({"A2B": network}, ModelConfig("cyclegan", {}, ["A2B"]), device="cpu")
    picture = torch.rand(3, 32, 40)
    result = translate(picture, strength=0.5)
    assert result.image.shape == (3, 32, 40)
    x = picture[None] * 2 - 1
    whole = network(torch.nn.functional.pad(x, (4, 4, 4, 4), mode="reflect") if edge == 1 else x).image
    start = 0 if edge == 1 else 2
    assert torch.allclose(
        translate(picture).image, whole[0, :, start : start + 32, start : start + 40] / 2 + 0.5, atol=0.01
    )


def test_dropout_acts_in_training_only() -> None:
    network, x = create("cyclegan", **SMALL, dropout=0.5), torch.rand(1, 3, 16, 16)
    assert not torch.equal(network(x).image, network(x).image)
    assert torch.equal(network.eval()(x).image, network(x).image)


def test_an_option_that_does_not_exist_is_named() -> None:
    for name, options in (("cyclegan", {"up": "shuffle"}), ("cyclegan", {"down": "max"}), ("unet", {"style": "other"})):
        with pytest.raises(ConfigError, match=next(iter(options.values()))):
            create(name, **options)


def test_a_u_net_trains_against_another_discriminator() -> None:
    recipe = zoo().recipes.load("cyclegan")(
        generator="unet",
        discriminator="pixelgan",
        **{"generator.levels": 3, "generator.width": 4, "discriminator.width": 4},
    )
    before = {key: tensor.clone() for key, tensor in recipe.networks.state_dict().items()}
    optimizers = recipe.optimizers()

    def update(name: str, loss: torch.Tensor) -> None:
        optimizers[name].zero_grad()
        loss.backward()
        optimizers[name].step()

    recipe.step({"A": torch.rand(1, 3, 16, 16), "B": torch.rand(1, 3, 16, 16)}, update)
    assert any(not torch.equal(before[key], tensor) for key, tensor in recipe.networks.state_dict().items())
