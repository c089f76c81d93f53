"""What a picture is to a release that read its files by OpenCV: blue first, and to some from 0 on.

The networks here take and give what every network of attn_i2i does, red first and in [-1, 1]. They keep the published
weights as they are, and say in ``published_order`` and ``published_range`` what those were trained on.
"""

from __future__ import annotations

from torch import Tensor

UNIT_RANGE = (0.0, 1.0)  # the releases that divide by 255 and do nothing more
BGR = "BGR"  # the order in which OpenCV reads a file


def to_bgr(image: Tensor) -> Tensor:
    """(B, C, H, W) with its channels in the other order; one channel stays what it is."""
    return image.flip(1)


def to_unit_bgr(image: Tensor) -> Tensor:
    """RGB in [-1, 1] as BGR in [0, 1]."""
    return image.flip(1).add(1).div(2)


def from_unit_bgr(image: Tensor) -> Tensor:
    """BGR in [0, 1] as RGB in [-1, 1]."""
    return image.flip(1).mul(2).sub(1)
