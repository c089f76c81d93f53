"""A floor under attention masks: what lies below it is shut, and the source stays bit for bit there."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from attn_i2i.blocks import SigmoidHead, SoftmaxHead
from attn_i2i.interfaces import Layout
from attn_i2i.masks import blend, foreground, lower
from attn_i2i.models.build import create
from attn_i2i.train import TrainingWarning
from attn_i2i.train.preview import Preview, has_floor
from attn_i2i.types import ConfigError


@pytest.mark.parametrize("head", [SigmoidHead, partial(SoftmaxHead, masks=3)])
def test_a_floor_shuts_faint_masks_and_leaves_the_source_bit_for_bit(head: Any) -> None:
    torch.manual_seed(0)
    features, source = torch.randn(1, 8, 8, 8) * 20, torch.rand(1, 3, 32, 32) * 2 - 1
    plain, floored = head(8, 4), head(8, 4, floor=0.7)
    for module in plain.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight)
    floored.load_state_dict(plain.state_dict())
    before, after = plain(features, source), floored(features, source)
    was, now = foreground(before), foreground(after)
    torch.testing.assert_close(now, (was - 0.7).clamp(0) / 0.3)
    shut = (was <= 0.7).expand_as(source)
    assert 0 < shut.float().mean() < 1
    assert torch.equal(after.image[shut], source[shut])
    torch.testing.assert_close(after.image, blend(after.attention, after.contents, source))
    torch.testing.assert_close(after.contents, before.contents)


@pytest.mark.parametrize("floor", [0.0, 1e-50, 1e-9, 0.16, 0.998])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("count", [1, 2])
def test_a_floor_leaves_masks_and_their_gradients_numbers_from_0_to_1(
    floor: float, dtype: torch.dtype, count: int
) -> None:
    totals = torch.tensor([0, floor, 0.5, 1], dtype=dtype)
    masks = torch.stack([totals / count] * count + [1 - totals])[:, None].requires_grad_()
    lowered = lower(masks, torch.zeros(count, 3, 1, 4, dtype=dtype), floor)
    lowered.square().sum().backward()
    assert masks.grad is not None
    assert masks.grad.isfinite().all()
    assert lowered.min() >= 0
    assert lowered.max() <= 1
    closed = (totals.double() - floor).clamp(0) / (1 - floor)
    torch.testing.assert_close(lowered[:-1].sum(0)[0, 2:].double(), closed[2:], atol=0.03, rtol=0)
    assert lowered[:-1, 0, :2].eq(0).all()


@pytest.mark.parametrize("floor", [1, -0.1, float("nan"), "0.1", None, True])
def test_a_floor_is_a_share_of_masks_that_leave_a_background(floor: Any) -> None:
    with pytest.raises(ConfigError, match="expected a share of the masks"):
        create("attentiongan1", mask_floor=floor)
    with pytest.raises(ConfigError, match="needs a background"):
        create("attentiongan2", background=False, mask_floor=0.1)


def test_masks_that_a_floor_shuts_are_told_of_the_floor() -> None:
    networks = nn.ModuleDict({way: create("attentiongan1", width=2, blocks=0, mask_floor=0.999) for way in "ab"})
    preview = Preview({side: torch.zeros(1, 3, 16, 16) for side in "AB"}, Layout("", {}, {"A2B": "a", "B2A": "b"}))
    remedy = "begin a run without mask_floor"
    with pytest.warns(TrainingWarning, match=f"zero .*{remedy}"), pytest.warns(match=f"inputs .*{remedy}"):
        preview.guard(preview.look(networks), 1, floored=has_floor(networks))
