"""Blending, heads, masked discriminators, padding and trunks, on modules that know nothing of the package."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attn_i2i.blocks import (
    AttentionNetwork,
    ImageHead,
    PatchDiscriminator,
    ResnetTrunk,
    SigmoidHead,
    SoftmaxHead,
    TimmTrunk,
    TrunkAndHead,
    blend,
    crop,
    enable_norm,
    foreground,
    pad_to_multiple,
    shuffle_up,
    transposed_up,
)
from attn_i2i.blocks.padding import reflected
from attn_i2i.models.build import create
from attn_i2i.types import ConfigError, ShapeError, Translation
from benchmarks import plain

HEADS = [ImageHead, SigmoidHead, SoftmaxHead]


def double(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


class Foreign(nn.Module):
    """Somebody's trunk."""

    out_channels, stride = 8, 4

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 4, 4)

    def forward(self, image: Tensor) -> Tensor:
        return self.conv(image)


def test_blend_shows_the_source_under_the_background_mask() -> None:
    attention, contents, source = double(2, 4, 5, 6).softmax(1), double(2, 3, 3, 5, 6), double(2, 3, 5, 6)
    layers = torch.cat([contents, source[:, None]], 1)
    torch.testing.assert_close(blend(attention, contents, source), (attention[:, :, None] * layers).sum(1))


def test_blend_gives_the_background_what_the_masks_leave() -> None:
    attention, contents, source = double(2, 1, 5, 6).sigmoid(), double(2, 1, 3, 5, 6), double(2, 3, 5, 6)
    expected = attention * contents[:, 0] + (1 - attention) * source
    torch.testing.assert_close(blend(attention, contents, source), expected)


def test_blend_without_source_sums_the_contents() -> None:
    attention, contents = double(2, 3, 5, 6).softmax(1), double(2, 3, 3, 5, 6)
    torch.testing.assert_close(blend(attention, contents, None), (attention[:, :, None] * contents).sum(1))


def test_foreground_leaves_the_background_mask_out() -> None:
    attention, image = torch.rand(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    assert torch.equal(
        foreground(Translation(image, attention, torch.zeros(1, 2, 3, 2, 2))), attention[:, :2].sum(1, keepdim=True)
    )
    with pytest.raises(ConfigError, match="no attention masks"):
        foreground(Translation(image))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("up", [transposed_up, shuffle_up])
def test_heads_end_any_trunk_at_the_size_of_the_image(head: type[nn.Module], up: object) -> None:
    generator = TrunkAndHead(Foreign(), head(8, 4, up=up))
    image = torch.rand(2, 3, 17, 22) * 2 - 1
    translation = generator(image)
    assert translation.image.shape == image.shape
    if translation.attention is not None:
        assert translation.attention.shape[2:] == image.shape[2:]
        assert translation.contents.shape[3:] == image.shape[2:]
        assert translation.attention.min() >= 0
        assert foreground(translation).max() <= 1 + 1e-6
    translation.image.square().mean().backward()
    assert all(p.grad is not None for p in generator.parameters())


def test_a_softmax_head_blends_what_it_returns() -> None:
    source = torch.rand(1, 3, 16, 16)
    one = SoftmaxHead(8, 4, masks=3)(torch.randn(1, 8, 4, 4), source)
    torch.testing.assert_close(one.attention.sum(1), torch.ones(1, 16, 16))
    torch.testing.assert_close(one.image, blend(one.attention, one.contents, source))
    geo = SoftmaxHead(8, 4, masks=3, background=False)(torch.randn(1, 8, 4, 4), source)
    assert geo.contents.shape[1] == geo.attention.shape[1] == 3


def test_a_guide_gives_a_softmax_heads_masks_features_of_their_own() -> None:
    head, (features, guide) = SoftmaxHead(8, 4, masks=3), torch.randn(2, 1, 8, 4, 4)
    guided = head(features, torch.zeros(1, 3, 16, 16), guide)
    torch.testing.assert_close(guided.contents, head(features, torch.zeros(1, 3, 16, 16)).contents)
    torch.testing.assert_close(guided.attention, head(guide, torch.zeros(1, 3, 16, 16)).attention)
    assert not torch.allclose(guided.attention, head(features, torch.zeros(1, 3, 16, 16)).attention)


def test_a_sigmoid_heads_content_is_bounded_on_request_only() -> None:
    features, source = torch.randn(1, 8, 4, 4) * 100, torch.zeros(1, 3, 16, 16)
    free, bounded = SigmoidHead(8, 4), SigmoidHead(8, 4, content_tanh=True)
    nn.init.normal_(free.mask_and_content.weight)
    bounded.load_state_dict(free.state_dict())
    assert free(features, source).contents.abs().max() > 1
    torch.testing.assert_close(bounded(features, source).contents, free(features, source).contents.tanh())


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="ends in 8 channels at stride 4"):
        TrunkAndHead(Foreign(), ImageHead(16, 4))
    with pytest.raises(ConfigError, match="advertises"):
        TrunkAndHead(nn.Identity(), ImageHead(8, 4))
    with pytest.raises(ConfigError, match="powers of two"):
        ImageHead(8, 3)
    with pytest.raises(ConfigError, match="leaves no foreground"):
        SoftmaxHead(8, masks=1)


