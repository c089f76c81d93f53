"""Any generator, discriminator, head and loss term under any training loop, by name and from Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

import attn_i2i
from attn_i2i.blocks import SigmoidHead
from attn_i2i.plugins import zoo
from attn_i2i.plugins._manager import BUILTINS
from attn_i2i.recipes import make_recipe
from attn_i2i.testing import check_recipe
from attn_i2i.train import plan, train
from attn_i2i.types import ConfigError

from .helpers.commands import Run
from .helpers.painter import PainterRecipe
from .helpers.strangers import ENGINE_SMALL, SMALL, Foreign, edges, step, strangers


@pytest.fixture(autouse=True)
def stranger() -> Iterator[None]:
    with strangers():
        yield


def test_a_recipe_with_names_of_its_own_trains_previews_and_exports(data: Path, tmp_path: Path) -> None:
    check_recipe(partial(PainterRecipe, 1), size=16)
    model = train("painter", data, tmp_path / "run", recipe_options={"strokes": 1}, **ENGINE_SMALL)
    assert (tmp_path / "run/samples/step-00000001.png").is_file()
    translator = attn_i2i.load(model)
    result = translator(next((data / "trainB").iterdir()))
    assert result.mask is not None
    estimate = plan("painter", data, recipe_options={"strokes": 1}, **ENGINE_SMALL)
    assert estimate.memory["activations"] > 0


@pytest.mark.parametrize("recipe", ["cyclegan", "attentiongan1", "attentiongan2", "ugatit"])
def test_a_strangers_generator_trains_under_every_loop_of_two_domains(recipe: str, data: Path, tmp_path: Path) -> None:
    unfit = {"attentiongan1": {"mask-variation": 0}, "ugatit": {"cam": 0}}.get(recipe, {})
    options = {"generator": "foreign", "discriminator": "foreign", "objective": unfit, "generator.channels": 5}
    model = train(recipe, data, tmp_path / "run", recipe_options=options, **ENGINE_SMALL)
    config = json.loads((model / "config.json").read_text())
    assert (config["architecture"], config["config"]["channels"]) == ("foreign", 5)
    assert config["discriminators"]["architecture"] == "foreign"
    attn_i2i.load(model, direction="A2B")


@pytest.mark.parametrize("generator", [e.name for e in zoo().generators if e.plugin in BUILTINS])
def test_every_generator_has_a_recipe_that_takes_it(generator: str) -> None:
    with torch.device("meta"):
        labelled = bool(getattr(attn_i2i.create(generator), "domains", 0))
        recipe = make_recipe("stargan" if labelled else "cyclegan", generator=generator)
    assert recipe.layout.architecture == generator


def test_options_go_to_the_part_they_name() -> None:
    recipe = make_recipe(
        "cyclegan",
        generator="foreign",
        objective={"cycle": 3.0},
        seed=2,
        **{"generator.seed": 0.25, "generator.cycle": False, "discriminator.width": 8, "channels": 6},
    )
    told = {name: recipe.options[name] for name in ("seed", "generator.seed", "generator.cycle", "objective.cycle")}
    assert told == {"seed": 2, "generator.seed": 0.25, "generator.cycle": False, "objective.cycle": 3.0}
    assert recipe.options["generator.channels"] == recipe.networks["G_A2B"].layers[0].out_channels == 6


@pytest.mark.parametrize("recipe", [entry.name for entry in zoo().recipes if entry.plugin in BUILTINS])
def test_what_is_stored_makes_the_same_recipe_again(recipe: str) -> None:
    changes = {"objective": {"edge-test": 2.0, "mine": (0.5, "pixel")}, "preset": "paper", "learning_rate": 1e-3}
    with torch.device("meta"):
        first = make_recipe(recipe, **changes)
        again = make_recipe(recipe, **json.loads(json.dumps(first.options)))
    assert again.options == first.options
    assert again.layout == first.layout


def test_a_head_is_chosen_by_name(data: Path, tmp_path: Path) -> None:
    options = {**SMALL, "head": "softmax", "head.masks": 3, "objective.mask-variation": 1e-6}
    model = train("cyclegan", data, tmp_path / "run", recipe_options=options, **ENGINE_SMALL)
    config = json.loads((model / "config.json").read_text())["config"]
    assert (config["width"], config["head"], config["head.masks"]) == (4, "softmax", 3)
    assert attn_i2i.load(model, direction="A2B").generator.head.attention.out_channels == 3
    further = train("cyclegan", data, tmp_path / "further", start=model, **ENGINE_SMALL)
    assert json.loads((further / "config.json").read_text())["config"]["head"] == "softmax"
    assert type(make_recipe("stargan", head="stroke").networks["G"].head) is SigmoidHead


def test_ones_own_terms_train_from_python_and_are_recorded(data: Path, tmp_path: Path) -> None:
    objective = {"mine": (2.0, edges), "identity": 0.0, "edge_test": 3.0}
    options = {**SMALL, "objective": objective}
    train("cyclegan", data, tmp_path / "run", recipe_options=options, log_every=1, **ENGINE_SMALL)
    stored = json.loads((tmp_path / "run/run.json").read_text())["recipe_options"]
    assert stored["objective.mine"] == [2.0, f"{edges.__module__}:edges"]
    assert (stored["objective.identity"], stored["objective.edge-test"]) == (0.0, 3.0)
    columns = (tmp_path / "run/losses.csv").read_text().partition("\n")[0].split(",")
    assert {"mine_A", "edge-test_B", "G_A", "cycle_B", "D_A"} <= set(columns)
    assert "idt_A" not in columns
    train("cyclegan", data, tmp_path / "run", recipe_options=options, resume=True, **ENGINE_SMALL | {"steps": 2})
    changed = {**SMALL, "objective": {"mine": (2.0, edges), "identity": 0.0}}
    with pytest.raises(ConfigError, match=r"objective\.edge-test\": 3.0\} \(now no objective"):
        train("cyclegan", data, tmp_path / "run", recipe_options=changed, resume=True, **ENGINE_SMALL | {"steps": 3})


def test_a_masked_discriminator_is_shown_masks_by_any_recipe() -> None:
    losses = step(make_recipe("cyclegan", generator="masking-test", discriminator="masked-test"))
    assert losses["D_A"].isfinite()


def test_pretrained_parts_keep_their_weights() -> None:
    class Pretrained(Foreign):
        def __init__(self) -> None:
            super().__init__()
            self.layers[0].pretrained = True
            nn.init.constant_(self.layers[0].weight, 1.0)
            nn.init.constant_(self.layers[2].weight, 1.0)

    network = make_recipe("cyclegan", generator=Pretrained).networks["G_A2B"]
    assert network.layers[0].weight.eq(1).all()
    assert network.layers[2].weight.abs().max() < 0.2


def test_what_is_given_comes_before_what_a_model_says(data: Path, tmp_path: Path) -> None:
    model = train("cyclegan", data, tmp_path / "run", recipe_options=SMALL, **ENGINE_SMALL)
    with pytest.raises(attn_i2i.AttnI2IError, match="the weights do not fit"):
        train("cyclegan", data, tmp_path / "other", recipe_options={"width": 3}, start=model, **ENGINE_SMALL)
    with pytest.raises(ConfigError, match="give this one its generator"):
        train("attentiongan2", data, tmp_path / "other", start=model, **ENGINE_SMALL)
    options = {"generator": "cyclegan", "discriminator": "patchgan"}
    train("attentiongan2", data, tmp_path / "other", recipe_options=options, start=model, **ENGINE_SMALL)


def test_the_command_line_names_parts_and_terms(data: Path, run: Run, tmp_path: Path) -> None:
    code, _, err = run(
        *("train", "cyclegan", "--data", data, "-o", "run", "--generator", "foreign", "--discriminator", "foreign"),
        *("--set", "generator.channels=3", "--set", "objective.edge-test=3", "--set", "cycle=5"),
        *("--steps", 1, "--crop-size", 16, "--device", "cpu", "--workers", 0),
    )
    assert code == 0, err
    told = json.loads((tmp_path / "run/run.json").read_text())["recipe_options"]
    expected = {"generator": "foreign", "generator.channels": 3, "objective.edge-test": 3.0, "objective.cycle": 5.0}
    assert {name: told[name] for name in expected} == expected


@pytest.mark.parametrize(
    "words",
    [
        ["objective=pixel"],
        ['objective={"edges":[3,"edges"]}'],
        ["objective.edges=3"],
        ["generator..width=3"],
        ["pool=1", "pool=2"],
        ["head=nothing"],
        ["generator=nobody"],
    ],
)
def test_a_wrong_assignment_is_bad_usage_also_of_a_dry_run(words: list[str], data: Path, run: Run) -> None:
    options = [word for assignment in words for word in ("--set", assignment)]
    code, _, err = run("train", "cyclegan", "--data", data, "-o", "run", "--crop-size", 32, *options, "--dry-run")
    assert (code, "Traceback" in err) == (2, False), err
