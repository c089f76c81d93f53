"""Whether the layout of the content is kept; colours and textures do not count."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ...interfaces import Measure
from ._check import check_pictures


def structure_distance(output_maps: Tensor, source_maps: Tensor) -> Tensor:
    """Mean squared difference of the self-similarities of two feature maps (B, D, h, w): shape (B,), float64.

    The self-similarity is the cosine of the features of every two places. Tumanyan et al. 2022 (arXiv:2201.00424,
    equation 2) take the keys of DINO's last layer as features. Raises ShapeError.

    >>> maps = torch.rand(1, 8, 4, 4)
    >>> structure_distance(maps, 2 * maps) < 1e-12
    tensor([True])
    """
    check_pictures(output_maps, source_maps)
    return (_similarity(output_maps) - _similarity(source_maps)).square().mean((1, 2))


def _similarity(maps: Tensor) -> Tensor:
    places = F.normalize(maps.double().flatten(2), dim=1)
    return places.transpose(1, 2) @ places


STRUCTURE = Measure(
    structure_distance,
    ("output_maps", "source_maps"),
    better="lower",
    summary="How far the content's layout moved",
)
