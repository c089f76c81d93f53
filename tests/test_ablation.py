"""What an ablation changes is an option: it changes the network, trains, is stored, and stands in the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from attn_i2i.blocks import CAM, LIN, AdaIN, AdaLIN, BatchInstanceNorm2d, ThresholdMasked
from attn_i2i.blocks.instance_norm import InstanceNorm2d
from attn_i2i.blocks.norms import NORMS
from attn_i2i.evaluate import as_json, as_text, evaluate
from attn_i2i.models.build import create
from attn_i2i.recipes import make_recipe
from attn_i2i.testing import check_generator, check_recipe
from attn_i2i.train import train
from attn_i2i.types import ConfigError

from .helpers.squares import write_squares
from .helpers.trainings import ENGINE

KINDS: dict[str, type[nn.Module]] = {
    "instance": InstanceNorm2d,
    "ln": nn.GroupNorm,
    "lin": LIN,
    "bin": BatchInstanceNorm2d,
    "batch": nn.BatchNorm2d,
    "adain": AdaIN,
    "adalin": AdaLIN,
}
SMALL: dict[str, dict[str, Any]] = {
    "cyclegan": {"width": 4, "blocks": 1},
    "attentiongan1": {"width": 4, "blocks": 1},
    "attentiongan2": {"width": 4, "blocks": 1, "masks": 3},
    "aggan": {"width": 4, "blocks": 1},
    "stargan": {"width": 4, "blocks": 1, "domains": 2},
    "attentiongan1-multidomain": {"width": 4, "blocks": 1, "domains": 2},
    "attentiongan2-multidomain": {"width": 4, "blocks": 1, "domains": 2, "masks": 3},
    "ugatit": {"width": 4, "blocks": 1, "light": True},
}
CHOICES = [(name, norm) for name in SMALL for norm in KINDS if norm[:3] != "ada" or name == "ugatit"]


def count(network: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(part, kind) for part in network.modules())


@pytest.mark.parametrize(("name", "norm"), CHOICES)
def test_a_norm_is_chosen_in_every_family(name: str, norm: str) -> None:
    chosen, plain = create(name, **SMALL[name], norm=norm), create(name, **SMALL[name])
    if name == "ugatit":  # whose encoder keeps its own
        assert count(chosen, KINDS[norm]) >= 2
    else:
        every = sum(count(plain, kind) for kind in KINDS.values())
        assert count(chosen, KINDS[norm]) == every > 5


@pytest.mark.parametrize("name", ["attentiongan2", "ugatit"])
@pytest.mark.parametrize("norm", ["bin", "ln", "adain"])
def test_networks_with_other_norms_keep_the_contract(name: str, norm: str) -> None:
    if (name, norm) != ("attentiongan2", "adain"):
        check_generator(lambda: create(name, **SMALL[name], norm=norm))


def test_batch_instance_norm_is_its_equation() -> None:
    norm, x = BatchInstanceNorm2d(3, rho=0.25).double(), torch.randn(4, 3, 5, 6, dtype=torch.float64)
    nn.init.normal_(norm.gamma)
    nn.init.normal_(norm.beta)
    axes = {"batch": (0, 2, 3), "instance": (2, 3)}
    parts = {
        name: (x - x.mean(axis, keepdim=True)) / (x.var(axis, correction=0, keepdim=True) + 1e-5).sqrt()
        for name, axis in axes.items()
    }
    mixed = 0.25 * parts["batch"] + 0.75 * parts["instance"]
    expected = norm.gamma[:, None, None] * mixed + norm.beta[:, None, None]
    assert torch.allclose(norm(x), expected, atol=1e-12)
    with torch.no_grad():
        norm.rho.fill_(3.0)
    assert torch.equal(norm(x), BatchInstanceNorm2d.forward(norm, x))
    alone = norm.eval()(x[:1])
    assert torch.allclose(norm(x)[:1], alone)
    norm(x).sum().backward()
    assert norm.rho.grad is not None


def test_the_attention_of_u_gat_it_can_be_taken_out() -> None:
    options = {"generator.cam": False, "discriminator.cam": False, "objective.cam": 0}
    small = {"width": 4, "blocks": 1, "light": True, "discriminator_width": 4, "global_layers": 3, "local_layers": 3}
    small = {k if "layers" not in k else f"discriminator.{k}": v for k, v in small.items()}
    check_recipe(lambda: make_recipe("ugatit", **small, **options), size=32)
    recipe = make_recipe("ugatit", **small, **options)
    assert count(recipe.networks, CAM) == 0
    assert recipe.options["generator.cam"] is False
    translation = recipe.networks["G_A2B"](torch.zeros(1, 3, 32, 32))
    assert (translation.heatmap, translation.cam_logits) == (None, None)
    broken = make_recipe("ugatit", **small, **{"generator.cam": False})
    batch = {letter: torch.zeros(1, 3, 32, 32) for letter in "AB"}
    with pytest.raises(ConfigError, match=r"set objective\.cam=0"):
        broken.step(batch, lambda name, loss: None)


def test_a_decoder_that_is_not_steered_takes_any_size() -> None:
    full = create("ugatit", width=4, blocks=1, image_size=32, norm="ln")
    assert full.image_size is None
    assert count(full, nn.Linear) == 0
    assert full(torch.zeros(1, 3, 40, 24)).image.shape == (1, 3, 40, 24)


def test_masks_and_background_are_options_of_the_multidomain_family() -> None:
    recipe = make_recipe(
        "attentiongan2-multidomain",
        width=4,
        blocks=1,
        masks=4,
        background=False,
        domains=2,
        image_size=64,
        discriminator_width=4,
    )
    translation = recipe.networks["G"](torch.zeros(1, 3, 64, 64), torch.eye(2)[:1])
    assert translation.attention.shape[1] == translation.contents.shape[1] == 4
    assert recipe.layout.config["masks"] == 4


def test_threshold_and_switch_epoch_are_options() -> None:
    recipe = make_recipe("aggan", width=4, blocks=1, discriminator_width=4, threshold=0.3, warmup_epochs=2)
    masked = [part for part in recipe.networks.modules() if isinstance(part, ThresholdMasked)]
    recipe.on_epoch(1)
    assert {part.threshold for part in masked} == {0.0}
    recipe.on_epoch(2)
    assert {part.threshold for part in masked} == {0.3}


def test_what_was_chosen_is_stored_and_stands_in_the_report(data: Path, tmp_path: Path) -> None:
    small = {"width": 4, "blocks": 1, "masks": 3, "discriminator_width": 4, "discriminator_layers": 1}
    engine = {**ENGINE, "steps": 1}
    runs = {"plain": small, "bin": {**small, "norm": "bin", "cycle": 5.0}}
    models = [train("attentiongan2", data, tmp_path / n, recipe_options=o, **engine) for n, o in runs.items()]
    assert json.loads((models[1] / "config.json").read_text())["config"]["norm"] == "bin"
    squares = write_squares(tmp_path / "squares", "A", "B")
    evaluation = evaluate([tmp_path / name for name in runs], squares, measures=["l1"], report=tmp_path / "out")
    differ = {row.option: row.values for row in evaluation.differences}
    assert differ["generator.norm"] == {"plain": "instance", "bin": "bin"}
    assert differ["objective.cycle"] == {"plain": 10.0, "bin": 5.0}
    assert "generator.width" not in differ
    told = json.loads(as_json(evaluation))
    assert told["models"][0]["options"]["generator.width"] == 4
    assert {row["option"] for row in told["differences"]} == set(differ)
    from attn_i2i.evaluate import write_report

    page = write_report(evaluation, tmp_path / "out").read_text(encoding="utf-8")
    assert "How the models differ" in page
    assert "<td>generator.norm</td><td>instance</td><td>bin</td>" in page
    assert "generator.norm" in as_text(evaluation)


def test_every_norm_has_a_case() -> None:
    assert set(NORMS) <= {*KINDS, "instance_affine", "none"}
