"""Several models into one: what the generators are drawn to, where the teachers come from, what is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from attn_i2i.models.build import create
from attn_i2i.models.config import ModelConfig, read_config
from attn_i2i.models.directory import save_model
from attn_i2i.plugins import manager, zoo
from attn_i2i.testing import check_plugin
from attn_i2i.train import train
from attn_i2i.types import AttnI2IError, ConfigError, ModelError, ShapeError, Translation, UnknownNameError
from small import ENGINE, PLAIN, SMALL, answer, learn, weights
from torch import Tensor


def make(*teachers: Path, **options: Any) -> Any:
    torch.manual_seed(0)
    names = ",".join(map(str, teachers))
    return zoo().recipes.load("attentiongan2-distilled")(**{**SMALL, "teachers": names, **options})


def run(data: Path, folder: Path, *teachers: Path, **options: Any) -> Path:
    chosen = {**SMALL, "teachers": ",".join(map(str, teachers)), "steps": 4}
    return train("attentiongan2-distilled", data, folder, recipe_options=chosen, **ENGINE, **options)


def test_it_keeps_the_contract() -> None:
    checked = list(check_plugin(manager(), "distill", {**SMALL, "teachers": "attentiongan2-flat2clay"}))
    assert sorted((one.name, one.problem) for one in checked) == [
        ("attentiongan2-backtranslated", None),
        ("attentiongan2-distilled", None),
    ]


def test_without_masks_losses_are_distances_to_the_mean_image(models: dict[str, Path], image: Tensor) -> None:
    recipe = make(models["plain"], models["open"], shift=0)
    losses = recipe.step({"A": image, "B": image.flip(-1)}, lambda optimizer, loss: None)
    for way, domain, given in (("A2B", "A", image), ("B2A", "B", image.flip(-1))):
        first, second = (answer(models[name], way, given).image for name in ("plain", "open"))
        assert (first - second).abs().mean() > 0.01
        expected = (recipe.networks[f"G_{way}"](given).image - (first + second) / 2).abs().mean()
        torch.testing.assert_close(losses[domain], expected.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("gain", [0.0, 1.0, 10.0])
def test_changes_count_as_far_as_the_masks_reach(models: dict[str, Path], image: Tensor, gain: float) -> None:
    masked, other, plain = (answer(models[name], "A2B", image) for name in ("masked", "other", "plain"))
    assert masked.attention is not None
    assert other.attention is not None
    mask = (masked.attention[:, :-1].sum(1, keepdim=True) + other.attention) / 2
    change = (masked.image + other.image + plain.image) / 3 - image
    target = make(*(models[name] for name in ("masked", "other", "plain")), shift=0, gain=gain).target("A2B", image)
    torch.testing.assert_close(target, image + (gain * mask).clamp(max=1) * change, rtol=1e-4, atol=1e-5)


def test_a_teacher_named_twice_counts_twice(models: dict[str, Path], image: Tensor) -> None:
    target = make(*(models[name] for name in ("plain", "open", "plain")), shift=0).target("A2B", image)
    plain, other = (answer(models[name], "A2B", image).image for name in ("plain", "open"))
    torch.testing.assert_close(target, (2 * plain + other) / 3, rtol=1e-4, atol=1e-5)


class Brighter(torch.nn.Module):
    """Adds 1, under a mask of a tenth of the red; keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, image: Tensor) -> Translation:
        self.seen.append(image)
        mask = image[:, :1].abs() / 10
        return Translation(image + 1, torch.cat([mask, 1 - mask], 1), image[:, None])


def test_a_moved_image_is_translated_and_moved_back(models: dict[str, Path], image: Tensor) -> None:
    recipe = make(models["plain"], models["plain"], shift=3)
    teachers = recipe.teachers._built["A2B"] = torch.nn.ModuleList([Brighter(), Brighter()])
    for _ in range(8):
        torch.testing.assert_close(recipe.target("A2B", image), image + image[:, :1].abs())
    seen = [[shown.sum().item() for shown in teacher.seen] for teacher in teachers]
    assert {tuple(shown.shape[-2:]) for teacher in teachers for shown in teacher.seen} == {(35, 35)}
    assert len(set(seen[0])) > 3  # other places at each step
    assert seen[0] != seen[1]  # and for each teacher
    again = make(models["plain"], models["plain"], shift=3, seed=1)
    again.teachers._built["A2B"] = torch.nn.ModuleList([Brighter(), Brighter()])
    for _ in range(8):
        again.target("A2B", image)
    assert [shown.sum().item() for shown in again.teachers._built["A2B"][0].seen] != seen[0]


