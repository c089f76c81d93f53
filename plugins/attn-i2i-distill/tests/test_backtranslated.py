"""Back-translation: what the generators are shown, what they are drawn to, and what a run is bound to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from attn_i2i.models.build import create
from attn_i2i.models.config import ModelConfig, read_config
from attn_i2i.models.directory import save_model
from attn_i2i.plugins import zoo
from attn_i2i.train import train
from attn_i2i.types import AttnI2IError, ConfigError, ShapeError, UnknownNameError
from small import ENGINE, PLAIN, SMALL, answer, learn, weights
from torch import Tensor

NAME = "attentiongan2-backtranslated"


def make(*teachers: Path, masked_by: tuple[Path, ...] = (), **options: Any) -> Any:
    torch.manual_seed(0)
    named = {"teachers": ",".join(map(str, teachers)), "masked_by": ",".join(map(str, masked_by))}
    return zoo().recipes.load(NAME)(**{**SMALL, "shift": 0, "noise": 0.0, **named, **options})


def run(data: Path, folder: Path, *teachers: Path, masked_by: str = "", **options: Any) -> Path:
    chosen = {**SMALL, "teachers": ",".join(map(str, teachers)), "masked_by": masked_by, "shift": 2, "steps": 4}
    return train(NAME, data, folder, recipe_options=chosen, **ENGINE, **options)


@pytest.mark.parametrize(("way", "back"), [("A2B", "B2A"), ("B2A", "A2B")])
def test_the_wanted_image_is_real_and_the_shown_one_a_teachers(
    models: dict[str, Path], image: Tensor, way: str, back: str
) -> None:
    batch = {way[0]: torch.zeros_like(image), way[-1]: image}
    shown, wanted = make(models["plain"]).example(way, batch)
    torch.testing.assert_close(wanted, image, rtol=0, atol=0)
    torch.testing.assert_close(shown, answer(models["plain"], back, image).image, rtol=1e-4, atol=1e-5)
    assert (shown - answer(models["plain"], way, image).image).abs().mean() > 0.01


def test_losses_are_distances_to_the_real_image(models: dict[str, Path], image: Tensor) -> None:
    recipe, seen = make(models["plain"]), []
    losses = recipe.step({"A": image, "B": image.flip(-1)}, lambda optimizer, loss: seen.append((optimizer, loss)))
    for way, real in (("A2B", image.flip(-1)), ("B2A", image)):
        shown = answer(models["plain"], {"A2B": "B2A", "B2A": "A2B"}[way], real).image
        expected = (recipe.networks[f"G_{way}"](shown).image - real).abs().mean()
        torch.testing.assert_close(losses[way[0]], expected.detach(), rtol=1e-4, atol=1e-5)
    ((optimizer, total),) = seen
    assert optimizer == "G"
    torch.testing.assert_close(total.detach(), losses["A"] + losses["B"])
    total.backward()
    assert all(one.grad is not None for one in recipe.networks.parameters())


@pytest.mark.parametrize("gain", [0.0, 1.0, 10.0])
def test_changes_count_as_far_as_the_masks_reach(models: dict[str, Path], image: Tensor, gain: float) -> None:
    masked, other, plain = (answer(models[name], "B2A", image) for name in ("masked", "other", "plain"))
    assert masked.attention is not None
    assert other.attention is not None
    mask = (masked.attention[:, :-1].sum(1, keepdim=True) + other.attention) / 2
    recipe = make(models["plain"], masked_by=(models["masked"], models["other"], models["plain"]), gain=gain)
    shown, _ = recipe.example("A2B", {"A": image, "B": image})
    expected = image + (gain * mask).clamp(max=1) * (plain.image - image)
    torch.testing.assert_close(shown, expected, rtol=1e-4, atol=1e-5)


def test_each_teacher_has_its_turn(models: dict[str, Path], image: Tensor) -> None:
    made = [answer(models[name], "B2A", image).image for name in ("plain", "other")]
    recipe = make(models["plain"], models["other"])
    turns = []
    for _ in range(20):
        shown, _ = recipe.example("A2B", {"A": image, "B": image})
        near = [(shown - one).abs().max().item() < 1e-4 for one in made]
        assert sum(near) == 1
        turns.append(near.index(True))
    assert 4 <= sum(turns) <= 16


def test_noise_has_a_deviation_of_its_own_for_each_image(models: dict[str, Path]) -> None:
    image = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    clean, _ = make(models["plain"]).example("A2B", {"A": image, "B": image})
    shown, wanted = make(models["plain"], noise=0.2).example("A2B", {"A": image, "B": image})
    assert wanted is image
    deviation = (shown - clean).std((1, 2, 3))
    assert 0 < deviation.min() < 0.02
    assert 0.18 < deviation.max() < 0.205
    assert deviation.mean().item() == pytest.approx(0.1, abs=0.03)


def test_the_pair_is_moved_together(models: dict[str, Path], image: Tensor) -> None:
    recipe = make(models["plain"], shift=5)
    places = set()
    for _ in range(4):
        shown, wanted = recipe.example("A2B", {"A": image, "B": image})
        torch.testing.assert_close(shown, answer(models["plain"], "B2A", wanted).image, rtol=1e-4, atol=1e-5)
        places.add(wanted.sum().item())
    assert len(places) == 4
    with pytest.raises(ShapeError, match="shift=32 was given for images of 32x32"):
        make(models["plain"], shift=32).example("A2B", {"A": image, "B": image})


def test_it_learns_to_undo_the_teacher(models: dict[str, Path], image: Tensor) -> None:
    seen = learn(make(models["plain"], steps=40), image, 40)
    assert seen[-1] < 0.8 * seen[0]


def test_models_that_will_not_do_are_named(models: dict[str, Path], tmp_path: Path, image: Tensor) -> None:
    with pytest.raises(ConfigError, match="no teachers were given"):
        make()
    with pytest.raises(UnknownNameError, match="no-such-model"):
        make(models["plain"], masked_by=(Path("no-such-model"),))
    state = create("cyclegan", **PLAIN).state_dict()
    save_model(tmp_path / "one", ModelConfig("cyclegan", PLAIN, ["A2B"]), {"A2B": state})
    with pytest.raises(ConfigError, match=f"{NAME}: the teacher .*one translates A2B, expected A2B and B2A"):
        make(models["plain"], masked_by=(tmp_path / "one",))
    small = image[..., :16, :16]
    with pytest.raises(AttnI2IError, match=r"the teacher one-size@[0-9a-f]{12}: .*32x32"):
        make(models["one-size"]).example("A2B", {"A": small, "B": small})


def test_a_stopped_run_ends_as_one_that_was_not_and_knows_its_models(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    teachers, masked_by = (models["plain"], models["other"]), str(models["masked"])
    whole = run(data, tmp_path / "whole", *teachers, masked_by=masked_by)
    run(data, tmp_path / "cut", *teachers, masked_by=masked_by, steps=2)
    stopped = run(data, tmp_path / "cut", *teachers, masked_by=masked_by, resume=True, steps=4)
    assert weights(stopped) == weights(whole)
    told = read_config(whole).provenance["trained"]["options"]
    assert [one.split("@")[0] for one in told["teachers"].split(",")] == ["plain", "other"]
    assert told["masked_by"].split("@")[0] == "masked"
    with pytest.raises(ConfigError, match="masked_by"):
        run(data, tmp_path / "cut", *teachers, resume=True)
