"""A training step on a GPU, as far as a machine without one can tell: one device, no waiting; compiled penalties."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from attn_i2i.plugins import zoo
from attn_i2i.recipes import CycleRecipe
from attn_i2i.testing.training import default_batch
from attn_i2i.train import Engine, TrainOptions
from attn_i2i.train.monitor import Averages

from .helpers.fake_cuda import WaitingError, fake_cuda, no_waiting, without_float64

PAIR = {"width": 4, "blocks": 1, "discriminator_width": 4}
DOMAINS = {**PAIR, "image_size": 32, "discriminator_layers": 3, "n_critic": 1, "shift": 2}
RECIPES: dict[str, dict[str, Any]] = {
    "cyclegan": PAIR,
    "attentiongan2": {**PAIR, "discriminator": "plain-and-guided"},
    "attentiongan1": PAIR,
    "aggan": PAIR,
    "ugatit": {**PAIR, "light": True},
    "stargan": DOMAINS,
    "attentiongan1-multidomain": DOMAINS,
}


# Copying a fake tensor looks at where its contents would be.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")


def two_steps(name: str, monkeypatch: pytest.MonkeyPatch, *, float64: bool = True) -> Averages:
    """Two steps of the engine on a GPU that is none, from batches to averages of losses."""
    size, averages = 32 if "image_size" in RECIPES[name] else 128, Averages()
    accelerator: Any = SimpleNamespace(device=torch.device("cuda"), num_processes=1)
    with fake_cuda(monkeypatch), torch.device("cuda"):
        recipe: Any = zoo().recipes.load(name)(**RECIPES[name])
        monkeypatch.setattr(recipe.networks, "to", lambda *_, **__: recipe.networks)  # they are there already
        engine = Engine(recipe, accelerator, TrainOptions(precision="bf16", ema=0.5))
        batch = {key: value.to("cuda") for key, value in default_batch(size, 5).items()}
        with no_waiting(), nullcontext() if float64 else without_float64(monkeypatch):
            for _ in range(2):
                averages.add(engine.micro_step(batch))
    return averages


@pytest.mark.parametrize("name", RECIPES)
def test_a_step_stays_on_its_device_and_never_waits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    averages = two_steps(name, monkeypatch)
    assert {total.device.type for total in averages._sums.values()} == {"cuda"}


@pytest.mark.parametrize("name", ["ugatit", "stargan"])
def test_a_step_needs_no_float64(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    averages = two_steps(name, monkeypatch, float64=False)
    assert {total.dtype for total in averages._sums.values()} == {torch.float32}


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda image: image * float(image.mean()), "_local_scalar_dense"),
        (lambda image: image + torch.ones(1, device="cpu").to("cuda"), "without non_blocking"),
        (lambda image: image + torch.ones(image.shape, device="cpu"), "device"),
    ],
)
def test_a_step_that_waits_or_mixes_devices_is_caught(wrong: Any, error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    step = CycleRecipe.step
    monkeypatch.setattr(
        CycleRecipe, "step", lambda self, batch, update: step(self, {**batch, "A": wrong(batch["A"])}, update)
    )
    with pytest.raises((WaitingError, RuntimeError), match=error):
        two_steps("cyclegan", monkeypatch)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # torch's compiler looks at it
def test_a_compiled_critic_can_be_penalised() -> None:
    recipe: Any = zoo().recipes.load("stargan")(**DOMAINS)
    recipe.networks["D"].compile(backend="aot_eager")
    gradients: dict[str, Tensor] = {}

    def update(optimizer: str, loss: Tensor) -> None:
        loss.backward()
        gradients[optimizer] = loss.detach()

    recipe.step(default_batch(32, 5), update)
    assert set(gradients) == {"G", "D"}
