"""Every host trains as the engine asks, and where its release has a twist the twist is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from attn_i2i.interfaces import Recipe
from attn_i2i.recipes import make_recipe
from attn_i2i.testing import check_recipe
from attn_i2i.train import plan
from attn_i2i.types import ConfigError
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from attn_i2i_hosts.dualgan.rmsprop import RMSProp
from attn_i2i_hosts.unit.perceptual import LAYERS

SMALL: dict[str, dict[str, Any]] = {
    "discogan": {"width": 4, "discriminator_width": 4},
    "dualgan": {"width": 2, "discriminator_width": 2, "image_size": 64},
    "unit": {"width": 4, "blocks": 1, "discriminator_width": 4},
    "munit": {"width": 4, "blocks": 1, "style_dim": 3, "mlp_width": 5, "discriminator_width": 4},
    "drit": {"width": 2, "style_dim": 3, "discriminator_content_layers": 1},
}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in SMALL),
    *((name, {"masks": 3}) for name in SMALL),
    *((name, {"objective.mask-variation": 1e-6, "objective.identity": 1.0, "masks": 2}) for name in SMALL),
    *((name, {"augment": "color,translation,cutout", "r1": 1.0, "guided": True, "masks": 2}) for name in SMALL),
    *((name, {"augment": "adaptive", "r1": 1.0, "r1_every": 2}) for name in ("discogan", "drit")),
    ("dualgan", {"augment": "adaptive", "gan": "classic"}),
    ("discogan", {"preset": "angle"}),
    ("dualgan", {"gan": "wgan", "n_critic": 2}),
    ("dualgan", {"gan": "classic", "distance": "L2", "discriminator_kind": "patch"}),
    ("drit", {"preset": "released"}),
    ("drit", {"variant": "feature", "mode_seeking": 0.0, "discriminator_scales": 1}),
]


def small(name: str, **options: Any) -> Recipe:
    return make_recipe(name, **SMALL[name], **options)


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=lambda value: str(value)[:40])
def test_a_recipe_keeps_the_contract(name: str, options: Mapping[str, Any]) -> None:
    check_recipe(lambda: small(name, **options), size=64)


def images(count: int = 2, side: int = 64) -> dict[str, Tensor]:
    return {domain: torch.rand(count, 3, side, side) * 2 - 1 for domain in "AB"}


def trained(recipe: Recipe, batch: Mapping[str, Tensor], steps: int = 1) -> tuple[dict[str, Tensor], list[str]]:
    """The last step's losses, and every optimizer that was updated, in order."""
    optimizers, updated = recipe.optimizers(), []

    def update(name: str, loss: Tensor) -> None:
        updated.append(name)
        optimizers[name].zero_grad()
        loss.backward()
        optimizers[name].step()

    for _ in range(steps):
        losses = recipe.step(batch, update)
    return losses, updated


def test_a_wasserstein_critic_has_no_number_that_an_adaptive_strength_could_go_by() -> None:
    with pytest.raises(ConfigError, match="without adaptive"):
        small("dualgan", augment="adaptive")


def test_discogan_updates_the_discriminators_at_every_third_step_only() -> None:
    recipe = small("discogan", curriculum=2)
    losses, updated = trained(recipe, images(), 4)
    assert updated == ["D", "G", "G", "D"]
    assert losses["rate"] == 0.5


def test_discogans_norms_take_in_every_pass() -> None:
    recipe = small("discogan")
    trained(recipe, images())
    assert recipe.networks["G_A2B"].down[0].norm.num_batches_tracked == 2
    assert recipe.networks["D_A"].down[0].norm.num_batches_tracked == 2


def test_the_critics_of_wgan_are_clipped_and_the_generators_wait() -> None:
    recipe = small("dualgan", gan="wgan", n_critic=2)
    _, updated = trained(recipe, images(1), 3)
    assert updated == ["D", "G", "D", "D", "G"]
    assert max(float(p.detach().abs().max()) for p in recipe.networks["D_A"].parameters()) <= 0.01


def test_rmsprop_begins_at_one() -> None:
    parameter = torch.nn.Parameter(torch.tensor([1.0, 1.0]))
    optimizer = RMSProp([parameter], lr=0.1, decay=0.9, epsilon=0.0)
    parameter.grad = torch.tensor([2.0, 0.0])
    optimizer.step()
    torch.testing.assert_close(parameter.detach(), torch.tensor([1 - 0.2 / (0.9 + 0.1 * 4) ** 0.5, 1.0]))


def test_units_rate_is_halved_before_the_update_of_that_number() -> None:
    recipe = small("unit")
    assert recipe.learning_rate(99_998, 1) == 2 * recipe.learning_rate(99_999, 1) == 1e-4


def vgg(path: Path, width: int = 2) -> Path:
    """A narrow VGG16 under Caffe's names."""
    state, inputs = {}, 3
    for layer in LAYERS:
        state[f"conv{layer}.weight"] = torch.randn(width, inputs, 3, 3) / 4
        state[f"conv{layer}.bias"] = torch.randn(width)
        inputs = width
    save_file(state, path)
    return path


