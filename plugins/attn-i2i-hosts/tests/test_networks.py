"""Every host keeps attn_i2i's contract, as published and under an attention head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from attn_i2i.models import create
from attn_i2i.models.cards import get_card
from attn_i2i.plugins import manager
from attn_i2i.testing import check_discriminator, check_generator, check_plugin
from attn_i2i.types import ConfigError, ShapeError
from torch import nn

from attn_i2i_hosts.discogan.discriminator import DiscoDiscriminator
from attn_i2i_hosts.discogan.generator import DiscoGAN
from attn_i2i_hosts.drit.discriminator import DRITDiscriminator
from attn_i2i_hosts.drit.generator import DRIT
from attn_i2i_hosts.dualgan.discriminator import DualDiscriminator
from attn_i2i_hosts.dualgan.generator import DualGAN
from attn_i2i_hosts.dualgan.layers import DoublingConv, HalvingConv
from attn_i2i_hosts.munit.generator import MUNIT
from attn_i2i_hosts.unit.discriminator import MultiScaleDiscriminator
from attn_i2i_hosts.unit.generator import UNIT

GENERATORS: dict[str, Callable[..., nn.Module]] = {
    "discogan": lambda **options: DiscoGAN(4, **options),
    "discogan-extra": lambda **options: DiscoGAN(4, extra_layers=True, latent=6, **options),
    "dualgan": lambda **options: DualGAN(4, **options),
    "unit": lambda **options: UNIT(4, 1, **options),
    "unit-three-halvings": lambda **options: UNIT(4, 1, downs=3, **options),
    "munit": lambda **options: MUNIT(4, 1, 3, 5, **options),
    "drit": lambda **options: DRIT(4, style_dim=3, **options),
    "drit-feature": lambda **options: DRIT(4, style_dim=3, variant="feature", **options),
}
DISCRIMINATORS: dict[str, Callable[..., nn.Module]] = {
    "discogan": lambda **options: DiscoDiscriminator(4, **options),
    "dualgan": lambda **options: DualDiscriminator(4, image_size=64, **options),
    "dualgan-patch": lambda **options: DualDiscriminator(4, kind="patch", **options),
    "unit": lambda **options: MultiScaleDiscriminator(4, 3, 2, **options),
    "drit": lambda **options: DRITDiscriminator(4, **options),
    "drit-one-scale": lambda **options: DRITDiscriminator(4, scales=1, **options),
}


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("options", [{}, {"masks": 3}, {"cam": True}, {"masks": 3, "cam": True, "norm": "adalin"}])
def test_a_generator_keeps_the_contract(name: str, options: dict[str, Any]) -> None:
    steered = name.startswith(("unit", "munit", "drit"))
    options = {option: value for option, value in options.items() if steered or option != "norm"}
    check_generator(lambda: GENERATORS[name](**options))


@pytest.mark.parametrize("name", DISCRIMINATORS)
@pytest.mark.parametrize("options", [{}, {"guided": True, "cam": True}])
def test_a_discriminator_keeps_the_contract(name: str, options: dict[str, Any]) -> None:
    check_discriminator(lambda: DISCRIMINATORS[name](**options))


@pytest.mark.parametrize("name", GENERATORS)
def test_the_head_shows_the_source_where_its_background_mask_is(name: str) -> None:
    generator = GENERATORS[name](masks=3).eval()
    head = getattr(generator, "head", None) or generator.decoder.head
    image = torch.rand(1, 3, 41, 70) * 2 - 1
    with torch.no_grad():
        head.attention.bias.copy_(torch.tensor([0.0, 0.0, 60.0]))
        translation = generator(image)
    assert translation.contents.shape == (1, 2, 3, 41, 70)
    torch.testing.assert_close(translation.image, image)


@pytest.mark.parametrize("name", GENERATORS)
def test_other_channels_than_three_where_no_mask_is_made(name: str) -> None:
    generator = GENERATORS[name](in_channels=1, out_channels=2).eval()
    with torch.no_grad():
        assert generator(torch.zeros(2, 1, 64, 64)).image.shape == (2, 2, 64, 64)
    assert generator.channels == (1, 2)
    with pytest.raises(ConfigError, match="masks need three channels"):
        GENERATORS[name](in_channels=1, masks=3)


@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_an_answer_of_discogan_depends_on_its_batch_only_as_asked(statistics: str) -> None:
    generator = DiscoGAN(4, statistics=statistics).eval()
    images = torch.rand(3, 3, 32, 32) * 2 - 1
    before = generator.down[0].norm.running_mean.clone()
    with torch.no_grad():
        alone, together = generator(images[:1]).image, generator(images).image[:1]
    assert torch.allclose(alone, together, atol=1e-5) == (statistics == "running")
    assert torch.equal(before, generator.down[0].norm.running_mean)


@pytest.mark.parametrize(("options", "side"), [({}, 16), ({"extra_layers": True}, 64)])
def test_one_picture_of_which_a_pixel_is_left_has_no_batch_statistics(options: dict[str, Any], side: int) -> None:
    image = torch.rand(2, 3, side, side) * 2 - 1
    with pytest.raises(ShapeError, match="batch_size=2"):
        DiscoGAN(4, **options)(image[:1])
    generator = DiscoGAN(4, statistics="batch", **options).eval()
    with pytest.raises(ShapeError, match="statistics=running"):
        generator(image[:1])
    assert generator(image).image.isfinite().all()


def test_dualgan_is_exported_for_one_size_only() -> None:
    """Tracing it for every size came to no end."""
    free = torch.export.Dim.DYNAMIC
    with pytest.raises(ConfigError, match=r"fix the size \(size=256\)"):
        torch.export.export(DualGAN(1).eval(), (torch.zeros(1, 3, 30, 41),), dynamic_shapes=({2: free, 3: free},))


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 64])
@pytest.mark.parametrize("kernel", [3, 5])
def test_a_doubling_is_the_gradient_of_its_halving(size: int, kernel: int) -> None:
    halving, doubling = HalvingConv(2, 3, kernel).double(), DoublingConv(3, 2, kernel).double()
    doubling.weight.data, doubling.bias.data = halving.weight.data, torch.zeros(2, dtype=torch.float64)
    x = torch.randn(1, 2, size, size + 1, dtype=torch.float64, requires_grad=True)
    answer = halving(x)
    assert answer.shape[2:] == (-(-size // 2), -(-(size + 1) // 2))
    upstream = torch.randn_like(answer)
    (gradient,) = torch.autograd.grad(answer, x, upstream)
    torch.testing.assert_close(doubling(upstream, (size, size + 1)), gradient)


@pytest.mark.parametrize(
    ("network", "side"),
    [(DiscoDiscriminator(2), 60), (DualDiscriminator(2, image_size=64), 96), (DRITDiscriminator(2), 40)],
)
def test_a_size_that_a_discriminator_cannot_take_is_named(network: nn.Module, side: int) -> None:
    with pytest.raises(ShapeError, match=str(side)):
        network(torch.zeros(1, 3, side, side))


def test_every_registered_part_keeps_the_contract() -> None:
    small = {"width": 4, "discriminator_width": 4, "blocks": 1, "style_dim": 3, "mlp_width": 5, "image_size": 128}
    small |= {"content_layers": 2, "discriminator_content_layers": 2}
    checked = list(check_plugin(manager(), "hosts", small))
    assert not [one for one in checked if one.problem]


CARDS = [("unit-gta2city", UNIT), ("munit-edges2shoes", MUNIT), ("drit-yosemite", DRIT)]


@pytest.mark.parametrize(("name", "generator"), CARDS)
def test_a_card_tells_of_a_network_that_can_be_built(name: str, generator: type[nn.Module]) -> None:
    card = get_card(name)
    with torch.device("meta"):
        assert isinstance(create(card.architecture, **card.config), generator)
    assert set(card.directions) == {"A2B", "B2A"}
    assert card.licence in ("CC-BY-NC-SA-4.0", "unstated")


def test_noise_is_an_input_of_the_hosts_that_draw_it() -> None:
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    for generator in (UNIT(4, 1).eval(), DRIT(4, style_dim=3).eval()):
        with torch.no_grad():
            plain = generator(image).image
            noise = torch.randn(1, 16, 8, 8)
            noisy = generator(image, noise=noise).image
            assert not torch.allclose(plain, noisy)
            torch.testing.assert_close(generator(image, noise=0 * noise).image, plain)
