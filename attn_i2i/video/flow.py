"""Optical flow between frames, where it can be trusted, and where a clip is cut."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..images.write import shown
from ..types import ShapeError
from .extra import load_cv2
from .warping import warp

# The flow of a reduced frame is as good for masks, which are smooth, and DIS takes some 10 ms of this size.
LONGEST_SIDE = 512
# DIS looks at patches of 8 pixels at half the size: of an object of 24 pixels that moved by 2, it found 1.5 in a frame
# of 64 pixels, and 1.99 in the same one enlarged.
LEAST_SIDE = 128
# There and back again: the error in pixels that is forgiven, and how it grows with the motion (Sundaram et al. 2010).
FORGIVEN, GROWTH = 0.5, 0.01
# Difference of brightness that noise and changing light explain; beyond it the flow has found another thing.
SAME_BRIGHTNESS = 0.1
# Of the pixels that lie in both frames. In one scene 0.94 were found again, of two photographs 0.00 to 0.16, and of two
# textures that differ in nothing but chance 0.38. A scene taken for two costs no more than a new start.
CUT = 0.5


class Motion(NamedTuple):
    """Where the pixels of a frame were in the frame before.

    ``flow`` (2, H, W) is to be added to a pixel's place, as (x, y). ``visible`` (1, H, W) is 1 where the pixel was seen
    there, 0 where it was hidden or outside, or where the flow is wrong. ``cut`` says that the frames are of different
    scenes.
    """

    flow: Tensor
    visible: Tensor
    cut: bool


def optical_flow(before: Tensor, after: Tensor) -> Motion:
    """The motion from one frame (C, H, W) in [0, 1] to the next, by DIS (Kroeger et al. 2016, OpenCV).

    Flow is estimated in both directions, of frames of at most 512 pixels a side. A pixel is visible where the two
    agree, and where both frames have the same brightness. Raises ConfigError without OpenCV, ShapeError for frames of
    two sizes.
    """
    if before.shape[-2:] != after.shape[-2:]:
        raise ShapeError(f"Frames of {tuple(before.shape)} and {tuple(after.shape)} have no flow: give one size.")
    cv2 = load_cv2()
    size = before.shape[-2:]
    first, second = _grey(before), _grey(after)
    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    backward = _estimate(estimator, second, first)
    forward = _estimate(estimator, first, second)
    visible = _agreeing(backward, forward) * _alike(first, second, backward)
    inside = _inside(backward)
    cut = bool((visible.sum() < CUT * inside.sum()) | (inside.mean() < CUT))
    scale = backward.new_tensor([size[1] / backward.shape[-1], size[0] / backward.shape[-2]])
    flow = F.interpolate(backward, size, mode="bilinear", align_corners=False) * scale[:, None, None]
    seen = F.interpolate(visible * inside, size, mode="nearest-exact")
    return Motion(flow[0].to(before), seen[0].to(before), cut)


def _grey(frame: Tensor) -> Tensor:
    """Brightness (1, 1, h, w) in [0, 1] at the size that flow is estimated at."""
    values = shown(frame.detach().float().cpu().clamp(0, 1))
    weights = values.new_tensor([0.299, 0.587, 0.114] if len(values) == 3 else [1.0])
    grey = (values * weights[:, None, None]).sum(0)[None, None]
    height, width = grey.shape[-2:]
    factor = min(1.0, LONGEST_SIDE / max(height, width))
    factor = max(factor, LEAST_SIDE / min(height, width)) if min(height, width) * factor < LEAST_SIDE else factor
    if factor == 1:
        return grey
    target = max(LEAST_SIDE, round(height * factor)), max(LEAST_SIDE, round(width * factor))
    return F.interpolate(grey, target, mode="bilinear", align_corners=False, antialias=factor < 1)


def _estimate(estimator: Any, here: Tensor, there: Tensor) -> Tensor:
    """(1, 2, h, w): what is to be added to a place ``here`` to find it ``there``."""
    images = [(frame[0, 0].numpy() * 255).round().astype(np.uint8) for frame in (here, there)]
    return torch.from_numpy(estimator.calc(*images, None).transpose(2, 0, 1).copy())[None]


def _agreeing(backward: Tensor, forward: Tensor) -> Tensor:
    """1 where there and back again ends where it began."""
    returned = backward + warp(forward, backward)
    motion = backward.square().sum(1, keepdim=True) + warp(forward, backward).square().sum(1, keepdim=True)
    return (returned.square().sum(1, keepdim=True) < GROWTH * motion + FORGIVEN).float()


def _alike(before: Tensor, after: Tensor, backward: Tensor) -> Tensor:
    """1 where a pixel has the brightness that it had; of small surroundings, because of noise."""
    difference = F.avg_pool2d(after - warp(before, backward), 3, 1, 1, count_include_pad=False)
    return (difference.abs() < SAME_BRIGHTNESS).float()


def _inside(flow: Tensor) -> Tensor:
    """1 where a pixel's place in the other frame lies in it."""
    height, width = flow.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    there_x, there_y = x + flow[:, :1], y + flow[:, 1:]
    return ((there_x >= 0) & (there_x <= width - 1) & (there_y >= 0) & (there_y <= height - 1)).float()
