"""Masks that open: weights over a training, the contract, and what cannot be opened."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from attn_i2i.recipes import OpeningRecipe, make_recipe
from attn_i2i.testing import check_recipe
from attn_i2i.types import ConfigError, UnknownNameError

SMALL: dict[str, Any] = {"width": 2, "blocks": 1, "masks": 2, "discriminator": "pixelgan", "discriminator_width": 2}


def small(recipe: str = "attentiongan2", **options: Any) -> Any:
    return make_recipe(recipe, **{**SMALL, **options})


def trained(recipe: OpeningRecipe, steps: int) -> list[dict[str, Tensor]]:
    recipe.optimizers()
    batch = {domain: torch.rand(1, 3, 16, 16) for domain in "AB"}
    losses = []
    for step in range(steps):
        recipe.learning_rate(step, steps_per_epoch=2)
        losses.append(recipe.step(batch, lambda *_: None))
    return losses


def test_a_light_cycle_comes_first_and_grows_to_the_full_weight() -> None:
    recipe = small(preset="open", epochs=3, decay_epochs=2, objective={"identity": 2.0, "cycle": 4.0})
    losses = trained(recipe, 10)
    weights = [float(each["weight_cycle"]) for each in losses]
    assert weights == pytest.approx([0.3] * 5 + [(0.3 * 4.0) ** 0.5] + [4.0] * 4)
    for each, weight in zip(losses, weights, strict=True):
        assert 0 < float(each["cycle_A"]) < 2 * weight
    assert [("idt_A" in each) for each in losses] == [False] * 4 + [True] * 6
    assert all(0 < float(each["mask_A2B"]) < 1 for each in losses)


def test_an_opening_recipe_keeps_the_contract_with_augmentation_around_it() -> None:
    check_recipe(partial(small, preset="open", augment="adaptive", r1=1.0), size=32)


@pytest.mark.parametrize(
    ("recipe", "options", "error", "match"),
    [
        ("attentiongan2", {"preset": "open", "objective.cycle": 0}, ConfigError, "there is none"),
        ("attentiongan2", {"opening_until": 0.3}, ConfigError, "needs preset=open"),
        ("attentiongan2", {"preset": "open", "opening_until": 0.7}, ConfigError, "the second not below the first"),
        ("cyclegan", {"preset": "open", "masks": None}, UnknownNameError, "no preset 'open'"),
    ],
)
def test_what_opens_nothing_is_an_error(
    recipe: str, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    given = {name: value for name, value in {**SMALL, **options}.items() if value is not None}
    with pytest.raises(error, match=match):
        make_recipe(recipe, **given)


def test_a_generator_without_masks_is_refused_at_the_first_step() -> None:
    without = make_recipe("cyclegan", width=2, blocks=1, discriminator_width=2, opening_cycle=0.3)
    with pytest.raises(ConfigError, match="the generator cyclegan has none"):
        trained(without, 1)
