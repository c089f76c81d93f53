"""Trunks of timm see what they were taught on and answer channels first; decoders halve their channels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from attn_i2i.blocks import TimmTrunk, transposed_up
from attn_i2i.blocks.resnet import decoder


class Given(nn.Module):
    """Answers with the same features whatever it sees."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features

    def forward(self, image: Tensor) -> list[Tensor]:
        return [self.features]


@pytest.mark.parametrize(("shape", "expected"), [((1, 16, 4, 16), (1, 16, 4, 16)), ((1, 4, 5, 16), (1, 16, 4, 5))])
def test_features_that_timm_gives_channels_last_are_turned(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    trunk = TimmTrunk("mobilenetv3_small_050", level=0)
    assert trunk.out_channels == 16
    trunk.backbone = Given(torch.rand(shape))
    assert trunk(torch.zeros(1, 3, 32, 32)).shape == expected


def test_a_backbone_sees_images_as_it_was_taught_on_them() -> None:
    trunk = TimmTrunk("mobilenetv3_small_050", level=0).eval()
    seen: list[Tensor] = []
    trunk.backbone.register_forward_pre_hook(lambda module, images: seen.append(images[0]))
    trunk((trunk.mean * 2 - 1).expand(1, 3, 32, 32))
    trunk(((trunk.mean + trunk.std) * 2 - 1).expand(1, 3, 32, 32))
    torch.testing.assert_close(seen, [torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32)])


def test_a_decoder_keeps_one_channel_at_least() -> None:
    assert [decoder(channels, 4, transposed_up)[1] for channels in (8, 4, 2, 1)] == [2, 1, 1, 1]
