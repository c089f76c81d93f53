"""Keys of pytorch-CycleGAN-and-pix2pix under the names of code bases that grew from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

Renamed = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]


def by_rules(*rules: tuple[str, Any]) -> Renamed:
    """A renaming by the first rule whose pattern fits; each key must have one."""

    def rename(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        renamed = {}
        for key, tensor in state.items():
            pattern, new = next((p, n) for p, n in rules if re.fullmatch(p, key))
            renamed[re.sub(pattern, new, key)] = tensor
        return renamed

    return rename


def resnet_as(*names: str) -> Renamed:
    """A renaming of a ResNet generator with one residual block: the new names of its convolutions, in their order."""
    convolutions = ("1", "4", "7", "10.conv_block.1", "10.conv_block.5", "11", "14", "18")
    return by_rules(
        *((rf"model\.{re.escape(old)}\.(.*)", rf"{new}.\1") for old, new in zip(convolutions, names, strict=True))
    )


MM = resnet_as(
    *("model.0.conv", "model.1.conv", "model.2.conv", "model.3.block.0.conv", "model.3.block.1.conv"),
    *("model.4.conv", "model.5.conv", "model.6.conv"),
)
"""mmgeneration and mmagic, with one residual block."""

MM_PATCH = by_rules(
    (r"model\.0\.(.*)", r"model.0.conv.\1"),
    (r"model\.2\.(.*)", r"model.1.conv.\1"),
    (r"model\.5\.(.*)", r"model.2.conv.\1"),
    (r"model\.8\.(.*)", r"model.3.conv.\1"),
    (r"model\.11\.(.*)", r"model.4.\1"),
)
"""Their PatchGAN."""
