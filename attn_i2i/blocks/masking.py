"""Discriminators that look through a mask: wrappers around any discriminator."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..interfaces import RGB
from ..types import ConfigError, ShapeError, Verdict

MASK = 1  # channels of a mask


def _mask(image: Tensor, attention: Tensor | None) -> Tensor:
    expected = (image.shape[0], 1, *image.shape[2:])
    if attention is None or attention.shape != expected:
        shape = "none" if attention is None else str(tuple(attention.shape))
        raise ShapeError(f"A masked discriminator needs attention of shape {expected}, got {shape}.")
    return attention


def with_mask(image: Tensor, attention: Tensor | None) -> Tensor:
    """[mask, image] of (B, C, H, W) and (B, 1, H, W), as (B, 1 + C, H, W): what a guided discriminator reads.

    AttentionGAN, arXiv:1911.11897, section 3.3. Raises ShapeError for a mask of another shape, or none.

    >>> with_mask(torch.zeros(2, 3, 16, 16), torch.ones(2, 1, 16, 16)).shape
    torch.Size([2, 4, 16, 16])
    """
    return torch.cat([_mask(image, attention).to(image), image], dim=1)


def _channels(discriminator: nn.Module, usual: int) -> int:
    """What a wrapped discriminator advertises; a foreign one may call other things so, or advertise nothing."""
    channels = getattr(discriminator, "channels", usual)
    return channels if isinstance(channels, int) else usual


def _verdicts(answer: object, batch: int) -> tuple[Verdict, ...]:
    """Bare logits of a foreign discriminator become one verdict, a list of them one a scale."""
    scales = answer if isinstance(answer, list | tuple) and not isinstance(answer, Verdict) else [answer]
    verdicts: tuple[Any, ...] = tuple(Verdict(scale) if isinstance(scale, Tensor) else scale for scale in scales)
    for verdict in verdicts or (None,):
        shape = tuple(verdict.logits.shape) if isinstance(verdict, Verdict) else ()
        if len(shape) != 4 or shape[:2] != (batch, 1):
            kinds = ", ".join(f"{type(scale).__name__} {tuple(getattr(scale, 'shape', ()))}" for scale in scales)
            raise ConfigError(
                f"The wrapped discriminator returned {kinds or 'an empty list'}: expected logits of shape"
                f" ({batch}, 1, height, width), a Verdict, or a list with one of either a scale."
            )
    return verdicts


class ThresholdMasked(nn.Module):
    """Show ``discriminator`` only what the mask marks: image * (mask >= threshold) (Mejjati et al., NeurIPS 2018).

    Section 3.3 of arXiv:1806.02311. At ``threshold`` 0 the whole image passes, as during their warm-up; setting
    ``threshold`` later switches the mask on. The wrapped module may return logits or verdicts, or a list with one a
    scale; what else it reads is passed on to it.

    >>> discriminator = ThresholdMasked(nn.Conv2d(3, 1, 4, 2), threshold=0.1)
    >>> discriminator(torch.zeros(2, 3, 16, 16), torch.ones(2, 1, 16, 16))[0].logits.shape
    torch.Size([2, 1, 7, 7])
    """

    masked = True

    def __init__(self, discriminator: nn.Module, threshold: float = 0.1) -> None:
        super().__init__()
        if not 0 <= threshold <= 1:
            raise ConfigError(f"threshold={threshold} is outside [0, 1].")
        self.discriminator, self.threshold = discriminator, threshold
        self.channels = _channels(discriminator, RGB)

    def forward(
        self, image: Tensor, attention: Tensor | None = None, *further: Any, **named: Any
    ) -> tuple[Verdict, ...]:
        visible = (_mask(image, attention) >= self.threshold).to(image)
        return _verdicts(self.discriminator(image * visible, *further, **named), len(image))


class ConcatMasked(nn.Module):
    """The attention-guided discriminator: reads [mask, image] (AttentionGAN, arXiv:1911.11897, section 3.3).

    ``discriminator`` takes one channel more than images have, the mask first. It may return logits or verdicts, or a
    list with one a scale; what else it reads is passed on to it.

    >>> discriminator = ConcatMasked(nn.Conv2d(4, 1, 4, 2))
    >>> discriminator(torch.zeros(2, 3, 16, 16), torch.ones(2, 1, 16, 16))[0].logits.shape
    torch.Size([2, 1, 7, 7])
    """

    masked = True

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator
        self.channels = _channels(discriminator, RGB + MASK) - MASK

    def forward(
        self, image: Tensor, attention: Tensor | None = None, *further: Any, **named: Any
    ) -> tuple[Verdict, ...]:
        return _verdicts(self.discriminator(with_mask(image, attention), *further, **named), len(image))
