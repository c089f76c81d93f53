"""What a mask says of itself, without a truth: area, entropy, sharpness, and the signs that it has collapsed."""

from __future__ import annotations

import torch
from torch import Tensor

from ...interfaces import Measure
from ._check import check_mask

# A mask below 2 % or above 98 % of the picture, or whose pixels hardly differ, tells nothing of what was changed.
CLOSED, OPEN, FLAT = 0.02, 0.98, 0.02


def mask_area(mask: Tensor) -> Tensor:
    """Mean of masks (B, 1, H, W) in [0, 1]: shape (B,), 0 for a closed mask, 1 for an open one. Raises ShapeError.

    >>> mask_area(torch.tensor([[[[0.0, 1.0]]]]))
    tensor([0.5000], dtype=torch.float64)
    """
    check_mask(mask)
    return mask.double().mean((1, 2, 3))


def mask_entropy(mask: Tensor) -> Tensor:
    """Mean binary entropy of the pixels of masks (B, 1, H, W) in [0, 1], in bits: shape (B,). Raises ShapeError.

    0 where every pixel is 0 or 1, 1 where every pixel is 0.5.

    >>> mask_entropy(torch.full((1, 1, 2, 2), 0.5))
    tensor([1.], dtype=torch.float64)
    """
    check_mask(mask)
    p = mask.double().clamp(0, 1)
    bits = -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p)) / torch.log(p.new_tensor(2.0))
    return bits.mean((1, 2, 3))


def mask_sharpness(mask: Tensor) -> Tensor:
    """Share of the pixels of masks (B, 1, H, W) that are below 0.1 or above 0.9: shape (B,). Raises ShapeError.

    >>> mask_sharpness(torch.tensor([[[[0.0, 0.5, 0.95, 1.0]]]]))
    tensor([0.7500], dtype=torch.float64)
    """
    check_mask(mask)
    return ((mask < 0.1) | (mask > 0.9)).double().mean((1, 2, 3))


def collapse_signs(mask: Tensor) -> list[str]:
    """In words, what is wrong with masks (B, 1, H, W) in [0, 1] as a whole; an empty list where nothing is.

    Closed or open masks, masks that are flat, and masks that are the same for every picture. Raises ShapeError.

    >>> collapse_signs(torch.zeros(2, 1, 8, 8))
    ['closed: it lets 0.0 % of the picture through', 'flat: its pixels hardly differ']
    """
    check_mask(mask)
    area, spread = float(mask.double().mean()), float(mask.double().flatten(1).std(1, correction=0).mean())
    signs = []
    if area < CLOSED:
        signs.append(f"closed: it lets {100 * area:.1f} % of the picture through")
    if area > OPEN:
        signs.append(f"open: it lets {100 * area:.1f} % of the picture through")
    if spread < FLAT:
        signs.append("flat: its pixels hardly differ")
    elif len(mask) > 1 and float(mask.double().std(0, correction=0).mean()) < FLAT * spread:
        signs.append("constant: it is the same for every picture")
    return signs


AREA = Measure(mask_area, ("attention",), better=None, summary="Mean of the model's mask")
ENTROPY = Measure(mask_entropy, ("attention",), unit="bit", better="lower", summary="Entropy of the model's mask")
SHARPNESS = Measure(
    mask_sharpness, ("attention",), better="higher", summary="Share of the mask's pixels below 0.1 or above 0.9"
)
