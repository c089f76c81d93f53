"""Each check of a discriminator, a loss term or a recipe notices what it is there for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attn_i2i import Verdict
from attn_i2i.blocks import PatchDiscriminator
from attn_i2i.interfaces import Layout, Measure, RoundTrip
from attn_i2i.testing import ContractError, check_discriminator, check_measure, check_recipe, check_term
from attn_i2i.types import ShapeError

from .helpers.networks import Plain
from .helpers.registered import registering


class Answering(nn.Module):
    """A discriminator whose answer ``answer`` makes of logits."""

    def __init__(self, answer: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.conv, self.answer = nn.Conv2d(3, 1, 4, 2), answer

    def forward(self, image: Tensor, attention: Tensor | None = None) -> Any:
        return self.answer(self.conv(image))


BROKEN_DISCRIMINATORS: dict[str, tuple[Callable[[Tensor], Any], str]] = {
    "bare logits": (lambda x: x, "not a tuple of Verdicts"),
    "list": (lambda x: [Verdict(x)], "not a tuple"),
    "two channels": (lambda x: (Verdict(torch.cat([x, x], 1)),), "logits is"),
    "batch": (lambda x: (Verdict(x - x.mean()),), "rest of the batch"),
    "class logits": (lambda x: (Verdict(x, class_logits=x),), "class_logits is"),
    "detached": (lambda x: (Verdict(x.detach()),), "no gradient"),
    "rounded": (lambda x: (Verdict(x.round() + 0 * x),), "gradient of the input image is 0"),
}


@pytest.mark.parametrize("name", BROKEN_DISCRIMINATORS)
def test_broken_discriminators_are_told_what_to_do(name: str) -> None:
    answer, message = BROKEN_DISCRIMINATORS[name]
    with pytest.raises(ContractError, match=message):
        check_discriminator(Answering(answer))


class Blind(Answering):
    """Asks for a mask without saying that it does."""

    def forward(self, image: Tensor, attention: Tensor | None = None) -> Any:
        if attention is None:
            raise ShapeError("A mask is needed.")
        return super().forward(image * attention)


def test_a_discriminator_that_needs_a_mask_says_so() -> None:
    with pytest.raises(ContractError, match=r"A mask is needed\.\): set masked = True"):
        check_discriminator(Blind(lambda x: (Verdict(x),)))


def test_good_discriminators_pass() -> None:
    check_discriminator(PatchDiscriminator(width=4, layers=2), size=48)
    check_discriminator(lambda: Answering(lambda x: (Verdict(x), Verdict(x))))


BROKEN_TERMS: dict[str, tuple[Callable[[RoundTrip], Any], str]] = {
    "not reduced": (lambda trip: trip.fake.image - trip.source, "reduce it"),
    "detached": (lambda trip: trip.fake.image.detach().mean(), "no gradient"),
    "a number": (lambda trip: 0.5, "a float"),
    "nan": (lambda trip: (trip.fake.image - 9).log().mean(), "NaN"),
    "nan gradient": (lambda trip: (trip.fake.image * 0).sqrt().mean(), "gradient of the loss holds infinite or NaN"),
    "in place": (lambda trip: trip.fake.image.mean() + trip.source.mul_(0).sum(), "changed its input source in place"),
}


@pytest.mark.parametrize("name", BROKEN_TERMS)
def test_broken_terms_are_told_what_to_do(name: str) -> None:
    term, message = BROKEN_TERMS[name]
    with pytest.raises(ContractError, match=message):
        check_term(term)


def test_a_good_term_passes() -> None:
    check_term(lambda trip: (trip.back.image - trip.source).abs().mean())


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """The generator is registered, as a recipe's parts have to be."""
    with registering(generators={"plain-test": Plain}):
        yield


class Small:
    """A recipe of one generator that learns to copy; each broken one below changes a line of it."""

    layout = Layout("plain-test", {}, {"A2B": "painter"})

    def __init__(self) -> None:
        self.networks = nn.ModuleDict({"painter": Plain()})
        self.options: dict[str, Any] = {"copies": True}
        self.steps = 0

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"generator": torch.optim.Adam(self.networks["painter"].parameters(), lr=1e-3)}

    def step(self, batch: Mapping[str, Tensor], update: Callable[[str, Tensor], None]) -> dict[str, Tensor]:
        self.steps += 1
        loss = self.steps * (self.networks["painter"](batch["A"]).image - batch["A"]).abs().mean()
        update("generator", loss)
        return {"copy": loss.detach()}

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        return 1e-3

    def total_steps(self, steps_per_epoch: int) -> int:
        return 100

    def on_epoch(self, epoch: int) -> None:
        """Nothing changes."""

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]


def with_loss(after: Callable[[Small, Tensor, Callable[[str, Tensor], None]], Any]) -> Callable[..., Any]:
    def step(self: Small, batch: Mapping[str, Tensor], update: Callable[[str, Tensor], None]) -> Any:
        return after(self, self.networks["painter"](batch["A"]).image.mean(), update)

    return step


