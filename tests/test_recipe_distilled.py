"""Several models into one: what the generators are drawn to, where the teachers come from, what is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import attn_i2i
from attn_i2i.model import ModelConfig, create, read_config, save_model
from attn_i2i.plugins import zoo
from attn_i2i.testing import check_recipe
from attn_i2i.testing.training import default_batch
from attn_i2i.types import ConfigError, Translation, UnknownNameError

from .trainings import run, weights

SMALL = {"width": 4, "blocks": 1, "masks": 3}


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One model with masks and two without."""
    folder = tmp_path_factory.mktemp("teachers")
    torch.manual_seed(0)
    plain = {"width": 4, "blocks": 1}
    for name, architecture, options in (
        ("a", "attentiongan2", SMALL),
        ("b", "cyclegan", plain),
        ("c", "cyclegan", plain),
    ):
        states = {way: create(architecture, **options).state_dict() for way in ("A2B", "B2A")}
        save_model(folder / name, ModelConfig(architecture, dict(options), ["A2B", "B2A"]), states)
    return [folder / name for name in "abc"]


def one_way() -> tuple[ModelConfig, dict[str, Any]]:
    options = {"width": 4, "blocks": 1}
    return ModelConfig("cyclegan", options, ["A2B"]), {"A2B": create("cyclegan", **options).state_dict()}


def make(teachers: list[Path], **options: Any) -> Any:
    torch.manual_seed(0)
    recipe = zoo().recipes.load("attentiongan2-distilled")
    return recipe(**{**SMALL, "teachers": ",".join(map(str, teachers)), **options})


def losses_of(recipe: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    losses: dict[str, Tensor] = recipe.step(batch, lambda optimizer, loss: None)
    return losses


def test_it_keeps_the_contract(teachers: list[Path]) -> None:
    check_recipe(lambda: make(teachers), size=32)


def answers(teachers: list[Path], way: str, image: Tensor) -> list[Translation]:
    return [attn_i2i.load(path, device="cpu").generators[way](image) for path in teachers]


def test_without_masks_losses_are_distances_to_the_mean_image(teachers: list[Path]) -> None:
    batch = default_batch(32, 5)
    recipe = make([teachers[1], teachers[1], teachers[2]], shift=0)
    losses = losses_of(recipe, batch)
    for way, domain in (("A2B", "A"), ("B2A", "B")):
        first, second = (made.image for made in answers(teachers[1:], way, batch[domain]))
        assert (first - second).abs().mean() > 0.01
        made = recipe.networks[f"G_{way}"](batch[domain]).image
        expected = (made - (2 * first + second) / 3).abs().mean()
        torch.testing.assert_close(losses[domain], expected.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("gain", [0.0, 1.0, 10.0])
def test_changes_count_as_far_as_the_masks_reach(teachers: list[Path], gain: float) -> None:
    image = default_batch(32, 5)["A"]
    masked, plain = answers(teachers[:2], "A2B", image)
    assert masked.attention is not None
    reach = (gain * (1 - masked.attention[:, -1:])).clamp(max=1)  # the last is the background's
    expected = image + reach * ((masked.image + plain.image) / 2 - image)
    target = make(teachers[:2], shift=0, gain=gain)._target("A2B", image)
    torch.testing.assert_close(target, expected, rtol=1e-4, atol=1e-5)


def test_a_moved_image_is_translated_and_moved_back(teachers: list[Path]) -> None:
    recipe, batch = make(teachers, shift=3), default_batch(32, 5)
    losses_of(recipe, batch)
    sizes = set()

    def brighter(image: Tensor) -> Translation:
        sizes.add(tuple(image.shape[-2:]))
        mask = image[:, :1].abs() / 10
        return Translation(image + 1, torch.cat([mask, 1 - mask], 1), image[:, None])

    recipe._teachers = {way: [brighter, brighter] for way in ("A2B", "B2A")}
    for _ in range(4):  # other places each time
        target = recipe._target("A2B", batch["A"])
        torch.testing.assert_close(target, batch["A"] + batch["A"][:, :1].abs())
    assert sizes == {(35, 35)}


def test_more_steps_come_nearer(teachers: list[Path]) -> None:
    recipe, batch = make(teachers, shift=0), default_batch(32, 5)
    optimizers = recipe.optimizers()

    def update(optimizer: str, loss: Tensor) -> None:
        optimizers[optimizer].zero_grad()
        loss.backward()
        optimizers[optimizer].step()

    seen = [recipe.step(batch, update)["A"].item() for _ in range(40)]
    assert seen[-1] < 0.7 * seen[0]


@pytest.mark.parametrize("none", [[], [Path(" ")]])
def test_teachers_are_asked_for(none: list[Path]) -> None:
    with pytest.raises(ConfigError, match="no teachers were given; set teachers to names or folders of models"):
        make(none)


def test_a_teacher_that_will_not_do_is_named_before_anything_is_written(
    teachers: list[Path], data: Path, tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match="no-such-model"):
        run(data, tmp_path / "run", "attentiongan2-distilled", recipe_options={"teachers": "no-such-model"})
    save_model(tmp_path / "one", *one_way())
    with pytest.raises(ConfigError, match="one translates A2B, expected A2B and B2A"):
        run(data, tmp_path / "run", "attentiongan2-distilled", recipe_options={"teachers": str(tmp_path / "one")})
    assert not (tmp_path / "run").exists()


def test_the_model_has_no_discriminators_and_can_be_started_from(
    teachers: list[Path], data: Path, tmp_path: Path
) -> None:
    one = {**SMALL, "teachers": str(teachers[0]), "steps": 4}
    model = run(data, tmp_path / "run", "attentiongan2-distilled", recipe_options=one)
    assert read_config(model).discriminators is None
    assert not (model / "discriminators.safetensors").exists()
    options: dict[str, Any] = {"discriminator_width": 4, "discriminator_layers": 1}
    further = run(data, tmp_path / "gan", "attentiongan2", recipe_options=options, start=model, steps=1)
    options = {"teachers": str(teachers[0]), "learning_rate": 0.0}
    again = run(data, tmp_path / "still", "attentiongan2-distilled", recipe_options=options, start=further, steps=1)
    assert {"A2B.safetensors", "B2A.safetensors"} == weights(again).keys()
    assert weights(again).items() <= weights(further).items()
