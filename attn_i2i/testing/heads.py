"""What a head promises."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from ..blocks import HeadFactory
from ..interfaces import RGB, Head
from ..types import Translation
from .contract import ContractError, build, call, expect, kind
from .generators import check_blend, check_ranges, check_translation
from .network import check_network

CHANNELS, STRIDE, SIDE = 16, 4, 8  # of the features a head is given; the picture has STRIDE * SIDE pixels a side


def check_head(head: nn.Module | Callable[[int, int], nn.Module]) -> None:
    """Hold a head, or a factory called as ``factory(in_channels, stride)``, to what ``TrunkAndHead`` relies on.

    It advertises ``in_channels`` and ``stride``, and turns features and the source into a Translation of the source's
    size. Ranges, determinism, precisions, weights and gradients are as for generators. Images have the
    ``image_channels`` that it advertises, three without. A factory with an argument ``out_channels`` is asked for one
    channel as well. Raises ContractError.
    """
    _check_head(head, RGB)
    if not isinstance(head, nn.Module) and "out_channels" in inspect.signature(head).parameters:
        factory: HeadFactory = head
        _check_head(partial(factory, out_channels=1), 1)


def _check_head(head: nn.Module | Callable[[int, int], nn.Module], asked: int) -> None:
    """``made`` are the channels of the images that a factory was asked for."""
    part = head if isinstance(head, nn.Module) else lambda: head(CHANNELS, STRIDE)
    module = build(part)
    images = int(getattr(module, "image_channels", RGB))
    channels, stride = _advertised(module)
    if not isinstance(head, nn.Module):
        message = f"Built for {(CHANNELS, STRIDE)}, it advertises {(channels, stride)} as in_channels and stride."
        expect((channels, stride) == (CHANNELS, STRIDE), message)
        advice = "set self.image_channels in __init__."
        expect(
            images == asked, f"Built for images of channels={asked}, it advertises image_channels={images}: {advice}"
        )
    source = torch.Generator().manual_seed(0)
    features = torch.randn(2, channels, SIDE, SIDE + 1, generator=source)
    image = torch.rand(2, images, SIDE * stride, (SIDE + 1) * stride, generator=source) * 2 - 1

    def run(network: nn.Module, dtype: torch.dtype) -> dict[str, Tensor]:
        translation = call(network, features.to(dtype), image.to(dtype), doing="Calling it as head(features, source)")
        expect(isinstance(translation, Translation), f"It returned {kind(translation)}, not an attn_i2i.Translation.")
        check_translation(translation, image)
        if dtype != torch.bfloat16:  # which has two digits
            check_blend(translation, image.to(dtype))
        return {name: value for name, value in translation._asdict().items() if value is not None}

    with torch.no_grad():
        check_ranges(Translation(**run(module.eval().double(), torch.float64)))
    check_network(part, run, {"features": features, "source": image})


def _advertised(module: nn.Module) -> tuple[int, int]:
    if not isinstance(module, Head):
        advice = "set self.in_channels and self.stride in __init__."
        raise ContractError(f"{type(module).__name__} does not advertise in_channels and stride: {advice}")
    return module.in_channels, module.stride
