"""Each check of a generator or a head notices what it is there for."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attn_i2i import Translation
from attn_i2i.blocks import ImageHead, ResnetTrunk, SoftmaxHead, TrunkAndHead, blend
from attn_i2i.testing import ContractError, check_generator, check_head

from .helpers.networks import Plain


def small() -> TrunkAndHead:
    trunk = ResnetTrunk(4, 1)
    return TrunkAndHead(trunk, SoftmaxHead(trunk.out_channels, trunk.stride, masks=3))


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
        return Translation((self.conv(image) + domain[..., None, None]).tanh())


class NoLabel(Plain):
    domains = 3


class Numeric(Plain):
    """Reads its weights while it is built, which the meta device cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = float(self.conv.weight.detach().norm())


class Counting(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        self.calls += 1
        return super().forward(image)


def first(act: Callable[..., object]) -> type[Plain]:
    """A generator that does something else beside translating."""

    def forward(self: Plain, image: Tensor, domain: Tensor | None = None) -> Translation:
        act(self)
        return Translation(self.conv(image).tanh())

    return broken(forward)


class FixedSize(Plain):
    image_size = 32

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        assert image.shape[2:] == (32, 32)
        return super().forward(image)


class NoSize(Plain):
    image_size = (32,)


class Styled(Unused):
    """The spare part is a recipe's."""

    auxiliary = ("spare",)


def masked_only(self: Plain, image: Tensor, domain: Tensor | None = None) -> Translation:
    """Masks without contents: all of them are of the foreground."""
    return Translation(self.conv(image).tanh(), self.conv(image).softmax(1)[:, :2])


def with_masks(attention: Callable[[Tensor], Tensor], count: int = 1) -> type[Plain]:
    def forward(self: Plain, image: Tensor, domain: Tensor | None = None) -> Translation:
        masks = attention(self.conv(image))
        contents = self.conv(image).tanh()[:, None].expand(-1, count, -1, -1, -1)
        return Translation(self.conv(image).tanh(), masks, contents)

    return broken(forward)


@pytest.mark.parametrize(
    "part",
    [small, Plain, small(), OneLabel, FixedSize, Styled, broken(masked_only)],
    ids=lambda part: getattr(part, "__name__", "module"),
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
    "size told": (NoSize, r"Reading its image_size .*image_size=\(32,\): expected the side of a square"),
    "raises": (broken(lambda self, image, domain=None: 1 / 0), "ZeroDivisionError"),
    "no domain": (broken(lambda self, image: Translation(image)), r"generator\(image, None\).*TypeError"),
    "size": (broken(lambda self, image, domain=None: Translation(image[..., ::2])), "image is .*pad_to_multiple"),
    "range": (broken(lambda self, image, domain=None: Translation(self.conv(image))), "tanh"),
    "nan": (broken(lambda self, image, domain=None: Translation(self.conv(image) * torch.nan)), "image holds .*NaN"),
    "random": (
        broken(lambda self, image, domain=None: Translation((self.conv(image) + torch.randn(3, 1, 1)).tanh())),
        "random numbers",
    ),
    "batch": (
        broken(lambda self, image, domain=None: Translation((self.conv(image) - image.mean()).tanh())),
        "rest of its batch",
    ),
    "in place": (
        broken(lambda self, image, domain=None: Translation(self.conv(image.mul_(0.5)).tanh())),
        "changed its input image in place",
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
    "rounded": (
        broken(lambda self, image, domain=None: Translation(self.conv(image).tanh().mul(9).round() / 9)),
        "gradient of the input image is 0",
    ),
    "deaf to labels": (NoLabel, "Labels of two domains give the same image"),
    "no meta device": (Numeric, r"under torch.device\('meta'\)"),
    "counting": (Counting, "changed calls"),
    "mode": (first(lambda self: self.train()), "switched the mode"),
    "seeding": (first(lambda self: random.seed(0)), "changed the state of Python's random numbers"),
    "seeding NumPy": (first(lambda self: np.random.seed(0)), "changed the state of NumPy's"),
    "unused": (Unused, "spare.weight gets no gradient"),
    "forgetful": (Forgetful, "persistent buffer"),
    "no default": (lambda width: Plain(), "every option needs one"),
    "not a module": (lambda: 3, "not an nn.Module"),
    "negative masks": (with_masks(lambda x: x[:, :1].tanh()), r"attention lies in .*softmax"),
    "masks overlap": (with_masks(lambda x: x[:, :2].sigmoid(), 2), "sum to"),
    "image of its own": (with_masks(lambda x: x[:, :1].sigmoid()), "away from its masks and contents"),
    "bare masks overlap": (
        broken(lambda self, image, domain=None: Translation(self.conv(image).tanh(), self.conv(image).sigmoid())),
        "sum to",
    ),
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
