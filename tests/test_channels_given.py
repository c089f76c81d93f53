"""Networks that are given may have other channels in each domain, as long as they agree."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from attn_i2i.blocks import PatchDiscriminator
from attn_i2i.models.build import create, create_discriminator
from attn_i2i.recipes import make_recipe
from attn_i2i.types import ConfigError


def given(a: int, b: int, d_a: int, d_b: int) -> nn.ModuleDict:
    """Networks between a domain of ``a`` channels and one of ``b``, and discriminators of ``d_a`` and ``d_b``."""
    make = partial(create, "cyclegan", width=2, blocks=1)
    generators = {"G_A2B": make(in_channels=a, out_channels=b), "G_B2A": make(in_channels=b, out_channels=a)}
    return nn.ModuleDict(generators | {"D_A": PatchDiscriminator(d_a, 2), "D_B": PatchDiscriminator(d_b, 2)})


def test_given_networks_agree_domain_by_domain() -> None:
    recipe = make_recipe("cyclegan", networks=given(1, 3, 1, 3), objective={"identity": 0})
    optimizers = recipe.optimizers()
    batch = {"A": torch.zeros(1, 1, 32, 32), "B": torch.zeros(1, 3, 32, 32)}
    losses = recipe.step(batch, lambda name, loss: (loss.backward(), optimizers[name].step()))
    assert all(loss.isfinite() for loss in losses.values())


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        (lambda: given(1, 3, 3, 3), "discriminator D_A has channels=3, .* have channels=1:"),
        (lambda: given(1, 3, 1, 1), "discriminator D_B has channels=1, .* have channels=3:"),
        (
            lambda: nn.ModuleDict({**given(1, 3, 1, 3), "G_B2A": create("cyclegan", width=2, blocks=1)}),
            "generator G_B2A has channels=3, .* have in_channels=3 and out_channels=1:",
        ),
    ],
)
def test_given_networks_that_disagree_are_refused(networks: Callable[[], nn.ModuleDict], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_recipe("cyclegan", networks=networks())


@pytest.mark.parametrize("term", ["identity", "pixel"])
def test_terms_that_compare_domains_need_the_same_channels(term: str) -> None:
    weights = {"identity": 0} | {term: 1}
    with pytest.raises(ConfigError, match=f"in_channels=1 and out_channels=3, .* set objective.{term}=0"):
        make_recipe("cyclegan", networks=given(1, 3, 1, 3), objective=weights)


def test_with_labels_all_domains_have_the_same_channels() -> None:
    class Colours(nn.Module):
        domains, channels = 2, (1, 3)

    networks = nn.ModuleDict(
        {"G": Colours(), "D": create_discriminator("stargan", width=2, layers=3, image_size=32, domains=2)}
    )
    with pytest.raises(ConfigError, match=r"generator G has in_channels=1 and out_channels=3, .* have channels=1:"):
        make_recipe("stargan", networks=networks)


@pytest.mark.parametrize("channels", ["1,3", (1, 3), 0, 1.5])
def test_a_training_tells_channels_as_one_number(channels: object) -> None:
    with pytest.raises(ConfigError, match=r"channels=.* expected one number from 1 on, which both domains .* Python"):
        make_recipe("cyclegan", channels=channels)
