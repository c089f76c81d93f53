"""What no recipe can be made of is refused, with what can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from attn_i2i import Translation
from attn_i2i.interfaces import RoundTrip
from attn_i2i.losses import values
from attn_i2i.recipes import make_recipe
from attn_i2i.train import plan, train
from attn_i2i.types import ConfigError, UnknownNameError

from .helpers.strangers import ENGINE_SMALL, SMALL, Foreign, ForeignDiscriminator, edges, step, strangers
from .helpers.trainings import ENGINE


@pytest.fixture(autouse=True)
def stranger() -> Iterator[None]:
    with strangers():
        yield


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


def test_given_networks_take_no_options_of_networks() -> None:
    networks = make_recipe("cyclegan", **SMALL).networks
    assert make_recipe("cyclegan", networks=networks, pool=3).networks is networks
    with pytest.raises(ConfigError, match=r"generator\.width describes networks"):
        make_recipe("cyclegan", networks=networks, width=3)
    with pytest.raises(ConfigError, match="lack D_B"):
        make_recipe("cyclegan", networks=nn.ModuleDict({k: v for k, v in networks.items() if k != "D_B"}))
