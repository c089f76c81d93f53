"""Steadiness in time: of the picture along the motion, and of the mask where nothing moves."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...interfaces import Measure
from ...types import ShapeError
from ._check import check_pictures, masked_mean


def warping_error(output: Tensor, flow: Tensor, visible: Tensor) -> Tensor:
    """Mean squared difference of each frame to the frame before, moved along the flow: shape (T - 1,), float64.

    ``output`` is (T, C, H, W) in [0, 1]. ``flow`` (T - 1, 2, H, W) says where each pixel of frame t + 1 was in frame t,
    as (x, y) to add. It is best estimated on the input. ``visible`` (T - 1, 1, H, W) is 0 where the pixel was hidden or
    outside. NaN where nothing is visible. Lai et al. 2018, equation 13. Raises ShapeError.

    >>> frames = torch.rand(3, 3, 8, 8)
    >>> warping_error(frames[:1].expand(3, 3, 8, 8), torch.zeros(2, 2, 8, 8), torch.ones(2, 1, 8, 8))
    tensor([0., 0.], dtype=torch.float64)
    """
    frames, _, height, width = output.shape if output.ndim == 4 else (0, 0, 0, 0)
    if frames < 2 or flow.shape != (frames - 1, 2, height, width) or visible.shape != (frames - 1, 1, height, width):
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in (output, flow, visible))
        raise ShapeError(f"Shapes {shapes}: give (T, C, H, W) frames, (T - 1, 2, H, W) flow, (T - 1, 1, H, W) visible.")
    before, after = output[:-1].double(), output[1:].double()
    return masked_mean((after - warp(before, flow)).square(), visible.double())


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """``image`` (B, C, H, W) read at each pixel's place plus ``flow`` (B, 2, H, W), in pixels, bilinearly."""
    height, width = image.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, dtype=image.dtype, device=image.device),
        torch.arange(width, dtype=image.dtype, device=image.device),
        indexing="ij",
    )
    where_x, where_y = x + flow[:, 0].to(image), y + flow[:, 1].to(image)
    grid = torch.stack([2 * where_x / max(width - 1, 1) - 1, 2 * where_y / max(height - 1, 1) - 1], -1)
    return F.grid_sample(image, grid, padding_mode="border", align_corners=True)


def mask_flicker(masks: Tensor, source: Tensor) -> Tensor:
    """Mean change of the mask from frame to frame beyond that of the picture: shape (T - 1,), float64.

    ``masks`` (T, 1, H, W) and ``source`` (T, C, H, W) are in [0, 1]. A pixel counts by how much more its mask changed
    than the brightest change of its channels, so that a moving object is no flicker. Raises ShapeError.

    >>> mask_flicker(torch.tensor([0.0, 1.0, 1.0]).reshape(3, 1, 1, 1).expand(3, 1, 4, 4), torch.zeros(3, 3, 4, 4))
    tensor([1., 0.], dtype=torch.float64)
    """
    if masks.ndim != 4 or source.ndim != 4 or len(masks) < 2:
        raise ShapeError("Give masks (T, 1, H, W) and pictures (T, C, H, W) of two or more frames.")
    check_pictures(masks[:, :1], source[:, :1])
    moved = source.double().diff(dim=0).abs().amax(1, keepdim=True)
    return (masks.double().diff(dim=0).abs() - moved).clamp(min=0).mean((1, 2, 3))


WARPING_ERROR = Measure(
    warping_error,
    ("frames", "flow", "visible"),
    better="lower",
    over="video",
    summary="Change of the picture along the motion",
)
MASK_FLICKER = Measure(
    mask_flicker,
    ("mask_frames", "source_frames"),
    better="lower",
    over="video",
    summary="Change of the mask where nothing moves",
)
