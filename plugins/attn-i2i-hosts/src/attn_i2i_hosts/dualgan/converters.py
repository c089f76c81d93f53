"""Variables of duxingren14/DualGAN: A_g_ translates A to B, B_g_ B to A; A_d_ looks at B, B_d_ at A."""

from __future__ import annotations

from math import isqrt
from typing import Any

from attn_i2i.convert import Converter, Scope, has
from attn_i2i.types import StateDict
from torch import Tensor

# TensorFlow's names and PyTorch's; PLACES has the critic's convolutions in order
CONV = {"w": "weight", "biases": "bias"}
NORM = {"scale": "weight", "center": "bias"}
PLACES = {"h0": 0, "h1": 1, "h2": 2, "h3": 3, "h3_1": 4}


def oihw(key: str, tensor: Tensor) -> Tensor:
    """TensorFlow's H, W, in, out, or H, W, out, in of transposed kernels, as PyTorch has them."""
    return tensor.permute(3, 2, 0, 1).contiguous() if tensor.dim() == 4 else tensor


def linear_as_convolution(state: StateDict) -> StateDict:
    """The linear layer over a flattened H, W, C map as the convolution that covers the map."""
    if (matrix := state.get("last.weight")) is None or matrix.dim() == 4:
        return state
    channels = len(state["norms.3.weight"])
    side = isqrt(matrix.numel() // channels)
    return state | {"last.weight": matrix.reshape(1, side, side, channels).permute(0, 3, 1, 2).contiguous()}


def infer_discriminator(state: StateDict) -> dict[str, Any]:
    _, _, channels, width = state["h0_conv/w"].shape
    config = {"width": width, "in_channels": channels}
    if "h4/w" in state:
        return config | {"kind": "patch"}
    places = state["d_h3_lin/Matrix"].numel() // len(state["bn3_1/scale"])
    return config | {"kind": "global", "image_size": 32 * isqrt(places)}


GENERATOR = Converter(
    role="generator",
    architecture="dualgan",
    detect=lambda s: has(s, "e1_conv/w", 5, 5, None, None) and has(s, "d8/w", 5, 5, None, None) and "bn_e8/scale" in s,
    infer=lambda s: {
        "width": s["e1_conv/w"].shape[3],
        "in_channels": s["e1_conv/w"].shape[2],
        "out_channels": s["d8/w"].shape[2],
    },
    rename=(
        (r"e([1-8])_conv/(w|biases)", lambda m: f"down.{int(m[1]) - 1}.{CONV[m[2]]}"),
        (r"bn_e([2-8])/(scale|center)", lambda m: f"down_norms.{int(m[1]) - 2}.{NORM[m[2]]}"),
        (r"d([1-7])/(w|biases)", lambda m: f"up.{int(m[1]) - 1}.{CONV[m[2]]}"),
        (r"bn_d([1-7])/(scale|center)", lambda m: f"up_norms.{int(m[1]) - 1}.{NORM[m[2]]}"),
        (r"d8/(w|biases)", lambda m: f"last.{CONV[m[1]]}"),
    ),
    adapt=oihw,
    scopes=(Scope("A_g_", "A2B"), Scope("B_g_", "B2A")),
)

DISCRIMINATOR = Converter(
    role="discriminator",
    architecture="dualgan",
    detect=lambda s: has(s, "h0_conv/w", 5, 5, None, None) and "bn3_1/scale" in s,
    infer=infer_discriminator,
    rename=(
        (r"(h0|h1|h2|h3|h3_1)_conv/(w|biases)", lambda m: f"layers.{PLACES[m[1]]}.{CONV[m[2]]}"),
        (r"bn(1|2|3|3_1)/(scale|center)", lambda m: f"norms.{PLACES['h' + m[1]] - 1}.{NORM[m[2]]}"),
        (r"h4/(w|biases)", lambda m: f"last.{CONV[m[1]]}"),
        (r"d_h3_lin/Matrix", "last.weight"),
        (r"d_h3_lin/bias", "last.bias"),
    ),
    adapt=oihw,
    finish=linear_as_convolution,
    scopes=(Scope("A_d_", "B"), Scope("B_d_", "A")),
)
