"""Every registered part keeps the contract, and each check notices what it is there for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attn_i2i import Translation, Verdict
from attn_i2i.blocks import ImageHead, PatchDiscriminator, ResnetTrunk, SoftmaxHead, TrunkAndHead, blend
from attn_i2i.convert.converter import Converter, Scope
from attn_i2i.interfaces import RoundTrip
from attn_i2i.plugins import BUILTINS, PluginManager
from attn_i2i.testing import (
    Checked,
    ContractError,
    check_converter,
    check_discriminator,
    check_generator,
    check_head,
    check_plugin,
    check_recipe,
    check_term,
)
from attn_i2i.testing.converters import foreign_states

MANAGER = PluginManager()
SMALL = {"width": 4, "blocks": 1, "layers": 2, "light": True, "discriminator_width": 4, "discriminator_layers": 2}


@pytest.mark.parametrize("plugin", BUILTINS)
def test_every_builtin_part_keeps_the_contract(plugin: str) -> None:
    checked = list(check_plugin(MANAGER, plugin, SMALL))
    assert checked
    assert not [one for one in checked if one.problem]


def test_no_converter_claims_another_familys_networks() -> None:
    own = [
        factory.load()().state_dict()
        for factory in (MANAGER.zoo.generators["cyclegan"], MANAGER.zoo.generators["aggan"])
    ]
    for entry in MANAGER.zoo.converters:
        for state in [*own, *foreign_states()]:
            assert not entry.load().split(state, "latest_net_G.pth"), entry.name


def small() -> TrunkAndHead:
    trunk = ResnetTrunk(4, 1)
    return TrunkAndHead(trunk, SoftmaxHead(trunk.out_channels, trunk.stride, masks=3))


class Plain(nn.Module):
    """The least a generator can be; each broken one below changes a line of it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(self.conv(image).tanh())


def broken(forward: Callable[..., Any]) -> type[Plain]:
    """A generator with another forward."""
    return type("Broken", (Plain,), {"forward": forward})