@pytest.mark.parametrize("head", [SigmoidHead, partial(SoftmaxHead, masks=3)])
def test_images_of_other_channels_take_a_head_that_makes_them(head: Any) -> None:
    trunk = ResnetTrunk(width=2, blocks=1, in_channels=1)
    with pytest.raises(ConfigError, match="Give the head out_channels=1, or the trunk in_channels=3"):
        TrunkAndHead(trunk, head(8, 4))
    with pytest.raises(ConfigError, match="Give the head out_channels=4, or the trunk in_channels=5"):
        TrunkAndHead(ResnetTrunk(2, 1, in_channels=6), head(8, 4), domains=2)
    translation = TrunkAndHead(trunk, head(8, 4, out_channels=1))(torch.zeros(1, 1, 17, 16))
    assert translation.image.shape == (1, 1, 17, 16)
    assert translation.contents is None or translation.contents.shape[2] == 1
    assert TrunkAndHead(ResnetTrunk(2, 1, in_channels=5), head(8, 4, out_channels=3), domains=2).domains == 2


class Quiet(nn.Module):
    """A trunk that does not say how many channels it reads."""

    out_channels, stride = 8, 4

    def forward(self, image: Tensor) -> Tensor:
        return image.new_zeros(len(image), 8, image.shape[2] // 4, image.shape[3] // 4)


def test_a_trunk_that_says_nothing_of_channels_is_found_out_in_use() -> None:
    generator = TrunkAndHead(Quiet(), SigmoidHead(8, 4))
    assert generator(torch.zeros(1, 3, 16, 16)).image.shape == (1, 3, 16, 16)
    with pytest.raises(ShapeError, match="cannot be blended"):
        generator(torch.zeros(1, 1, 16, 16))


def test_where_the_source_takes_no_part_its_channels_may_be_others() -> None:
    trunk = ResnetTrunk(width=2, blocks=1, in_channels=1)
    for head in (ImageHead(8, 4), SoftmaxHead(8, 4, masks=3, background=False)):
        assert TrunkAndHead(trunk, head)(torch.zeros(1, 1, 16, 16)).image.shape == (1, 3, 16, 16)


def test_masks_that_do_not_fit_their_contents_are_refused() -> None:
    masks, contents = torch.zeros(1, 4, 2, 2), torch.zeros(1, 2, 3, 2, 2)
    for use in (lambda: blend(masks, contents, None), lambda: foreground(Translation(contents[:, 0], masks, contents))):
        with pytest.raises(ShapeError, match="4 masks for 2 contents"):
            use()


def test_masks_without_contents_are_all_of_the_foreground() -> None:
    masks = torch.tensor([0.25, 0.5])[None, :, None, None].expand(1, 2, 4, 4)
    assert foreground(Translation(torch.zeros(1, 3, 4, 4), masks)).unique().tolist() == [0.75]


def test_a_switchable_norm_leaves_and_returns() -> None:
    discriminator = PatchDiscriminator(3, 4, 2, norm="instance_affine", norm_first=True, norm_switchable=True).eval()
    image = torch.randn(1, 3, 32, 32)
    normed = discriminator(image)[0].logits
    enable_norm(discriminator, False)
    assert not torch.allclose(discriminator(image)[0].logits, normed)
    enable_norm(discriminator, True)
    assert torch.equal(discriminator(image)[0].logits, normed)


@pytest.mark.parametrize(("length", "wanted"), [(1, 5), (2, 9), (3, 7), (7, 8), (5, 5)])
def test_reflection_is_numpys(length: int, wanted: int) -> None:
    expected = np.pad(np.arange(length), (0, wanted - length), mode="reflect")
    assert reflected(length, wanted).tolist() == expected.tolist()


def test_padding_reflects_and_cropping_undoes_it() -> None:
    image = torch.randn(1, 3, 5, 9)
    padded = pad_to_multiple(image, 4, minimum=8)
    assert np.array_equal(padded, np.pad(image, ((0, 0), (0, 0), (0, 3), (0, 3)), mode="reflect"))
    assert torch.equal(crop(Translation(padded), 5, 9).image, image)
    assert pad_to_multiple(padded, 4) is padded


@pytest.mark.parametrize("side", [(1, 1), (3, 50), (33, 31)])
@pytest.mark.parametrize("name", ["cyclegan", "attentiongan1", "attentiongan2", "aggan", "ugatit"])
def test_generators_take_any_size(name: str, side: tuple[int, int]) -> None:
    options = {"light": True} if name == "ugatit" else {}
    generator = create(name, width=4, blocks=1, **options).eval()
    assert generator(torch.zeros(1, 3, *side)).image.shape[2:] == side


@pytest.mark.parametrize("kernels", [(1, 1, 1), (3, 3, 7)])
def test_an_attention_network_is_its_layers_in_order(kernels: tuple[int, int, int]) -> None:
    network = AttentionNetwork(4, kernels=kernels).double()
    image = double(1, 3, 16, 24)
    x = network.block(network.down(network.stem(image)))
    for step, kernel in zip(network.up, kernels[:2], strict=True):
        (part,) = step
        x = F.pad(F.interpolate(x, scale_factor=2), (kernel // 2,) * 4, mode="reflect")
        x = F.instance_norm(F.conv2d(x, part.conv.weight, part.conv.bias)).relu()
    torch.testing.assert_close(network(image), network.mask(x).sigmoid())


@pytest.mark.parametrize(
    ("name", "options", "form"),
    [
        ("ugatit", {"light": True}, plain.UGATITLight),
        ("attentiongan2", {}, plain.AttentionGAN2),
        ("cyclegan", {}, plain.CycleGAN),
    ],
)
def test_generators_are_the_published_forward_written_plainly(
    name: str, options: dict[str, bool], form: type[nn.Module]
) -> None:
    ours, theirs = create(name, width=4, blocks=2, **options).double(), form(width=4, blocks=2).double()
    plain.copy_weights(ours, theirs)
    image = double(2, 3, 32, 40).clamp(-1, 1)
    answer = [part for part in ours(image) if part is not None]
    expected = list(theirs(image))
    torch.testing.assert_close(answer, expected)
    ours_grad = torch.autograd.grad(sum(part.square().sum() for part in answer), list(ours.parameters()))
    plain_grad = torch.autograd.grad(sum(part.square().sum() for part in expected), list(theirs.parameters()))
    torch.testing.assert_close(ours_grad, plain_grad, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(
    ("backbone", "options"),
    [("mobilenetv3_small_050", {"level": 1}), ("vit_tiny_patch16_224", {"img_size": 32, "level": 0})],
)
def test_timm_backbones_carry_every_head(backbone: str, options: dict[str, int], head: type[nn.Module]) -> None:
    trunk = TimmTrunk(backbone, **options)
    generator = TrunkAndHead(trunk, head(trunk.out_channels, trunk.stride)).eval()
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    translation = generator(image)
    assert translation.image.shape == image.shape
    translation.image.square().mean().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in trunk.parameters())


def test_timm_trunks_say_what_is_wrong() -> None:
    with pytest.raises(ConfigError, match="no backbone named 'resnet0'"):
        TimmTrunk("resnet0")
    with pytest.raises(ConfigError, match="level=9 was given"):
        TimmTrunk("mobilenetv3_small_050", level=9)
    with pytest.raises(ConfigError, match="in_chans=1 was given: it is called in_channels"):
        TimmTrunk("mobilenetv3_small_050", in_chans=1)


def test_a_resnet_trunk_serves_a_foreign_module() -> None:
    network = nn.Sequential(ResnetTrunk(4, 1), nn.Conv2d(16, 2, 1))
    assert network(torch.zeros(1, 3, 16, 16)).shape == (1, 2, 4, 4)
