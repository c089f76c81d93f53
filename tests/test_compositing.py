"""Masks: a network's own and the caller's, and what they do to a picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from attn_i2i.types import ConfigError, ShapeError, Translation

from .helpers.translators import Brighten, Negative, noise, translator


@pytest.mark.parametrize("background", [True, False])
def test_masks_are_told_apart(background: bool) -> None:
    result = translator(Brighten(background))(noise())
    assert result.foreground is not None
    assert result.background is not None
    assert result.mask is not None
    assert result.contents is not None
    assert result.foreground.shape == (2, 12, 16)
    assert result.contents.shape == (2, 3, 12, 16)
    assert torch.equal(result.mask, result.foreground.sum(0, keepdim=True))
    assert torch.equal(result.background, 1 - result.mask)
    assert result.contents[1].eq(1).all()


def test_the_heatmap_comes_at_image_size_in_the_unit_range() -> None:
    result = translator(Brighten())(noise())
    assert result.heatmap is not None
    assert result.raw_heatmap is not None
    assert result.heatmap.shape == (1, 12, 16)
    assert result.raw_heatmap.shape == (1, 6, 8)
    assert (result.heatmap.min(), result.heatmap.max()) == (0, 1)
    assert result.raw_heatmap.abs().max() > 1


@pytest.mark.filterwarnings("ignore:bfloat16 is slower")
def test_the_background_is_kept_bit_for_bit() -> None:
    array = noise()
    for dtype in ("float32", "bfloat16"):
        result = translator(Brighten(), dtype=dtype)(array, keep_background=True)
        assert (np.asarray(result.pil())[:, 8:] == array[:, 8:]).all(), dtype
        assert (np.asarray(result.pil())[:, :8] != array[:, :8]).any()


def test_without_compositing_the_network_has_its_way() -> None:
    result = translator(Negative())(noise())
    assert torch.allclose(result.image, 1 - result.source, atol=1e-6)


def test_a_mask_of_the_caller_limits_the_change_exactly() -> None:
    array = noise()
    mask = np.zeros((12, 16), bool)
    mask[3:5, 2:9] = True
    result = translator(Negative())(array, mask=mask)
    output = np.asarray(result.pil())
    assert (output[~mask] == array[~mask]).all()
    assert (output[mask] == 255 - array[mask]).all()
    both = translator(Brighten())(array, mask=mask, keep_background=True)
    assert (np.asarray(both.pil())[:, 8:] == array[:, 8:]).all()


def test_each_picture_may_have_its_mask_and_it_must_fit() -> None:
    translate = translator(Negative())
    on, off = np.ones((12, 16), np.uint8) * 255, np.zeros((12, 16), np.uint8)
    first, second = translate([noise(), noise()], mask=[on, off])
    assert torch.equal(second.image, second.source)
    assert not torch.equal(first.image, first.source)
    tensors = torch.rand(2, 3, 4, 4), torch.eye(2)[:, :1, None, None].expand(2, 1, 4, 4)
    assert [torch.equal(result.image, result.source) for result in translate(tensors[0], mask=tensors[1])] == [
        False,
        True,
    ]
    with pytest.raises(ShapeError, match="image: The mask is 16x12 and the picture 16x8 pixels"):
        translate(noise(8), mask=on)
    with pytest.raises(ConfigError, match="1 masks were given for 2"):
        translate([noise(), noise()], mask=[on])


def test_strength_goes_from_the_source_to_the_output() -> None:
    translate = translator(Brighten())
    none, half, full = (translate(noise(), strength=s) for s in (0.0, 0.5, 1.0))
    assert torch.equal(none.image, none.source)
    assert torch.allclose(half.image, (none.image + full.image) / 2, atol=1e-6)


def test_a_threshold_makes_the_mask_hard() -> None:
    class Soft(Brighten):
        def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
            ramp = torch.linspace(0, 1, image.shape[-1]).expand(len(image), 1, *image.shape[-2:])
            return Translation(-image, ramp, -image[:, None])

    result = translator(Soft())(noise(), threshold=0.5)
    assert result.mask is not None
    assert set(result.mask.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(result.image[..., :8], result.source[..., :8])
    assert torch.allclose(result.image[..., 8:], 1 - result.source[..., 8:], atol=1e-6)


class Coloured(Brighten):
    """Reads grey, paints in colour."""

    channels = (1, 3)

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return super().forward(image.expand(-1, 3, -1, -1), domain)


def test_a_grey_picture_may_be_the_background_of_a_coloured_one() -> None:
    grey = noise(16, 16)[..., 0]
    result = translator(Coloured())(grey, keep_background=True)
    assert result.image.shape == (3, 16, 16)
    assert (np.asarray(result.pil())[:, 8:] == grey[:, 8:, None]).all()
