"""Key layout of PaddleGAN's U-GAT-IT: the PyTorch release's names, linear weights the other way round.

In the light model those weights are square: untransposed they would load, and give wrong pictures.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from ...convert.converter import has
from ...types import StateDict
from . import converters as pytorch

FROZEN = r"DownBlock\.\d+\.(?:conv_block\.\d+\.)?(?:scale|bias)"
# Layers whose matrices Paddle stores transposed.
LINEAR = ("style.hidden.", "style.gamma.", "style.beta.", "cam.weights.")


def infer_generator(state: StateDict) -> dict[str, Any]:
    return pytorch.infer_generator(state | {"FC.0.weight": state["FC.0.weight"].T})


def trained_norms(state: StateDict) -> str | None:
    """What is wrong with norms that this family has without parameters: PaddleGAN freezes them at 1 and 0."""
    for key, tensor in state.items():
        if key.endswith(".scale") and not tensor.eq(1).all():
            return f"the scale {key!r} is not 1, as PaddleGAN's frozen norms have it"
        if f"{key.removesuffix('.bias')}.scale" in state and tensor.any() and key.endswith(".bias"):
            return f"the bias {key!r} is not 0, as PaddleGAN's frozen norms have it"
    return None


def turned(key: str, tensor: Tensor) -> Tensor:
    """Linear weights are stored (in, out)."""
    tensor = pytorch.flat_norms(key, tensor)
    return tensor.T.contiguous() if tensor.dim() == 2 and any(part in key for part in LINEAR) else tensor


GENERATOR = replace(
    pytorch.GENERATOR,
    detect=lambda s: has(s, "gap_fc.weight", None, 1) and "DownBlock.2.scale" in s and "FC.0.weight" in s,
    infer=infer_generator,
    rename=(*pytorch.GENERATOR.rename, (FROZEN, None)),  # type: ignore[misc]  # rules, no function
    adapt=turned,
    check=trained_norms,
)
DISCRIMINATOR = replace(
    pytorch.DISCRIMINATOR,
    detect=lambda s: has(s, "global.gap_fc.weight_orig", None, 1) and has(s, "local.gap_fc.weight_orig", None, 1),
    adapt=turned,
)
