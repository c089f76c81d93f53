"""Whether what a network answers is a translation of what it was given: a stranger's network may answer anything."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..interfaces import channels_of
from ..types import ModelError, Translation

SLACK = 0.01  # of masks beyond [0, 1]: bfloat16 rounds 1 to within 0.004


def check_shapes(answer: object, images: Tensor, network: nn.Module, name: str) -> Translation:
    """``answer``, a Translation of ``images`` (B, C, H, W); ModelError where its parts have other shapes.

    Such parts would go on by broadcasting or resizing, and another picture come out of it.
    """
    advice = f"the generator {type(network).__name__} breaks its contract (attn_i2i.testing.check_generator)."
    if not isinstance(answer, Translation):
        raise ModelError(f"{name}: the network answered with a {type(answer).__name__}, not a Translation: {advice}")
    for part, shape, wanted in _shapes(answer, images, channels_of(network)[1]):
        if len(shape) != len(wanted) or any(b not in (None, a) for a, b in zip(shape, wanted, strict=True)):
            expected = tuple("any" if length is None else length for length in wanted)
            raise ModelError(
                f"{name}: the network's {part} has the shape {tuple(shape)}, expected"
                f" ({', '.join(map(str, expected))}): {advice}"
            )
    return answer


def _shapes(
    answer: Translation, images: Tensor, channels: int
) -> Iterator[tuple[str, torch.Size, tuple[int | None, ...]]]:
    batch, _, height, width = images.shape
    yield "image", answer.image.shape, (batch, channels, height, width)
    if answer.attention is not None:
        yield "attention", answer.attention.shape, (batch, None, height, width)
    if answer.contents is not None:
        yield "contents", answer.contents.shape, (batch, None, channels, height, width)
    if answer.heatmap is not None:
        yield "heatmap", answer.heatmap.shape, (batch, 1, None, None)


def check_values(answer: Translation, name: str, hint: str) -> None:
    """ModelError where images are not finite, or masks lie outside [0, 1]; ``hint`` is added to the former."""
    parts = (answer.image, answer.attention, answer.contents)
    if not all(part is None or _finite(part) for part in parts):
        raise ModelError(f"{name}: the network gave no finite numbers{hint}.")
    if answer.attention is not None and answer.attention.numel():
        least, most = answer.attention.aminmax()
        if not (least >= -SLACK) & (most <= 1 + SLACK):
            low, high = least.item(), most.item()
            raise ModelError(
                f"{name}: the network's masks lie in [{low:.3g}, {high:.3g}], expected [0, 1]: its generator has to end"
                " in a sigmoid or a softmax."
            )


def _finite(part: Tensor) -> bool:
    """Whether all numbers are finite. A sum says so in one pass; only where it is not, each number is looked at."""
    return bool(part.sum().isfinite()) or bool(part.isfinite().all())