@pytest.mark.parametrize("name", ["unit", "munit"])
def test_the_perceptual_network_is_read_from_its_file_and_never_learns(name: str, tmp_path: Path) -> None:
    recipe = small(name, perceptual=1.0, perceptual_weights=str(vgg(tmp_path / "vgg16.weight")))
    before = [p.clone() for p in recipe.networks["perceptual"].parameters()]
    losses, _ = trained(recipe, images(1))
    assert losses["loss_gen_vgg_a"] > 0
    assert all(torch.equal(p, q) for p, q in zip(before, recipe.networks["perceptual"].parameters(), strict=True))
    with pytest.raises(ConfigError, match="perceptual_weights=FILE"):
        small(name, perceptual=1.0)


def test_a_file_that_is_no_perceptual_network_is_named(tmp_path: Path) -> None:
    save_file({"conv1_1.weight": torch.zeros(2, 3, 3, 3)}, tmp_path / "other")
    with pytest.raises(ConfigError, match=r"conv1_1\.bias"):
        small("unit", perceptual=1.0, perceptual_weights=str(tmp_path / "other"))


def test_two_of_three_steps_of_drit_teach_the_content_discriminator_alone() -> None:
    recipe = small("drit")
    kinds = []
    for step in range(7):
        recipe.learning_rate(step, 7)
        kinds.append(len(trained(recipe, images())[1]) > 1)
    assert kinds == [False, False, True, False, False, True, True]


def test_both_directions_of_drit_share_what_the_release_shares() -> None:
    recipe = small("drit")
    trained(recipe, {**images(), "full": torch.tensor(True)})
    there, back = recipe.networks["G_A2B"], recipe.networks["G_B2A"]
    assert there.share is back.share
    assert there.decoder.share is back.decoder.share
    assert recipe.networks["D_A"].content is recipe.networks["D_B"].content
    assert not torch.equal(there.content.first.weight, back.content.first.weight)


def drit_after(steps: int, **options: Any) -> dict[str, Tensor]:
    torch.manual_seed(1)
    recipe = small("drit", **options)
    trained(recipe, {**images(), "full": torch.tensor(True)}, steps)
    return recipe.networks.state_dict()


def test_drits_second_update_is_stale_only_as_released() -> None:
    clean, again, released = drit_after(1), drit_after(1), drit_after(1, preset="released")
    assert all(torch.equal(clean[key], again[key]) for key in clean)
    key = "G_A2B.content.first.weight"
    difference = (clean[key] - released[key]).abs().max()
    assert 0 < difference < 1e-4


def test_the_loop_that_the_docs_show_trains_between_grey_and_colour() -> None:
    page = (Path(__file__).parents[3] / "docs/hosts.md").read_text(encoding="utf-8")
    block = page.partition("```python\n")[2].partition("```")[0]
    shown: dict[str, Any] = {}
    exec(block, shown)  # noqa: S102 - a block of our own page
    assert shown["losses"]["g_loss"].isfinite()
    assert shown["networks"]["G_A2B"].channels == (1, 3)


def test_drit_names_the_batch_it_needs() -> None:
    with pytest.raises(ConfigError, match="batch_size=2"):
        trained(small("drit"), images(1))


@pytest.mark.parametrize("name", ["discogan", "unit", "munit", "drit"])
def test_a_stranger_where_a_host_needs_its_own_network_is_named(name: str) -> None:
    options = {"discriminator": "patchgan"} if name == "discogan" else {"generator": "attentiongan2"}
    with pytest.raises(ConfigError, match="expected"):
        make_recipe(name, **options)


def test_what_a_draw_is_given_is_what_is_used() -> None:
    batch = images(1)
    noise = {f"style_gen_{d}": torch.zeros(1, 3) for d in "ab"} | {f"style_dis_{d}": torch.zeros(1, 3) for d in "ab"}
    results = []
    for seed in (1, 2):
        torch.manual_seed(0)
        recipe = small("munit")
        torch.manual_seed(seed)
        results.append(trained(recipe, batch | noise)[0]["loss_gen_total"])
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("name", "crop_size", "message"),
    [
        ("dualgan", 30, "crop_size=30 were given, expected .* a multiple of 32"),
        ("munit", 16, r"crop_size=16: .* \(This discriminator needs sides of 61"),
        ("unit", 6, "crop_size=6: the networks cannot take .* larger one"),
        ("discogan", 20, r"crop_size=20: .* \(DiscoGAN's discriminator needs sides of 64"),
        ("drit", 64, "^DRIT trains on batches of two .* batch_size=2"),
    ],
)
def test_what_cannot_be_trained_on_is_told_before_a_run_begins(
    name: str, crop_size: int, message: str, tmp_path: Path
) -> None:
    for side in "AB":
        (tmp_path / f"train{side}").mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / f"train{side}" / "0.png")
    with pytest.raises(ConfigError, match=message):
        plan(name, tmp_path, crop_size=crop_size, workers=0, device="cpu", recipe_options={"width": 4})
