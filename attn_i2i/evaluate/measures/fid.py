"""The Frechet distance of two sets of pictures, through the features of any network."""

from __future__ import annotations

import torch
from torch import Tensor

from ...interfaces import Measure
from ._check import check_features


def fid(first: Tensor, second: Tensor) -> float:
    """Frechet distance of Gaussians fitted to features (N, D) and (M, D), two rows or more each (Heusel et al. 2017).

    |mu_a - mu_b|^2 + tr(Sa + Sb) - 2 tr sqrt(Sa Sb). With the centred features A, B the last trace is the nuclear norm
    of A B^T / sqrt((n-1)(m-1)): exact, without a square root of a singular matrix. Raises ShapeError.

    >>> features = torch.eye(3)
    >>> round(fid(features, features + 2), 6)
    12.0
    """
    check_features(first, second)
    first, second = first.double(), second.double()
    a, b = (_centred_root(features) for features in (first, second))
    shift = (first.mean(0) - second.mean(0)).square().sum()
    cross = torch.linalg.matrix_norm(a @ b.T, ord="nuc")
    return float(shift + a.square().sum() + b.square().sum() - 2 * cross)


def _centred_root(features: Tensor) -> Tensor:
    """R of at most D rows with R^T R the covariance: from a QR where there are more samples than features."""
    centred = (features - features.mean(0)) / (len(features) - 1) ** 0.5
    return torch.linalg.qr(centred, mode="r").R if centred.shape[0] > centred.shape[1] else centred


FID = Measure(
    fid,
    ("output_features", "target_features"),
    better="lower",
    over="set",
    summary="Frechet distance of the outputs to the target domain",
)