class Unused(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.Linear(2, 2)


class Forgetful(Plain):
    """Keeps something random outside of its state dict."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("style", torch.randn(3, 1, 1), persistent=False)

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation((self.conv(image) + self.style).tanh())


class OneLabel(Plain):
    domains = 3

    def forward(self, image: Tensor, domain: Tensor) -> Translation:  # type: ignore[override]
        assert domain.shape == (len(image), 3)
        return super().forward(image)


class FixedSize(Plain):
    image_size = 32

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        assert image.shape[2:] == (32, 32)
        return super().forward(image)


class Styled(Unused):
    """The spare part is a recipe's."""

    auxiliary = ("spare",)


def with_masks(attention: Callable[[Tensor], Tensor], count: int = 1) -> type[Plain]:
    def forward(self: Plain, image: Tensor, domain: Tensor | None = None) -> Translation:
        masks = attention(self.conv(image))
        contents = self.conv(image).tanh()[:, None].expand(-1, count, -1, -1, -1)
        return Translation(self.conv(image).tanh(), masks, contents)

    return broken(forward)


@pytest.mark.parametrize(
    "part", [small, Plain, small(), OneLabel, FixedSize, Styled], ids=lambda part: getattr(part, "__name__", "module")
)
def test_good_generators_pass(part: Any) -> None:
    check_generator(part)


def test_a_generator_stays_as_it_was() -> None:
    module = small()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    check_generator(module)
    assert module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


BROKEN_GENERATORS: dict[str, tuple[Any, str]] = {
    "tensor": (broken(lambda self, image, domain=None: image), "not a Translation"),
    "raises": (broken(lambda self, image, domain=None: 1 / 0), "ZeroDivisionError"),
    "no domain": (broken(lambda self, image: Translation(image)), r"generator\(image, None\).*TypeError"),
    "size": (broken(lambda self, image, domain=None: Translation(image[..., ::2])), "image is .*pad_to_multiple"),
    "range": (broken(lambda self, image, domain=None: Translation(self.conv(image))), "tanh"),
    "nan": (broken(lambda self, image, domain=None: Translation(self.conv(image) * torch.nan)), "image holds .*NaN"),
    "random": (
        broken(lambda self, image, domain=None: Translation((self.conv(image) + torch.randn(3, 1, 1)).tanh())),
        "differ in image|batch",
    ),
    "batch": (
        broken(lambda self, image, domain=None: Translation((self.conv(image) - image.mean()).tanh())),
        "rest of its batch",
    ),
    "in place": (
        broken(lambda self, image, domain=None: Translation(self.conv(image.mul_(0.5)).tanh())),
        "in place|batch",
    ),
    "precision": (
        broken(lambda self, image, domain=None: Translation(self.conv(image).tanh().float())),
        "float32 where",
    ),
    "detached": (broken(lambda self, image, domain=None: Translation(self.conv(image).tanh().detach())), "no gradient"),
    "cut off": (
        broken(lambda self, image, domain=None: Translation(self.conv(image.detach()).tanh())),
        "input image gets no",
    ),
    "unused": (Unused, "spare.weight gets no gradient"),
    "forgetful": (Forgetful, "persistent buffer"),
    "no default": (lambda width: Plain(), "every option needs one"),
    "not a module": (lambda: 3, "not an nn.Module"),
    "negative masks": (with_masks(lambda x: x[:, :1].tanh()), r"attention lies in .*softmax"),
    "masks overlap": (with_masks(lambda x: x[:, :2].sigmoid(), 2), "sum to"),
    "mask count": (with_masks(lambda x: x.softmax(1), 1), "3 masks for 1 contents"),
    "mask shape": (with_masks(lambda x: x[:, 0].sigmoid()), "attention is"),
}


@pytest.mark.parametrize("name", BROKEN_GENERATORS)
def test_broken_generators_are_told_what_to_do(name: str) -> None:
    part, message = BROKEN_GENERATORS[name]
    with pytest.raises(ContractError, match=message) as caught:
        check_generator(part)
    assert "\n" not in str(caught.value)


def test_an_unbounded_content_may_pass_its_range_on() -> None:
    def forward(self: Plain, image: Tensor, domain: Tensor | None = None) -> Translation:
        attention, contents = self.conv(image)[:, :1].sigmoid(), self.conv(image)[:, None]
        return Translation(blend(attention, contents, image), attention, contents)

    check_generator(broken(forward))


class Judge(nn.Module):
    """A discriminator whose answer ``answer`` makes of logits."""

    def __init__(self, answer: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.conv, self.answer = nn.Conv2d(3, 1, 4, 2), answer

    def forward(self, image: Tensor, attention: Tensor | None = None) -> Any:
        return self.answer(self.conv(image))


BROKEN_JUDGES: dict[str, tuple[Callable[[Tensor], Any], str]] = {
    "bare logits": (lambda x: x, "not a tuple of Verdicts"),
    "list": (lambda x: [Verdict(x)], "not a tuple"),
    "two channels": (lambda x: (Verdict(torch.cat([x, x], 1)),), "logits is"),
    "batch": (lambda x: (Verdict(x - x.mean()),), "rest of the batch"),
    "class logits": (lambda x: (Verdict(x, class_logits=x),), "class_logits is"),
    "detached": (lambda x: (Verdict(x.detach()),), "no gradient"),
}


@pytest.mark.parametrize("name", BROKEN_JUDGES)
def test_broken_discriminators_are_told_what_to_do(name: str) -> None:
    answer, message = BROKEN_JUDGES[name]
    with pytest.raises(ContractError, match=message):
        check_discriminator(Judge(answer))


def test_good_discriminators_pass() -> None:
    check_discriminator(PatchDiscriminator(width=4, layers=2), size=48)
    check_discriminator(lambda: Judge(lambda x: (Verdict(x), Verdict(x))))


class Nameless(ImageHead):
    def __init__(self, in_channels: int, stride: int) -> None:
        super().__init__(in_channels, stride)
        del self.in_channels


def test_heads() -> None:
    check_head(SoftmaxHead(8, stride=2, masks=3))
    check_head(ImageHead)
    with pytest.raises(ContractError, match="does not advertise in_channels"):
        check_head(Nameless)
    with pytest.raises(ContractError, match=r"Built for \(16, 4\), it advertises \(16, 2\)"):
        check_head(lambda channels, stride: ImageHead(channels, 2))


BROKEN_TERMS: dict[str, tuple[Callable[[RoundTrip], Any], str]] = {
    "not reduced": (lambda trip: trip.fake.image - trip.source, "reduce it"),
    "detached": (lambda trip: trip.fake.image.detach().mean(), "no gradient"),
    "a number": (lambda trip: 0.5, "a float"),
    "nan": (lambda trip: (trip.fake.image - 9).log().mean(), "NaN"),
}


@pytest.mark.parametrize("name", BROKEN_TERMS)
def test_broken_terms_are_told_what_to_do(name: str) -> None:
    term, message = BROKEN_TERMS[name]
    with pytest.raises(ContractError, match=message):
        check_term(term)


def test_a_good_term_passes() -> None:
    check_term(lambda trip: (trip.back.image - trip.source).abs().mean())


def converter(**changes: Any) -> Converter:
    """A layout of PatchGAN whose keys are ours, prefixed."""
    parts: dict[str, Any] = {
        "role": "discriminator",
        "architecture": "patchgan",
        "detect": lambda state: "judge.logits.weight" in state,
        "infer": lambda state: {"width": len(state["judge.features.0.conv.weight"]), "layers": 2},
        "rename": ((r"judge\.(.*)", r"\1"),),
        "slots": (("", "A"),),
    }
    return Converter(**{**parts, **changes})


def published() -> dict[str, Tensor]:
    return {f"judge.{key}": value for key, value in PatchDiscriminator(width=4, layers=2).state_dict().items()}


BROKEN_CONVERTERS: dict[str, tuple[dict[str, Any], str]] = {
    "careless detection": (
        {"detect": lambda s: s["weight"].shape[0] > 1 if "weight" in s else s.nothing},
        "AttributeError",
    ),
    "claims all": ({"detect": lambda state: True}, "claims foreign tensors"),
    "recognises nothing": ({"detect": lambda state: False}, "not recognised"),
    "uncovered key": ({"rename": ((r"judge\.features\.(.*)", r"features.\1"),)}, "no rule covers"),
    "wrong name": ({"rename": ((r"judge\.(.*)", r"net.\1"),)}, "missing"),
    "two for one": ({"rename": ((r"judge\..*", "logits.weight"),)}, "both 'logits.weight' here"),
    "wrong width": ({"infer": lambda state: {"width": 8, "layers": 2}}, "is .*, not"),
    "not plain": ({"infer": lambda state: {"width": torch.tensor(4), "layers": 2}}, "strings, numbers"),
    "slot": ({"slots": (("", "A2B"),)}, "Slots A2B of a discriminator"),
    "unknown part": ({"architecture": "pachgan"}, "Did you mean 'patchgan'"),
}


@pytest.mark.parametrize("name", BROKEN_CONVERTERS)
def test_broken_converters_are_told_what_to_do(name: str) -> None:
    changes, message = BROKEN_CONVERTERS[name]
    with pytest.raises(ContractError, match=message):
        check_converter(converter(**changes), published())


def test_good_converters_pass() -> None:
    check_converter(converter(), published())
    scoped = converter(scopes=(Scope("A/", "A"), Scope("B/", "B")))
    check_converter(scoped, {f"{domain}/{key}": value for domain in "AB" for key, value in published().items()})


class Small:
    """A recipe of one generator that learns to copy; each broken one below changes a line of it."""

    def __init__(self) -> None:
        self.networks = nn.ModuleDict({"generator": Plain()})
        self.steps = 0

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"generator": torch.optim.Adam(self.networks["generator"].parameters(), lr=1e-3)}

    def step(self, batch: Mapping[str, Tensor], update: Callable[[str, Tensor], None]) -> dict[str, Tensor]:
        self.steps += 1
        loss = self.steps * (self.networks["generator"](batch["A"]).image - batch["A"]).abs().mean()
        update("generator", loss)
        return {"copy": loss.detach()}

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        return 1e-3

    def on_epoch(self, epoch: int) -> None:
        """Nothing changes."""

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]


