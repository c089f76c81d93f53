"""Steadiness in time: of the picture and of its mask, along the motion."""

from __future__ import annotations

import torch
from torch import Tensor

from ...interfaces import Measure
from ...types import ShapeError
from ...video.warping import warp
from ._check import masked_mean


def warping_error(output: Tensor, flow: Tensor, visible: Tensor) -> Tensor:
    """Mean squared difference of each frame to the frame before, moved along the flow: shape (T - 1,), float64.

    ``output`` is (T, C, H, W) in [0, 1]. ``flow`` (T - 1, 2, H, W) says where each pixel of frame t + 1 was in frame t,
    as (x, y) to add. It is best estimated on the input. ``visible`` (T - 1, 1, H, W) is 0 where the pixel was hidden or
    outside. NaN where nothing is visible. Lai et al. 2018, equation 13. Raises ShapeError.

    >>> frames = torch.rand(3, 3, 8, 8)
    >>> warping_error(frames[:1].expand(3, 3, 8, 8), torch.zeros(2, 2, 8, 8), torch.ones(2, 1, 8, 8))
    tensor([0., 0.], dtype=torch.float64)
    """
    _check(output, flow, visible)
    before, after = output[:-1].double(), output[1:].double()
    return masked_mean((after - warp(before, flow)).square(), visible.double())


def mask_flicker(masks: Tensor, flow: Tensor, visible: Tensor) -> Tensor:
    """1 less the overlap of each mask with the mask before, moved along the flow: shape (T - 1,), float64.

    ``masks`` (T, 1, H, W) are in [0, 1]; ``flow`` and ``visible`` are as for ``warping_error``. The overlap is that of
    soft masks, the sum of minima over the sum of maxima. NaN where nothing is visible, or both masks are empty there.
    Raises ShapeError.

    >>> masks = torch.tensor([0.5, 1.0, 1.0]).reshape(3, 1, 1, 1).expand(3, 1, 4, 4)
    >>> mask_flicker(masks, torch.zeros(2, 2, 4, 4), torch.ones(2, 1, 4, 4))
    tensor([0.5000, 0.0000], dtype=torch.float64)
    """
    _check(masks, flow, visible)
    before, after = warp(masks[:-1].double(), flow), masks[1:].double()
    seen = visible.double()
    both, either = (
        (seen * torch.minimum(before, after)).sum((1, 2, 3)),
        (seen * torch.maximum(before, after)).sum((1, 2, 3)),
    )
    return 1 - both / either


def _check(frames: Tensor, flow: Tensor, visible: Tensor) -> None:
    count, _, height, width = frames.shape if frames.ndim == 4 else (0, 0, 0, 0)
    if count < 2 or flow.shape != (count - 1, 2, height, width) or visible.shape != (count - 1, 1, height, width):
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in (frames, flow, visible))
        raise ShapeError(f"Shapes {shapes}: give (T, C, H, W) frames, (T - 1, 2, H, W) flow, (T - 1, 1, H, W) visible.")


WARPING_ERROR = Measure(
    warping_error,
    ("frames", "flow", "visible"),
    better="lower",
    over="video",
    summary="Change of the picture along the motion",
)
MASK_FLICKER = Measure(
    mask_flicker,
    ("mask_frames", "flow", "visible"),
    better="lower",
    over="video",
    summary="Change of the mask along the motion",
)
