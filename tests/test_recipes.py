"""Recipes: the contract, the published steps written plainly, options, objectives and schedules."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attn_i2i.blocks.patch import SwitchableNorm
from attn_i2i.interfaces import RoundTrip
from attn_i2i.plugins import zoo
from attn_i2i.plugins._manager import BUILTINS
from attn_i2i.testing import check_recipe
from attn_i2i.testing.training import default_batch
from attn_i2i.types import ConfigError, UnknownNameError
from benchmarks import plain, plain_more, plain_steps, plain_steps_more
from tests.parity import cases as parity

PAIR = {"width": 4, "blocks": 1, "discriminator_width": 4}
DOMAINS = {**PAIR, "image_size": 32, "discriminator_layers": 3}
SMALL: dict[str, dict[str, Any]] = {
    "cyclegan": PAIR,
    "attentiongan2": {**PAIR, "masks": 3},
    "attentiongan1": PAIR,
    "aggan": PAIR,
    "ugatit": {"width": 2, "blocks": 1, "discriminator_width": 2, "light": True},
    "stargan": DOMAINS,
    "attentiongan1-multidomain": DOMAINS,
    "attentiongan2-multidomain": {**DOMAINS, "masks": 3},
}
LABELLED = ("stargan", "attentiongan1-multidomain", "attentiongan2-multidomain")
# 96 is the least that every discriminator of UGATIT, and of the first AttentionGAN, reduces to more than nothing.
SIZES = dict.fromkeys(SMALL, 32) | dict.fromkeys(("ugatit", "attentiongan1"), 96)
EXACT = {"ugatit": {}} | {name: {"n_critic": 1} for name in LABELLED}
PLAIN: dict[str, Callable[[nn.ModuleDict], plain_steps.Step]] = {
    "cyclegan": partial(plain_steps.cycle_step, generator=partial(plain.CycleGAN, blocks=1), width=4),
    "attentiongan2": partial(
        plain_steps.cycle_step, generator=partial(plain.AttentionGAN2, blocks=1, masks=3), width=4
    ),
    "ugatit": partial(plain_steps.ugatit_step, generator=partial(plain.UGATITLight, blocks=1), width=2),
    "attentiongan1": partial(plain_steps_more.scheme1_step, width=4, blocks=1),
    "aggan": partial(plain_steps_more.aggan_step, width=4, blocks=1),
    "stargan": lambda networks: plain_steps_more.domain_step(
        networks, plain_more.DomainGenerator(4, 1), plain_more.DomainDiscriminator(4, 3, size=32)
    ),
    "attentiongan1-multidomain": lambda networks: plain_steps_more.domain_step(
        networks, plain_more.DomainGenerator(4, 1, attention=True), plain_more.DomainDiscriminator(4, 3, size=32)
    ),
    "attentiongan2-multidomain": lambda networks: plain_steps_more.domain_step(
        networks, plain_more.DomainMasks(4, 1, masks=3), plain_more.DomainDiscriminator(4, 3, size=32)
    ),
}


def make(name: str, **options: Any) -> Any:
    """A small recipe with seeded weights."""
    torch.manual_seed(0)
    return zoo().recipes.load(name)(**{**SMALL[name], **options})


def updater(recipe: Any) -> Callable[[str, Tensor], None]:
    """The plainest update."""
    optimizers = recipe.optimizers()

    def update(optimizer: str, loss: Tensor) -> None:
        optimizers[optimizer].zero_grad()
        loss.backward()
        optimizers[optimizer].step()

    return update


def run_once(recipe: Any, name: str) -> dict[str, Tensor]:
    losses: dict[str, Tensor] = recipe.step(default_batch(SIZES[name], 5), updater(recipe))
    return losses


def test_every_family_has_a_recipe() -> None:
    assert {entry.name for entry in zoo().recipes if entry.plugin in BUILTINS} == set(SMALL) == set(PLAIN)
    generators = {make(name).layout.architecture for name in SMALL}
    families = {entry.plugin: {e.name for e in zoo().generators if e.plugin == entry.plugin} for entry in zoo().recipes}
    suppliers = {entry.plugin for entry in zoo().generators if entry.plugin in BUILTINS}
    assert set(families) >= suppliers
    assert all(families[plugin] & generators for plugin in suppliers), "a family whose generators no recipe trains"


@pytest.mark.parametrize("preset", ["released", "paper"])
@pytest.mark.parametrize("name", SMALL)
def test_recipe_keeps_the_contract(name: str, preset: str) -> None:
    check_recipe(partial(make, name, preset=preset), size=SIZES[name])


@pytest.mark.parametrize("name", SMALL)
def test_recipe_takes_the_published_step(name: str) -> None:
    recipe = make(name, **EXACT.get(name, {"pool": 0}))
    recipe.networks.double()
    written_plainly, update = PLAIN[name](recipe.networks), updater(recipe)
    batch = {key: value.double() for key, value in default_batch(SIZES[name], 5).items()}
    batch["gp_alpha"] = torch.rand(2, 1, 1, 1, generator=torch.Generator().manual_seed(0)).double()
    for step in range(2):
        expected, losses = written_plainly(batch), recipe.step(batch, update)
        for term, value in expected.items():
            torch.testing.assert_close(losses[term], value.detach(), rtol=1e-9, atol=1e-9, msg=f"{term}, step {step}")


@pytest.mark.parametrize("name", SMALL)
def test_a_generators_loss_leaves_no_gradient_in_the_discriminators(name: str) -> None:
    recipe = make(name)
    networks = recipe.networks

    def update(optimizer: str, loss: Tensor) -> None:
        networks.zero_grad()
        loss.backward()
        touched = {key for key, net in networks.items() if any(p.grad is not None for p in net.parameters())}
        assert {key[0] for key in touched} == {optimizer[0]}

    for _ in range(5):
        recipe.step(default_batch(SIZES[name], 5), update)
    assert all(p.requires_grad for p in networks.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_half_precision_changes_little_and_stays_out_of_the_state(name: str) -> None:
    batch = default_batch(SIZES[name], 5)
    batch["gp_alpha"] = torch.full((2, 1, 1, 1), 0.5)
    exact, rounded = make(name), make(name)
    expected = exact.step(batch, updater(exact))
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        losses = rounded.step(batch, updater(rounded))
    for term, value in expected.items():
        assert losses[term].dtype == torch.float32
        torch.testing.assert_close(losses[term], value, rtol=0.05, atol=0.05, msg=term)
    assert not any(t.dtype == torch.bfloat16 for t in rounded.networks.state_dict().values())


@pytest.mark.parametrize("name", SMALL)
def test_unknown_options_get_a_suggestion(name: str) -> None:
    with pytest.raises(ConfigError, match=r"no option 'widht'. Did you mean 'width'\?"):
        make(name, widht=3)
    with pytest.raises(ConfigError, match=r"no option 'presett'. Did you mean 'preset'\?"):
        make(name, presett="open")
    with pytest.raises(UnknownNameError, match=r"no preset 'papr'. Did you mean 'paper'\?"):
        make(name, preset="papr")
    for wrong in ("wide", True, -1, 2.5):
        with pytest.raises(ConfigError, match="width="):
            make(name, width=wrong)


def test_the_paper_guides_discriminators_by_the_mask() -> None:
    recipe = make("attentiongan2", preset="paper")
    assert recipe.layout.discriminator == "plain-and-guided"
    assert recipe.networks["G_A2B"].head.attention.kernel_size == (3, 3)
    on_discriminators = recipe.networks["D_A"](torch.zeros(1, 3, 32, 32), torch.ones(1, 1, 32, 32))
    other = recipe.networks["D_A"](torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32))
    assert torch.equal(on_discriminators[0].logits, other[0].logits)
    assert not torch.equal(on_discriminators[1].logits, other[1].logits)


def test_an_objective_adds_replaces_and_drops_terms() -> None:
    def far(trip: RoundTrip) -> Tensor:
        return trip.fake.image.sum() * 0 + 7

    losses = run_once(make("cyclegan", objective={"far": (2.0, far), "identity": 0.0, "cycle": (1.0, far)}), "cyclegan")
    assert losses["far_A"] == losses["far_B"] == 14
    assert losses["cycle_A"] == 7
    assert "idt_A" not in losses


def test_the_target_is_translated_only_where_a_term_may_read_it() -> None:
    recipe = make("cyclegan", identity=0.0)
    seen: list[int] = []
    recipe.networks["G_A2B"].register_forward_hook(lambda module, given, output: seen.append(len(given[0])))
    run_once(recipe, "cyclegan")
    assert sum(seen) == 4  # source and return of two images each


def test_a_pairs_recipe_makes_each_fake_once() -> None:
    for name, images in (("cyclegan", 6), ("ugatit", 6), ("attentiongan2", 6)):
        recipe = make(name)
        seen: list[int] = []
        recipe.networks["G_A2B"].register_forward_hook(lambda m, given, out, seen=seen: seen.append(len(given[0])))
        run_once(recipe, name)
        assert sum(seen) == images, name


def test_schedules_end_at_zero_as_published() -> None:
    cyclegan = make("cyclegan", epochs=2, decay_epochs=3, learning_rate=1.0)
    assert [cyclegan.learning_rate(epoch * 10, 10) for epoch in range(6)] == [1, 1, 0.75, 0.5, 0.25, 0]
    aggan = make("aggan", epochs=4, learning_rate=1.0)
    assert [aggan.learning_rate(epoch * 10 + 9, 10) for epoch in range(5)] == [1, 1, 1, 0.5, 0]
    ugatit = make("ugatit", steps=4, learning_rate=1.0)
    assert [ugatit.learning_rate(step, 100) for step in range(5)] == [1, 1, 0.5, 0, 0]
    stargan = make("stargan", steps=4, decay_steps=2, learning_rate=1.0)
    assert [stargan.learning_rate(step, 100) for step in range(4)] == [1, 1, 0.5, 0]
    assert (cyclegan.total_steps(10), aggan.total_steps(10), ugatit.total_steps(10)) == (50, 40, 4)


def test_the_curriculum_moves_on_after_the_warm_up() -> None:
    recipe = make("attentiongan1", warmup_epochs=2)
    recipe.on_epoch(1)
    early = run_once(recipe, "attentiongan1")["rate"]
    recipe.on_epoch(2)
    assert (float(early), float(run_once(recipe, "attentiongan1")["rate"])) == pytest.approx((0.01, 0.5))


def test_aggan_freezes_attention_and_hardens_masks_after_the_warm_up() -> None:
    recipe = make("aggan", warmup_epochs=1, threshold=0.3)
    network, attention = recipe.networks["D_A"], recipe.networks["G_A2B"].attention
    assert network.threshold == 0
    recipe.on_epoch(1)
    before = [p.clone() for p in attention.parameters()]
    run_once(recipe, "aggan")
    assert network.threshold == 0.3
    assert all(torch.equal(old, new) for old, new in zip(before, attention.parameters(), strict=True))
    norms = [part for part in network.modules() if isinstance(part, SwitchableNorm)]
    assert norms
    assert not any(norm.enabled for norm in norms)
    recipe.on_epoch(0)
    assert all(norm.enabled for norm in norms)


def test_ugatit_keeps_rho_within_its_bounds() -> None:
    recipe = make("ugatit", learning_rate=1.0)
    run_once(recipe, "ugatit")
    rho = torch.cat([p.flatten() for key, p in recipe.networks.named_parameters() if key.endswith("rho")])
    assert 0 <= rho.min() <= rho.max() <= 1


def test_the_critic_trains_ahead_of_the_generator() -> None:
    recipe = make("stargan", n_critic=3)
    turns = ["G/loss_rec" in run_once(recipe, "stargan") for _ in range(6)]
    assert turns == [False, False, True] * 2


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A published training, cut to its first step."""
    return Path(shutil.copytree(Path(__file__).parent / "cases" / "train_stargan", tmp_path / "case"))


def test_a_recorded_training_is_met(recorded: Path) -> None:
    outcome = parity.run(recorded)
    assert outcome.passed, outcome.line()


@pytest.mark.parametrize("change", [{"G/loss_rec": 0.47}, {"G/loss_new": 0.0}])
def test_a_loss_that_differs_or_is_missing_fails(recorded: Path, change: dict[str, float]) -> None:
    case = json.loads((recorded / "case.json").read_text())
    case["losses"][0].update(change)
    (recorded / "case.json").write_text(json.dumps(case))
    assert not parity.run(recorded).passed
