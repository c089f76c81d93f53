"""What attention masks mean: foreground and background, and how they put a picture together.

The one home of these rules. Networks, recipes, translators, previews and teachers all call them, so that a mask means
the same everywhere. All are pure functions; masks lie in [0, 1], and the channel axis is the third from the end.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .types import ConfigError, ShapeError, Translation


def split(attention: Tensor, contents: Tensor | None) -> tuple[Tensor, Tensor]:
    """Foreground masks (..., K, H, W) and the background mask (..., 1, H, W) of ``attention`` (..., K or K+1, H, W).

    ``contents`` (..., K, C, H, W) say how many masks are of the foreground; a further, last mask is the background's.
    Without such a mask the background is what the foreground masks leave over. Without contents every mask is of the
    foreground. Raises ShapeError for masks that are neither as many as contents nor one more.
    """
    count = attention.shape[-3] if contents is None else contents.shape[-4]
    if attention.shape[-3] not in (count, count + 1):
        raise ShapeError(
            f"There are {attention.shape[-3]} masks for {count} contents: expected {count} or, with the background's,"
            f" {count + 1}."
        )
    foreground_masks = attention[..., :count, :, :]
    if attention.shape[-3] > count:
        return foreground_masks, attention[..., count:, :, :]
    return foreground_masks, 1 - foreground_masks.sum(-3, keepdim=True)


def foreground(translation: Translation) -> Tensor:
    """The (B, 1, H, W) mask in [0, 1] of what a translation may change: the sum of its foreground masks.

    Raises ConfigError where the translation has no masks.

    >>> image, masks = torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.25)
    >>> foreground(Translation(image, masks, torch.zeros(1, 2, 3, 4, 4))).unique()
    tensor([0.5000])
    """
    if translation.attention is None:
        raise ConfigError("This translation has no attention masks: use a generator with an attention head.")
    return split(translation.attention, translation.contents)[0].sum(-3, keepdim=True)


def lower(attention: Tensor, contents: Tensor, floor: float) -> Tensor:
    """``attention`` (..., K or K+1, H, W) where the foreground's sum s becomes max(0, s - floor) / (1 - floor).

    Softmax and sigmoid masks never reach 0. Where the foreground is at most ``floor``, in [0, 1), it is exactly 0 here,
    and ``blend`` shows the source bit for bit. An open mask stays open but for rounding, and no mask gets
    above 1. The background's mask gets what is taken. A floor of 0 leaves the masks as they are.

    >>> contents = torch.zeros(1, 1, 3, 1, 3)
    >>> lower(torch.tensor([0.25, 0.625, 1.0]).view(1, 1, 1, 3), contents, floor=0.25).flatten()
    tensor([0.0000, 0.5000, 1.0000])
    """
    if not floor:
        return attention
    foreground_masks = split(attention, contents)[0]
    total = foreground_masks.sum(-3, keepdim=True)
    share = ((total - floor) / (1 - floor)).clamp(0, 1)  # in bfloat16 rounding would open a mask to 1.9
    smallest = max(floor, torch.finfo(total.dtype).tiny)  # in half precision a small floor is 0
    lowered = foreground_masks * (share / total.clamp_min(smallest))
    if attention.shape[-3] == foreground_masks.shape[-3]:
        return lowered
    return torch.cat([lowered, 1 - lowered.sum(-3, keepdim=True)], dim=-3)


def blend(attention: Tensor, contents: Tensor, source: Tensor | None) -> Tensor:
    """Sum ``contents`` (B, K, C, H, W) under their masks, and show ``source`` (B, C, H, W) in the background.

    ``attention`` is (B, K, H, W) or (B, K+1, H, W) in [0, 1], read as by ``split``. ``source=None`` leaves the
    background out (AttentionGAN-geo). Equation (3) of AttentionGAN I (arXiv:1903.12296), (4) of II (arXiv:1911.11897).
    Raises ShapeError where the source has not the contents' channels.

    >>> blend(torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 3, 4, 4), torch.ones(1, 3, 4, 4)).sum()
    tensor(0.)
    """
    foreground_masks, background = split(attention, contents)
    masks: Sequence[Tensor] = foreground_masks.split(1, dim=-3)
    layers = list(contents.unbind(-4))
    if source is not None:
        if source.shape[-3] != contents.shape[-3]:
            raise ShapeError(
                f"Contents of {contents.shape[-3]} channels cannot be blended into a source of {source.shape[-3]}:"
                " give both the same channels."
            )
        masks, layers = (background, *masks), [source, *layers]
    image = masks[0] * layers[0]
    for mask, layer in zip(masks[1:], layers[1:], strict=True):
        image = torch.addcmul(image, mask, layer)
    return image


def binarize(mask: Tensor, threshold: float | None) -> Tensor:
    """``mask``, 0 or 1 where a ``threshold`` in [0, 1] is given."""
    return mask if threshold is None else (mask >= threshold).to(mask.dtype)


def weight(output: Tensor, areas: Sequence[Tensor | None], strength: float = 1.0) -> Tensor:
    """How much ``output`` (..., C, H, W) counts, (1, H, W): ``strength`` times each mask (1, H, W) of ``areas``."""
    result = output.new_full((1, *output.shape[-2:]), strength)
    for area in areas:
        result = result if area is None else result * area
    return result


def composite(output: Tensor, source: Tensor, areas: Sequence[Tensor | None], strength: float = 1.0) -> Tensor:
    """``source`` (..., C, H, W) changed towards ``output`` by ``strength`` times each mask (..., 1, H, W) of ``areas``.

    Where the product is 0 the result is ``source`` bit for bit, where it is 1 ``output``.
    """
    share = weight(output, areas, strength)
    return source * (1 - share) + output * share
