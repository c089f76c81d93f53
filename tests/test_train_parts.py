"""The engine, the means of losses and the preview, each by itself."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from attn_i2i import Translation
from attn_i2i.interfaces import Layout, Update
from attn_i2i.models.build import evaluating
from attn_i2i.plugins import zoo
from attn_i2i.train import DivergedError, TrainingWarning, TrainOptions
from attn_i2i.train.average import MovingAverage
from attn_i2i.train.engine import Engine, make_accelerator
from attn_i2i.train.monitor import Averages, after_diverging
from attn_i2i.train.preview import Preview, heavier, lighter
from attn_i2i.train.rehearsal import rehearse
from attn_i2i.train.signals import noted_signals
from attn_i2i.types import ConfigError

from .helpers.tiny_training import TinyRecipe


def test_updates_leave_nothing_behind_in_other_networks() -> None:
    recipe = TinyRecipe()
    options = TrainOptions(device="cpu", accumulation=2)
    engine = Engine(recipe, make_accelerator(options), options)
    before = {name: tensor.clone() for name, tensor in recipe.networks.state_dict().items()}
    loss = recipe.networks["D_B"](recipe.networks["G_A2B"](torch.rand(1, 3, 8, 8))).mean()
    engine.update("G", loss)
    assert all(parameter.grad is None for parameter in recipe.networks["D_B"].parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in recipe.networks.state_dict().items())
    pending = engine.pending()
    assert pending["G"]["gathered"] == 1
    engine.load_pending(pending)
    assert all(parameter.grad is not None for parameter in recipe.networks["G_A2B"].parameters())


@pytest.mark.parametrize("accumulation", [1, 2])
def test_two_updates_from_one_batch_are_not_gathered_into_one(accumulation: int) -> None:
    recipe = TinyRecipe()
    once = recipe.step

    def twice(batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        once(batch, update)
        return once(batch, update)

    recipe.step = twice  # type: ignore[method-assign]
    options = TrainOptions(device="cpu", accumulation=accumulation)
    engine = Engine(recipe, make_accelerator(options), options)
    with pytest.raises(ConfigError, match="larger batch_size") if accumulation > 1 else nullcontext():
        engine.micro_step({"A": torch.rand(1, 3, 8, 8)})
        engine.micro_step({"A": torch.rand(1, 3, 8, 8)})


@pytest.mark.parametrize("name", ["cyclegan", "stargan"])
def test_discriminators_may_learn_at_a_rate_of_their_own(name: str) -> None:
    recipe = zoo().recipes.load(name)(width=4, blocks=1, discriminator_rate=4.0, learning_rate=0.001)
    options = TrainOptions(device="cpu")
    engine = Engine(recipe, make_accelerator(options), options)
    assert {name: o.param_groups[0]["lr"] for name, o in engine.optimizers.items()} == {"G": 0.001, "D": 0.004}
    engine.set_learning_rate(0.0005)
    assert {name: o.param_groups[0]["lr"] for name, o in engine.optimizers.items()} == {"G": 0.0005, "D": 0.002}


@pytest.mark.parametrize(
    ("bf16", "saved", "advice", "nonsense"),
    [
        (True, True, "resume=True, precision='fp32'", "train again"),
        (True, False, r"again in fp32 \(precision='fp32'\)", "resume"),
        (False, True, "lower learning rate .* start=RUN|lower learning rate .*last checkpoint", "fp32"),
        (False, False, "lower learning rate", "fp32|checkpoint|resume"),
    ],
)
def test_a_training_that_diverged_is_told_what_it_can_do(bf16: bool, saved: bool, advice: str, nonsense: str) -> None:
    averages = Averages(advice=lambda: after_diverging(bf16, saved))
    averages.add({"D": torch.tensor(float("nan"))})
    with pytest.raises(DivergedError, match=advice) as told:
        averages.read(7)
    assert not re.search(nonsense, str(told.value))
    assert "learning rate" in str(told.value)


class Constant(nn.Module):
    """A generator whose mask is one value everywhere."""

    def __init__(self, mask: float) -> None:
        super().__init__()
        self.mask = mask

    def forward(self, image: torch.Tensor, domain: torch.Tensor | None = None) -> Translation:
        mask = torch.full_like(image[:, :1], self.mask)
        contents = -image.unsqueeze(1)
        return Translation(mask * contents[:, 0] + (1 - mask) * image, mask, contents)


BOTH, LIGHTER, HEAVIER = r" \(A to B, B to A\): ", "lighter cycle and identity terms", "heavier cycle term"


@pytest.mark.parametrize(
    ("there", "back", "complaints"),
    [
        (0.0, 0.0, [f"all zero{BOTH}.*{LIGHTER}", f"inputs{BOTH}.*{LIGHTER}"]),
        (1.0, 1.0, [f"all one{BOTH}.*{HEAVIER}"]),
        (0.5, 0.5, []),
        (0.0, 0.5, [rf"all zero \(A to B\): .*{LIGHTER}", r"inputs \(A to B\)"]),
        (0.5, 1.0, [rf"all one \(B to A\): .*{HEAVIER}"]),
    ],
)
def test_useless_masks_are_warned_of_once(
    there: float, back: float, complaints: list[str], recwarn: pytest.WarningsRecorder
) -> None:
    networks = nn.ModuleDict({"there": Constant(there), "back": Constant(back)})
    layout = Layout("", {}, {"A2B": "there", "B2A": "back"})
    preview = Preview({side: torch.rand(2, 3, 8, 8) for side in "AB"}, layout, cycle=10.0)
    for step in (1, 2):
        preview.guard(preview.look(networks), step)
    assert [one.category for one in recwarn] == [TrainingWarning] * len(complaints)
    assert all(re.search(complaint, str(one.message)) for complaint, one in zip(complaints, recwarn, strict=True))


@pytest.mark.parametrize(
    ("cycle", "less", "more"),
    [
        (10.0, '"cycle": 0.3}', '"cycle": 30}'),
        (0.3, '"cycle": 0.1}', '"cycle": 3}'),
        (0.0, "lighter terms that hold an output to its input", '"cycle": 3}'),
        (None, "lighter terms that hold an output to its input", "with a term that holds it to its input"),
    ],
)
def test_a_remedy_goes_from_the_weight_that_the_run_has(cycle: float | None, less: str, more: str) -> None:
    assert less in lighter(cycle)
    assert more in heavier(cycle)


@pytest.mark.parametrize("state", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_terminal_that_closes_asks_a_training_to_stop_unless_nohup_says_no(state: Any) -> None:
    before = signal.signal(signal.SIGHUP, state)
    try:
        with noted_signals() as stop:
            signal.raise_signal(signal.SIGHUP)
        assert stop.received == (0 if state == signal.SIG_IGN else signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == state
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    "answer",
    [
        lambda image: Translation(image, image[:, :2].sigmoid() / 2),
        lambda image: Translation(image, image[:, :1].sigmoid()),
    ],
)
def test_a_preview_shows_masks_without_contents_too(answer: Any, tmp_path: Path, recwarn: Any) -> None:
    network = Answering(answer)
    preview = Preview({"A": torch.rand(1, 3, 8, 8)}, Layout("", {}, {"A2B": "painter"}))
    preview.show(nn.ModuleDict({"painter": network}), tmp_path / "samples" / "1.png", 1)
    assert (tmp_path / "samples/1.png").is_file()
    assert not [one for one in recwarn if "not drawn" in str(one.message)]


def test_a_preview_that_fails_is_warned_of_once_and_ends_nothing(tmp_path: Path, recwarn: Any) -> None:
    network = Answering(lambda image: Translation(image, image[:, :1].expand(-1, 5, -1, -1), image[:, None]))
    preview = Preview({"A": torch.rand(1, 3, 8, 8)}, Layout("", {}, {"A2B": "painter"}))
    for step in (1, 2):
        preview.show(nn.ModuleDict({"painter": network}), tmp_path / f"{step}.png", step)
    (warning,) = recwarn
    assert str(warning.message).startswith("step 1: the preview was not drawn (There are 5 masks for 1 contents")


class Answering(nn.Module):
    """A generator that returns what it is told."""

    def __init__(self, answer: Callable[[torch.Tensor], Translation]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, image: torch.Tensor, domain: torch.Tensor | None = None) -> Translation:
        return self.answer(image)


@pytest.mark.parametrize("name", ["cyclegan", "attentiongan1", "attentiongan2", "aggan", "ugatit", "stargan"])
def test_a_step_is_rehearsed_on_shapes_alone(name: str) -> None:
    with torch.device("meta"):
        recipe = zoo().recipes.load(name)(width=2, blocks=1, discriminator_width=2)
    updated: set[str] = set()
    step = recipe.step
    recipe.step = lambda batch, update: step(batch, lambda key, loss: (updated.add(key), update(key, loss)))
    rehearse(recipe, int(recipe.options.get("image_size", 128)), 5)
    assert updated == set(recipe.optimizers())


def test_looking_leaves_the_networks_as_they_were() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout())
    network[1].eval()
    with evaluating(network):
        assert not network[0].training
        assert not torch.is_grad_enabled()
    assert network[0].training
    assert not network[1].training


def test_the_moving_average_is_torchs() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))  # a batch norm counts batches in whole numbers
    ours = MovingAverage(network, 0.75)
    theirs = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.75), use_buffers=True)
    for _ in range(3):
        network(torch.randn(2, 3, 4, 4)).sum().backward()
        torch.optim.SGD(network.parameters(), 0.1).step()
        ours.update(network)
        theirs.update_parameters(network)
        resumed = MovingAverage(network, 0.75)
        resumed.load_state_dict(ours.state_dict())
        for state in (ours.state_dict(), resumed.state_dict()):
            assert {name: tensor.tolist() for name, tensor in state.items()} == {
                name: tensor.tolist() for name, tensor in theirs.state_dict().items()
            }
    assert not any(parameter.requires_grad for parameter in ours.module.parameters())
