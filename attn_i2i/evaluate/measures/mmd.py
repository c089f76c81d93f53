"""Maximum mean discrepancy under a Gaussian kernel: CMMD where the features are CLIP's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...interfaces import Measure
from ._check import check_features
from .kernel import Kernels, interval_of

# Jayasumana et al. 2024 (arXiv:2401.09603), section 4: the bandwidth, and a factor that makes numbers readable.
SIGMA, SCALE = 10.0, 1000.0


def mmd(fake: Tensor, real: Tensor, *, sigma: float = SIGMA) -> float:
    """1000 times the unbiased squared MMD of unit features (N, D) and (M, D), kernel exp(-|x - y|^2 / (2 sigma^2)).

    Rows are brought to length 1. With the image features of CLIP ViT-L/14 at 336 pixels this is CMMD (Jayasumana et al.
    2024, equation 4). Programs that count each picture's likeness to itself give up to some 5/N more. Raises
    ShapeError.

    >>> features = torch.eye(4)
    >>> round(mmd(features, -features), 3)
    4.926
    """
    return float(kernels(fake, real, sigma).unbiased()) * SCALE


def kernels(fake: Tensor, real: Tensor, sigma: float = SIGMA) -> Kernels:
    """The Gaussian kernel of unit features."""
    check_features(fake, real)
    x, y = (F.normalize(features.double(), dim=1) for features in (fake, real))
    return Kernels(lambda a, b: torch.exp((a @ b.T - 1) / sigma**2), x, y)


def mmd_interval(fake: Tensor, real: Tensor) -> tuple[float, float]:
    """The 95 % interval of ``mmd`` over both sets of pictures."""
    low, high = interval_of(kernels(fake, real))
    return low * SCALE, high * SCALE


MMD = Measure(
    mmd,
    ("output_features", "target_features"),
    better="lower",
    over="set",
    interval=mmd_interval,
    summary="Gaussian kernel distance to the target domain",
)