def with_loss(after: Callable[[Small, Tensor, Callable[[str, Tensor], None]], Any]) -> Callable[..., Any]:
    def step(self: Small, batch: Mapping[str, Tensor], update: Callable[[str, Tensor], None]) -> Any:
        return after(self, self.networks["generator"](batch["A"]).image.mean(), update)

    return step


BROKEN_RECIPES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown optimizer": ({"step": with_loss(lambda self, loss, update: update("g", loss))}, "names no optimizer"),
    "no update": ({"step": with_loss(lambda self, loss, update: {"copy": loss.detach()})}, "never called update"),
    "no losses": ({"step": with_loss(lambda self, loss, update: update("generator", loss))}, "not its loss terms"),
    "graph kept": (
        {"step": with_loss(lambda self, loss, update: update("generator", loss) or {"copy": loss})},
        "keeps its graph",
    ),
    "rate": ({"learning_rate": lambda self, step, steps_per_epoch: -1.0}, "not a rate"),
    "state lost": ({"load_state_dict": lambda self, state: None}, "differs after load_state_dict"),
    "missing": ({"on_epoch": property()}, "needs on_epoch"),
}


@pytest.mark.parametrize("name", BROKEN_RECIPES)
def test_broken_recipes_are_told_what_to_do(name: str) -> None:
    changes, message = BROKEN_RECIPES[name]
    with pytest.raises(ContractError, match=message):
        check_recipe(type("Broken", (Small,), changes))


class Idle(Small):
    def __init__(self) -> None:
        super().__init__()
        self.networks["judge"] = nn.Linear(2, 2)


def test_recipes() -> None:
    check_recipe(Small)
    with pytest.raises(ContractError, match="leave judge as it was"):
        check_recipe(Idle)


def test_a_part_that_cannot_be_imported_is_named() -> None:
    manager = PluginManager()
    with manager.zoo.supplied_by("mine"):
        manager.zoo.generators.add("gone", "attn_i2i.no_such_module:generator")
        manager.zoo.heads.add("fine", ImageHead)
    first, second = check_plugin(manager, "mine")
    assert re.search("no_such_module.*ModuleNotFoundError", first.problem or "")
    assert second == Checked("head", "fine", None)
