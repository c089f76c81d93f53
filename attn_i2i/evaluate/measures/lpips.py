"""Perceptual distance: how far two pictures are for a network whose features people's judgements have weighted."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from ...interfaces import Measure
from ._check import check_pictures


def lpips(output: Tensor, truth: Tensor, network: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """LPIPS of (B, 3, H, W) pictures in [0, 1] through a ``network`` of two such pictures: shape (B,), float64.

    ``attn_i2i.evaluate.perceptual`` makes the network of Zhang et al. 2018. Numbers of different networks do not
    compare. Raises ShapeError.

    >>> lpips(torch.ones(2, 3, 4, 4), torch.zeros(2, 3, 4, 4), lambda x, y: (x - y).mean((1, 2, 3)))
    tensor([1., 1.], dtype=torch.float64)
    """
    check_pictures(output, truth)
    return network(output.float(), truth.float()).double()


LPIPS = Measure(lpips, ("output", "truth", "perceptual"), better="lower", summary="LPIPS to the truth")
CYCLE_LPIPS = Measure(
    lpips, ("cycled", "source", "perceptual"), better="lower", summary="LPIPS of there and back to the input"
)
