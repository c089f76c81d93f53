"""Any generator, discriminator, head and loss term under any training loop, by name and from Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import attn_i2i
from attn_i2i import Translation, Verdict
from attn_i2i.blocks import ConcatMasked, PatchDiscriminator, SigmoidHead
from attn_i2i.interfaces import RoundTrip
from attn_i2i.losses import values
from attn_i2i.plugins import zoo
from attn_i2i.plugins._manager import BUILTINS
from attn_i2i.recipes import make_recipe
from attn_i2i.testing import check_recipe
from attn_i2i.train import plan, train
from attn_i2i.types import ConfigError, UnknownNameError

from .helpers.commands import Run
from .helpers.painter import Masking, PainterRecipe
from .helpers.registered import registering
from .helpers.trainings import ENGINE

SMALL = {"width": 4, "blocks": 1, "discriminator_width": 4, "discriminator_layers": 1}
ENGINE_SMALL = {**ENGINE, "steps": 1, "sample_every": 1}


class Foreign(nn.Module):
    """A stranger's generator, whose options are called as the loops' own are."""

    def __init__(self, channels: int = 4, cycle: bool = True, seed: float = 0.5) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, 3, 1))

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(self.layers(image).tanh())


class ForeignDiscriminator(nn.Module):
    """Two scales, and no options at all."""

    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.ModuleList([nn.Conv2d(3, 1, 4, 2), nn.Conv2d(3, 1, 8, 4)])

    def forward(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]:
        return tuple(Verdict(scale(image)) for scale in self.scales)


def masked_discriminator(width: int = 4) -> ConcatMasked:
    return ConcatMasked(PatchDiscriminator(4, width, 1))


def edges(trip: RoundTrip) -> Tensor:
    return (trip.fake.image.diff(dim=-1) - trip.source.diff(dim=-1)).abs().mean()


@pytest.fixture(autouse=True)
def stranger() -> Iterator[None]:
    with registering(
        generators={"foreign": Foreign, "masking-test": Masking},
        discriminators={"foreign": ForeignDiscriminator, "masked-test": masked_discriminator},
        heads={"stroke": partial(SigmoidHead, content_tanh=True)},
        losses={"edge-test": edges},
        recipes={"painter": PainterRecipe},
    ):
        yield


def step(recipe: Any) -> dict[str, Tensor]:
    batch = {name: torch.rand(2, 3, 16, 16) * 2 - 1 for name in "AB"}
    losses: dict[str, Tensor] = recipe.step(batch, lambda name, loss: loss.backward())
    return losses


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "sofmax"}, "Did you mean 'softmax'"),
        ({"head": "softmax", "head.maks": 3}, r"head 'softmax' has no option 'maks'. Did you mean 'masks'\?"),
        ({"head.masks": 3}, "without a head"),
        ({"generator": "foriegn"}, "Did you mean 'foreign'"),
        ({"generator": "foreign", "width": 3}, r"no option 'width'.*generator\.channels"),
        ({"generator": "foreign", "generator.channels": "many"}, "channels='many' was given, expected a whole number"),
        ({"generator": "foreign", "generator.channels": -1}, "channels=-1"),
        ({"generator": "stargan"}, "choose a multi-domain recipe"),
        ({"generator": Foreign()}, "a class or function that builds one"),
        ({"discriminator": "masked-test"}, None),
        ({"width": 0}, "width=0 was given, expected 1 or more"),
        ({"width": 3, "generator.width": 4}, "generator.width was given twice"),
        ({"objective": {"cycle": 1}, "cycle": 2}, "objective.cycle was given twice"),
        ({"channels": 1, "discriminator_channels": 3}, "channels was given twice"),
        ({"objective": "pixel"}, r"objective\.pixel=1\.0"),
        ({"objective": {"edge_tst": 1}}, "Did you mean 'edge-test'"),
        ({"objective": {"edges": [3, "edges"]}}, "no loss term 'edges'"),
        ({"objective": {"cycle": "heavy"}}, "expected a weight"),
        ({"objective": {"cycle": -1}}, "expected a weight"),
        ({"objective": {"cycle": True}}, "expected a weight"),
        ({"objective": {"mine": (1.0, 3)}}, "a function of a RoundTrip"),
        ({"objective": {"mine": [1.0, "tests.test_x:edges"]}}, "was the function tests.test_x:edges"),
        ({"objective": {"adversarial": 0, "cycle": 0, "identity": 0}}, "nothing would be learnt"),
        ({"objective": {"idt": (1.0, edges)}}, "logged as another one"),
        ({"initial": "zeros"}, "expected 'normal' or 'torch'"),
        ({"initial": ["torch"]}, "expected 'normal' or 'torch'"),
        ({"lr": 1.0}, "Did you mean 'learning_rate'"),
        ({"lambda_A": 1.0}, "Did you mean 'cycle'"),
        ({"preset": 1}, "has no preset 1. Presets: "),
        ({"learning_rate": float("nan")}, "learning_rate=nan was given, expected a number"),
        ({"learning_rate": 10**400}, "was given, expected a number"),
        ({"generator.dropout": float("nan")}, "dropout=nan was given, expected a number"),
        ({"r1": float("inf")}, "r1=inf was given, expected a finite number"),
        ({"beta1": 1.0}, "beta1=1.0 was given, expected 0 or more, and less than 1"),
        ({"beta2": float("nan")}, "beta2=nan was given, expected a number"),
        ({"seed": 2**63}, "seed=9223372036854775808 was given, expected 9223372036854775807 or less"),
        ({"pool": -1}, "pool=-1 was given, expected 0 or more"),
    ],
)
def test_what_cannot_be_says_what_can(options: dict[str, Any], message: str | None) -> None:
    if message is None:
        make_recipe("cyclegan", **options)
        return
    with pytest.raises((ConfigError, UnknownNameError), match=message):
        make_recipe("cyclegan", **options)


def test_a_recipe_with_labels_wants_a_generator_that_takes_them() -> None:
    with pytest.raises(ConfigError, match="advertises no `domains`"):
        make_recipe("stargan", generator="foreign")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective.cam": 1.0}, "needs a generator with CAM logits"),
        ({"objective.mask-variation": 1.0}, "no attention masks"),
        ({"discriminator": "masked-test"}, "no attention masks"),
        ({"objective.classification": 1.0}, "needs labels"),
        (
            {"batch-size": 2},
            "batch-size is an option of the training, not of the recipe cyclegan: give batch_size=VALUE",
        ),
    ],
)
def test_a_plan_refuses_what_training_would(options: dict[str, Any], message: str, data: Path) -> None:
    options = {"width": 4, "blocks": 1, "discriminator_layers": 1, **options}
    options = {
        name: value for name, value in options.items() if name[-6:] != "layers" or "discriminator" not in options
    }
    with pytest.raises(ConfigError, match=message):
        plan("cyclegan", data, recipe_options=options, **ENGINE)


def test_ones_own_terms_train_from_python_and_are_recorded(data: Path, tmp_path: Path) -> None:
    objective = {"mine": (2.0, edges), "identity": 0.0, "edge_test": 3.0}
    options = {**SMALL, "objective": objective}
    train("cyclegan", data, tmp_path / "run", recipe_options=options, log_every=1, **ENGINE_SMALL)
    stored = json.loads((tmp_path / "run/run.json").read_text())["recipe_options"]
    assert stored["objective.mine"] == [2.0, f"{__name__}:edges"]
    assert (stored["objective.identity"], stored["objective.edge-test"]) == (0.0, 3.0)
    columns = (tmp_path / "run/losses.csv").read_text().partition("\n")[0].split(",")
    assert {"mine_A", "edge-test_B", "G_A", "cycle_B", "D_A"} <= set(columns)
    assert "idt_A" not in columns
    train("cyclegan", data, tmp_path / "run", recipe_options=options, resume=True, **ENGINE_SMALL | {"steps": 2})
    changed = {**SMALL, "objective": {"mine": (2.0, edges), "identity": 0.0}}
    with pytest.raises(ConfigError, match=r"objective\.edge-test\": 3.0\} \(now no objective"):
        train("cyclegan", data, tmp_path / "run", recipe_options=changed, resume=True, **ENGINE_SMALL | {"steps": 3})


@pytest.mark.parametrize(
    ("term", "returned"),
    [
        (lambda trip: trip.fake.image, r"a tensor of shape \(1, 3, 4, 4\)"),
        (lambda trip: trip.fake.image.mean((1, 2, 3)), r"a tensor of shape \(1,\)"),
        (lambda trip: 0.5, "float"),
        (lambda trip: None, "NoneType"),
    ],
)
def test_a_term_that_is_no_scalar_is_named(term: Any, returned: str) -> None:
    image = torch.zeros(1, 3, 4, 4)
    trip = RoundTrip(image, image, Translation(image), Translation(image), None, (), None)
    with pytest.raises(ConfigError, match=f"The loss term 'mine' returned {returned}, not a scalar tensor"):
        values({"mine": (1.0, term)}, trip)


def test_a_part_that_nobody_registered_is_refused_before_it_trains(data: Path, tmp_path: Path) -> None:
    step(make_recipe("cyclegan", generator=lambda: Foreign(2), discriminator="foreign"))  # for a loop of one's own
    for options in ({"generator": lambda: Foreign(2)}, {"discriminator": lambda: ForeignDiscriminator()}):
        with pytest.raises(ConfigError, match=r"zoo\(\)\.generators\.add"):
            train("cyclegan", data, tmp_path / "run", recipe_options=options, **ENGINE_SMALL)
        assert not (tmp_path / "run").exists()


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


def test_given_networks_take_no_options_of_networks() -> None:
    networks = make_recipe("cyclegan", **SMALL).networks
    assert make_recipe("cyclegan", networks=networks, pool=3).networks is networks
    with pytest.raises(ConfigError, match=r"generator\.width describes networks"):
        make_recipe("cyclegan", networks=networks, width=3)
    with pytest.raises(ConfigError, match="lack D_B"):
        make_recipe("cyclegan", networks=nn.ModuleDict({k: v for k, v in networks.items() if k != "D_B"}))


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
