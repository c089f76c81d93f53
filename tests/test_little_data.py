"""Little data: what discriminators are shown, how the strength follows them, R1, and that a run goes on exactly."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attn_i2i import Verdict
from attn_i2i.interfaces import Layout, Update
from attn_i2i.losses import r1_penalty
from attn_i2i.recipes import Lens, LittleDataOptions, LittleDataRecipe, make_recipe
from attn_i2i.recipes.augment import brightened, contrasted, cut_out, saturated, translated
from attn_i2i.recipes.lens import KINDS
from attn_i2i.testing import check_recipe
from attn_i2i.train import TrainOptions
from attn_i2i.train.average import LITTLE, averaged
from attn_i2i.train.record import read_record
from attn_i2i.types import ConfigError

from .helpers.tiny_training import TinyRecipe
from .helpers.trainings import SMALL, run, weights

ALL = ",".join(KINDS)


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picture(*shape: int) -> Tensor:
    return torch.rand(shape, generator=drawn(), dtype=torch.float64) * 2 - 1


def test_each_change_is_its_formula() -> None:
    images = picture(2, 5, 8, 6)
    by = torch.tensor([0.25, 2.0], dtype=torch.float64)
    per_image = by[:, None, None, None]
    grey, mean = images.mean(1, keepdim=True), images.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(brightened(images, by), images + per_image, rtol=0, atol=0)
    torch.testing.assert_close(saturated(images, by), per_image * images + (1 - per_image) * grey)
    torch.testing.assert_close(contrasted(images, by), per_image * images + (1 - per_image) * mean)
    torch.testing.assert_close(saturated(images[:, :1], by), images[:, :1])
    moved = translated(images, torch.tensor([2, -3]), torch.tensor([-1, 9]))
    assert torch.equal(moved[0, :, 2:, :5], images[0, :, :6, 1:])
    assert moved[0, :, :2].abs().sum() == moved[0, :, :, 5:].abs().sum() == moved[1].abs().sum() == 0
    cut = cut_out(images, torch.tensor([-1, 5]), torch.tensor([4, -6]), (4, 3))
    assert (cut == 0).sum((1, 2, 3)).tolist() == [5 * 3 * 2, 0]
    assert torch.equal(cut[0, :, 3:], images[0, :, 3:])


@pytest.mark.parametrize("channels", [1, 3, 7])
def test_a_lens_changes_all_or_none_and_lets_gradients_pass(channels: int) -> None:
    images = picture(16, channels, 16, 24).requires_grad_(True)
    shown, _ = Lens(KINDS, drawn())(images)
    assert all(not torch.equal(a, b) for a, b in zip(shown, images, strict=True))
    shown.sum().backward()
    assert images.grad is not None
    assert (images.grad.flatten(1).abs().sum(1) > 0).all()
    assert torch.equal(Lens(KINDS, drawn(), chance=0.0)(images)[0], images)


def test_a_mask_goes_where_its_image_goes() -> None:
    images = picture(32, 1, 16, 16)
    shown, masks = Lens(("translation", "cutout"), drawn())(images, images)
    assert torch.equal(shown, masks)
    assert torch.equal(Lens(("color",), drawn())(images, images)[1], images)


def linear(image: Tensor, weight: Tensor) -> tuple[Verdict, ...]:
    return (Verdict((image * weight).sum((1, 2, 3))[:, None, None, None]),)


def test_r1_of_linear_discriminators_is_the_square_of_their_weights() -> None:
    real, one, other = picture(3, 2, 4, 4), picture(2, 4, 4), picture(2, 4, 4) + 1
    square = one.square().sum()
    torch.testing.assert_close(r1_penalty(lambda x: linear(x, one), real), square)
    both = r1_penalty(lambda x: (*linear(x, one), *linear(x, other)), real)
    torch.testing.assert_close(both, square + other.square().sum())
    told = r1_penalty(lambda x: (linear(x, one)[0]._replace(cam_logits=linear(x, one)[0].logits.flatten(1)),), real)
    torch.testing.assert_close(told, 4 * square)


class Linear(nn.Module):
    """A linear discriminator that may be told what to say; it counts passes in a buffer."""

    passes: Tensor

    def __init__(self, says: float | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 8, 8))
        self.says = says
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        self.passes += 1
        (verdict,) = linear(image, self.weight)
        return (verdict if self.says is None else Verdict(verdict.logits * 0 + self.says),)


class Small(TinyRecipe):
    """One generator and a linear discriminator, which is updated with a loss of 0."""

    boundary = 0.5

    def __init__(self, says: float | None = None, calls: bool = True) -> None:
        super().__init__()
        self.calls = calls
        self.networks = nn.ModuleDict({"G_A2B": nn.Conv2d(3, 3, 1), "D_B": Linear(says)})
        self.layout = Layout("", {}, {"A2B": "G_A2B"}, "", {}, {"B": "D_B"})

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        if self.calls:
            self.networks["D_B"](batch["B"])
        update("D", 0.0 * self.networks["D_B"].weight.sum())
        return {}


def losses_of(recipe: LittleDataRecipe, steps: int) -> list[float]:
    told: list[float] = []
    batch = {"A": torch.rand(2, 3, 8, 8), "B": torch.rand(2, 3, 8, 8)}
    for _ in range(steps):
        recipe.step(batch, lambda _, loss: told.append(float(loss.detach())))
    return told


def test_r1_comes_at_its_turns_and_leaves_no_trace() -> None:
    inner = Small()
    little = LittleDataRecipe("small", inner, LittleDataOptions(r1=0.5, r1_every=3), seed=0)
    full = 0.5 * 0.5 * 3 * 8 * 8 * 3
    assert losses_of(little, 5) == pytest.approx([full, 0, 0, full, 0])
    assert inner.networks["D_B"].passes == 5


@pytest.mark.parametrize(("says", "chance"), [(1.0, 0.08), (0.0, 0.0)])
def test_the_strength_follows_what_discriminators_say_of_real_images(says: float, chance: float) -> None:
    little = LittleDataRecipe("small", Small(says), LittleDataOptions(augment="adaptive", augment_images=200), seed=0)
    losses_of(little, 11)  # two measurements, at steps 4 and 8, of 8 pictures each
    assert little.chance == pytest.approx(chance)


def test_a_recipe_that_looks_past_the_lens_is_an_error() -> None:
    little = LittleDataRecipe("small", Small(calls=False), LittleDataOptions(augment=ALL), seed=0)
    with pytest.raises(ConfigError, match="does not call its discriminators"):
        losses_of(little, 1)


@pytest.mark.parametrize(
    ("recipe", "options", "match"),
    [
        ("cyclegan", {"augment": "colour"}, "expected color, translation, cutout"),
        ("cyclegan", {"augment": "color,color"}, "color,color"),
        ("cyclegan", {"r1_every": 4}, "r1_every was given without effect"),
        ("cyclegan", {"augment": "color", "augment_target": 0.5}, "needs augment=adaptive"),
        ("cyclegan", {"augment": "adaptive", "augment_target": 1.5}, "between 0 and 1"),
        ("cyclegan", {"r1": -1.0}, "r1=-1.0"),
        ("stargan", {"augment": "adaptive"}, "without adaptive"),
    ],
)
def test_what_has_no_meaning_is_an_error_in_words(recipe: str, options: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        make_recipe(recipe, **options)


def test_a_guided_recipe_keeps_the_contract() -> None:
    options = {"width": 2, "blocks": 1, "masks": 2, "discriminator_width": 2, "preset": "paper"}
    check_recipe(partial(make_recipe, "attentiongan2", **options, augment="adaptive", r1=1.0, r1_every=2), size=64)


def test_older_runs_and_those_without_it_store_nothing_new() -> None:
    options = make_recipe("cyclegan", **SMALL).options
    assert (options["augment"], options["r1"], "r1_every" in options) == (None, None, False)
    assert make_recipe("cyclegan", **SMALL, r1=2, r1_every=4).options["r1_every"] == 4


def test_a_resumed_run_is_bit_identical(data: Path, tmp_path: Path) -> None:
    options = SMALL | {"augment": "adaptive", "augment_target": 0.01, "augment_images": 20, "r1": 1.0, "r1_every": 2}
    whole = run(data, tmp_path / "whole", recipe_options=options, steps=9, save_every=5)
    run(data, tmp_path / "cut", recipe_options=options, steps=5)
    assert weights(run(data, tmp_path / "cut", resume=True, steps=9, save_every=5)) == weights(whole)
    assert "augment_p" in (tmp_path / "cut/losses.csv").read_text().partition("\n")[0]
    assert weights(run(data, tmp_path / "plain", steps=9, save_every=5)) != weights(whole)
    decays = [read_record(tmp_path / name).options["ema"] for name in ("whole", "plain")]  # type: ignore[union-attr]
    assert decays == [LITTLE, 0.0]


@pytest.mark.parametrize(
    ("options", "asked", "decay"),
    [({"r1": 1.0}, None, LITTLE), ({"augment": "color"}, 0.0, 0.0), ({}, None, 0.0), ({}, 0.9, 0.9)],
)
def test_few_pictures_call_for_an_average_unless_it_is_told(
    options: dict[str, Any], asked: float | None, decay: float
) -> None:
    recipe = make_recipe("cyclegan", **SMALL, **options)
    assert averaged(TrainOptions(ema=asked), recipe).ema == decay
