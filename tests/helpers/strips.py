"""Networks with numbers that count, whole and in strips."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from packaging.version import Version
from torch import Tensor, nn

from attn_i2i.models.build import create
from attn_i2i.models.config import ModelConfig
from attn_i2i.translate import Translator
from attn_i2i.translate.tiles import stream
from attn_i2i.translate.tiles.plan import analyse
from attn_i2i.translate.tiles.trace import UntileableError, trace
from attn_i2i.types import Translation


def network(family: str, options: dict[str, Any]) -> nn.Module:
    """A generator whose biases and norms are not at their start, so that they count."""
    torch.manual_seed(0)
    generator = create(family, **options).eval()
    for parameter in generator.parameters():
        if parameter.ndim == 1:
            nn.init.uniform_(parameter, 0.2, 0.8)
    return generator


def of(generator: nn.Module) -> Translator:
    return Translator({"A2B": generator}, ModelConfig("x", {}, ["A2B"]), device="cpu")


def forward(generator: nn.Module, image: Tensor, label: Tensor | None) -> Translation:
    answer: Translation = generator(image) if label is None else generator(image, label)
    return answer


def in_strips(generator: nn.Module, image: Tensor, rows: int, label: Tensor | None = None) -> dict[str, Tensor]:
    """Image, masks, contents and heatmap, put together again.

    Skips where torch takes nearest upsampling apart into indexing, as 2.6 and 2.8 do and 2.14 does not.
    """
    try:
        graph = analyse(trace(generator, image.shape, image.dtype, label, forward), image.device)
    except UntileableError as error:
        if "_unsafe_index" in str(error) and Version(torch.__version__) < Version("2.14"):
            pytest.skip("this torch takes nearest upsampling apart into indexing")
        raise
    streaming = stream.StripStream(graph, 2**30, rows)
    strips = list(streaming.run(lambda first, last: image[..., first:last, :], "image"))
    parts = {name: torch.cat([strip.parts[name] for strip in strips], -2) for name in strips[0].parts}
    return parts | streaming.others
