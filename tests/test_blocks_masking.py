"""Discriminators that see the attention mask: what they hide, read, pass on and refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attn_i2i.blocks import (
    ConcatMasked,
    PatchDiscriminator,
    ThresholdMasked,
)
from attn_i2i.types import ConfigError, ShapeError, Verdict


def test_a_threshold_hides_what_the_mask_does_not_mark() -> None:
    discriminator = nn.Conv2d(3, 1, 4, 2)
    image, mask = torch.randn(2, 3, 8, 8), torch.rand(2, 1, 8, 8)
    logits = ThresholdMasked(discriminator, 0.4)(image, mask)[0].logits
    torch.testing.assert_close(logits, discriminator(image * (mask >= 0.4)))
    torch.testing.assert_close(ThresholdMasked(discriminator, 0.0)(image, mask)[0].logits, discriminator(image))
    with pytest.raises(ShapeError, match=r"\(2, 1, 8, 8\), got none"):
        ThresholdMasked(discriminator)(image)
    with pytest.raises(ConfigError, match="outside"):
        ThresholdMasked(discriminator, 1.5)


def test_an_attention_guided_discriminator_sees_the_mask_first_and_learns_from_it() -> None:
    discriminator = nn.Conv2d(4, 1, 4, 2)
    image, mask = torch.randn(2, 3, 8, 8), torch.rand(2, 1, 8, 8, requires_grad=True)
    (verdict,) = ConcatMasked(discriminator)(image, mask)
    torch.testing.assert_close(verdict.logits, discriminator(torch.cat([mask, image], 1)))
    verdict.logits.sum().backward()
    assert mask.grad is not None
    assert (
        ConcatMasked(PatchDiscriminator(4, 4))(torch.zeros(1, 3, 64, 64), torch.ones(1, 1, 64, 64))[0].logits.ndim == 4
    )


class Conditional(nn.Module):
    """D(x, y) in two scales, as pix2pix has it, in what way it is told to answer."""

    def __init__(self, channels: int, answer: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.conv, self.answer = nn.Conv2d(channels, 1, 4, 2), answer

    def forward(self, image: Tensor, condition: Tensor, *, scale: float = 1.0) -> Any:
        return self.answer(self.conv(torch.cat([image, condition], 1)) * scale)


@pytest.mark.parametrize("answer", [lambda y: y, lambda y: [y, 2 * y], lambda y: (Verdict(y), Verdict(2 * y))])
def test_masked_discriminators_pass_on_what_else_there_is_and_take_any_number_of_scales(answer: Any) -> None:
    image, mask = torch.randn(2, 3, 8, 8), torch.ones(2, 1, 8, 8)
    for masked, channels in ((ThresholdMasked, 6), (ConcatMasked, 7)):
        inner = Conditional(channels, answer)
        verdicts = masked(inner)(image, mask, image, scale=3.0)
        seen = image if channels == 6 else torch.cat([mask, image], 1)
        expected = 3 * inner.conv(torch.cat([seen, image], 1))
        for factor, verdict in enumerate(verdicts, start=1):
            torch.testing.assert_close(verdict.logits, factor * expected)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda y: [[y, y]], "returned list"),
        (lambda y: {"logits": y}, "returned dict"),
        (lambda y: None, "returned NoneType"),
        (lambda y: [], "an empty list"),
        (lambda y: y.expand(-1, 5, -1, -1), r"Tensor \(2, 5, 3, 3\)"),
        (lambda y: (y, y.mean((1, 2, 3))), r"Tensor \(2,\)"),
    ],
)
def test_what_is_no_verdict_is_refused_by_name(answer: Any, message: str) -> None:
    image = torch.zeros(2, 3, 8, 8)
    for masked, channels in ((ThresholdMasked, 6), (ConcatMasked, 7)):
        with pytest.raises(ConfigError, match=message):
            masked(Conditional(channels, answer))(image, image[:, :1], image)


def test_a_discriminator_of_masked_images_says_that_it_reads_the_mask() -> None:
    assert ConcatMasked.masked
    assert ConcatMasked(PatchDiscriminator(4, 2, layers=1)).masked