def test_more_steps_come_nearer_and_the_rate_falls(models: dict[str, Path], image: Tensor) -> None:
    recipe = make(models["masked"], models["plain"], shift=0, steps=10)
    seen = learn(recipe, image, 40)
    assert seen[-1] < 0.7 * seen[0]
    assert [recipe.learning_rate(step, 5) for step in (0, 4, 9)] == pytest.approx([9e-4, 5e-4, 0])
    assert recipe.total_steps(5) == 10


@pytest.mark.parametrize("none", ["", " , "])
def test_teachers_are_asked_for(none: str) -> None:
    with pytest.raises(ConfigError, match="no teachers were given; set teachers to names or folders of models"):
        make(Path(), teachers=none)


def test_a_teacher_that_will_not_do_is_named_before_anything_is_written(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match="no-such-model"):
        run(data, tmp_path / "run", Path("no-such-model"))
    state = create("cyclegan", **PLAIN).state_dict()
    save_model(tmp_path / "one", ModelConfig("cyclegan", PLAIN, ["A2B"]), {"A2B": state})
    with pytest.raises(ConfigError, match="one translates A2B, expected A2B and B2A"):
        run(data, tmp_path / "run", tmp_path / "one")
    shutil.copytree(models["plain"], tmp_path / "half")
    (tmp_path / "half/B2A.safetensors").unlink()
    with pytest.raises(ModelError, match=r"half/B2A.safetensors is missing"):
        run(data, tmp_path / "run", tmp_path / "half")
    assert not (tmp_path / "run").exists()


def test_what_a_teacher_cannot_take_is_said_with_its_name(models: dict[str, Path], image: Tensor) -> None:
    with pytest.raises(ShapeError, match="shift=32 was given for images of 32x32"):
        make(models["plain"], shift=32).target("A2B", image)
    with pytest.raises(AttnI2IError, match=r"the teacher one-size@[0-9a-f]{12}: .*32x32"):
        make(models["one-size"], shift=4).target("A2B", image)
    assert make(models["one-size"], shift=0).target("A2B", image).shape == image.shape


def test_a_stopped_run_ends_as_one_that_was_not_and_knows_its_teachers(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    shutil.copytree(models["masked"], tmp_path / "first/model")
    teachers = (tmp_path / "first/model", models["plain"])
    whole = run(data, tmp_path / "whole", *teachers)
    run(data, tmp_path / "cut", *teachers, steps=2)
    shutil.copytree(tmp_path / "first", tmp_path / "moved/first")
    stopped = run(data, tmp_path / "cut", tmp_path / "moved/first/model", models["plain"], resume=True, steps=4)
    assert weights(stopped) == weights(whole)
    told = read_config(whole).provenance["trained"]
    assert told["steps"] == 4
    assert [one.split("@")[0] for one in told["options"]["teachers"].split(",")] == ["first", "plain"]
    assert str(tmp_path) not in (whole / "config.json").read_text()
    with pytest.raises(ConfigError, match="teachers"):
        run(data, tmp_path / "cut", models["other"], models["plain"], resume=True)


def test_the_model_has_no_discriminators_and_can_be_started_from(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    model = run(data, tmp_path / "run", models["masked"])
    assert read_config(model).discriminators is None
    assert not (model / "discriminators.safetensors").exists()
    assert json.loads((model / "config.json").read_text())["directions"] == ["A2B", "B2A"]
    options: dict[str, Any] = {"discriminator_width": 4, "discriminator_layers": 1}
    further = train("attentiongan2", data, tmp_path / "gan", recipe_options=options, start=model, steps=1, **ENGINE)
    options = {"teachers": str(models["masked"]), "learning_rate": 0.0}
    again = train(
        "attentiongan2-distilled", data, tmp_path / "still", recipe_options=options, start=further, steps=1, **ENGINE
    )
    assert weights(again) == weights(further)