BROKEN_RECIPES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown optimizer": ({"step": with_loss(lambda self, loss, update: update("g", loss))}, "names no optimizer"),
    "no update": ({"step": with_loss(lambda self, loss, update: {"copy": loss.detach()})}, "never called update"),
    "no losses": ({"step": with_loss(lambda self, loss, update: update("generator", loss))}, "not its loss terms"),
    "graph kept": (
        {"step": with_loss(lambda self, loss, update: update("generator", loss) or {"copy": loss})},
        "keeps its graph",
    ),
    "a column": (
        {"step": with_loss(lambda self, loss, update: update("generator", loss) or {"step": loss.detach()})},
        "is called 'step': use a text other than step and learning_rate",
    ),
    "rate": ({"learning_rate": lambda self, step, steps_per_epoch: -1.0}, "not a rate"),
    "state lost": ({"load_state_dict": lambda self, state: None}, "differs after load_state_dict"),
    "missing": ({"on_epoch": property()}, "needs on_epoch"),
    "one bad rate": (
        {"learning_rate": lambda self, step, steps_per_epoch: math.nan if step == 3 else 1e-3},
        r"learning_rate\(3, 5\) is nan",
    ),
    "no end for large sets": (
        {"total_steps": lambda self, steps_per_epoch: 100 if steps_per_epoch < 9 else 0},
        r"total_steps\(1000\) is 0",
    ),
    "other direction": ({"layout": Layout("plain-test", {}, {"B2A": "painter"})}, "images of A, not of B"),
    "batch changed": ({"step": lambda self, batch, update: batch["B"].zero_()}, "changed its input B in place"),
    "no layout": ({"layout": property()}, "needs layout"),
    "no end": ({"total_steps": property()}, "needs total_steps"),
    "an endless end": ({"total_steps": lambda self, steps_per_epoch: math.inf}, "not a number of steps"),
    "no options": ({"options": property(lambda self: None, lambda self, value: None)}, "not a mapping"),
    "options of objects": (
        {"options": property(lambda self: {"act": nn.ReLU()}, lambda self, value: None)},
        "strings, numbers",
    ),
    "a layout by name": ({"layout": {"A2B": "painter"}}, "not an attn_i2i.interfaces.Layout"),
    "another direction": ({"layout": Layout("plain-test", {}, {"forth": "painter"})}, "expected A2B and B2A"),
    "another network": ({"layout": Layout("plain-test", {}, {"A2B": "G_A2B"})}, "is 'G_A2B', but networks has"),
    "another domain": (
        {"layout": Layout("plain-test", {}, {"A2B": "painter"}, "plain-test", {}, {"real": "painter"})},
        "look at",
    ),
    "unnamed": ({"layout": Layout("", {}, {"A2B": "painter"})}, "register it"),
    "unregistered": ({"layout": Layout("plain-tset", {}, {"A2B": "painter"})}, "Did you mean 'plain-test'"),
    "another shape": ({"layout": Layout("cyclegan", {"width": 4}, {"A2B": "painter"})}, "do not fit"),
}


@pytest.mark.parametrize("name", BROKEN_RECIPES)
def test_broken_recipes_are_told_what_to_do(name: str) -> None:
    changes, message = BROKEN_RECIPES[name]
    with pytest.raises(ContractError, match=message):
        check_recipe(type("Broken", (Small,), changes))


class Idle(Small):
    def __init__(self) -> None:
        super().__init__()
        self.networks["critic"] = nn.Linear(2, 2)


def test_recipes() -> None:
    check_recipe(Small)
    with pytest.raises(ContractError, match="leave critic as it was"):
        check_recipe(Idle)


BROKEN_MEASURES: dict[str, tuple[Measure, str]] = {
    "raises": (Measure(lambda output: 1 / 0, ("output",), summary="x"), "ZeroDivisionError"),
    "one number": (Measure(lambda output: output.mean(), ("output",), summary="x"), "one number a picture"),
    "batch": (
        Measure(lambda output: (output - output.mean()).square().mean((1, 2, 3)), ("output",), summary="x"),
        "depends on the others",
    ),
    "in place": (
        Measure(lambda output: output.zero_().mean((1, 2, 3)), ("output",), summary="x"),
        "changed its input output in place",
    ),
    "nan": (Measure(lambda mask: (mask - 2).log().mean((1, 2, 3)), ("mask",), summary="x"), "NaN"),
    "set": (Measure(lambda a: math.inf, ("output_features",), over="set", summary="x"), "returned inf"),
    "better": (Measure(lambda a: a.mean((1, 2, 3)), ("output",), better="up", summary="x"), "better is 'up'"),  # type: ignore[arg-type]
    "over": (Measure(lambda a: a.mean((1, 2, 3)), ("output",), over="movie", summary="x"), "over is 'movie'"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", BROKEN_MEASURES)
def test_broken_measures_are_told_what_to_do(name: str) -> None:
    measure, message = BROKEN_MEASURES[name]
    with pytest.raises(ContractError, match=message):
        check_measure(measure)
