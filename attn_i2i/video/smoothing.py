"""Maps of a clip smoothed along its motion."""

from __future__ import annotations

from torch import Tensor

from .flow import Motion
from .warping import warp

# How much of a map comes from the frame before, where the motion is known.
PAST = 0.7
# Less than half a level of 8 bits is nothing that anyone sees: where a mask closes, the past fades out altogether.
NOTHING = 0.5 / 255


class Smoother:
    """Each map (N, H, W) becomes an average of itself and of those before, moved along the flow.

    Where a pixel was hidden, outside, or wrongly followed, and after a cut, the new map counts alone. The average is
    linear: masks that sum to 1 still do. ``past`` in [0, 1) is the share of the frames before.
    """

    def __init__(self, past: float = PAST) -> None:
        self.past = past
        self._before: Tensor | None = None

    def __call__(self, maps: Tensor, motion: Motion | None) -> Tensor:
        """The smoothed maps; ``motion`` is that from the frame before, None for the first frame."""
        before = self._before
        if before is None or motion is None or motion.cut:
            self._before = maps
            return maps
        moved = warp(before[None], motion.flow[None].to(maps))[0]
        share = self.past * motion.visible.to(maps)
        smoothed = maps + share * (moved - maps)
        smoothed = smoothed.where((maps != 0) | (moved.abs() >= NOTHING), maps)
        self._before = smoothed
        return smoothed
