"""Variable layout of taki0112/UGATIT (TensorFlow 1); generator_B there maps A to B."""

from __future__ import annotations

from math import isqrt
from typing import Any

from torch import Tensor

from ...convert.converter import Converter, Scope, count, has, unusual
from ...types import StateDict

# TensorFlow's names of tensors and of the halves of a block, and ours.
WEIGHT = {"kernel": "weight", "bias": "bias", "u": "spectral.u"}
AFFINE = {"gamma": "weight", "beta": "bias"}
HALF = {"1": "first", "2": "second"}


def infer_generator(state: StateDict) -> dict[str, Any]:
    width = state["conv/conv2d/kernel"].shape[-1]
    positions = state["MLP/linear_0/dense/kernel"].shape[0] // (4 * width)
    light = positions == 1
    blocks = count(state, r"adaptive_resblock(\d+)/")
    config: dict[str, Any] = {"width": width, "blocks": blocks, "light": light, "release": "tensorflow"}
    inputs, outputs = state["conv/conv2d/kernel"].shape[2], state["G_logit/conv2d/kernel"].shape[-1]
    config |= unusual(in_channels=inputs, out_channels=outputs)
    return config if light else {**config, "image_size": 4 * isqrt(positions)}


def to_torch(key: str, tensor: Tensor) -> Tensor:
    """Kernels are stored (h, w, in, out) and (in, out); u as (1, out)."""
    if key.endswith(".u"):
        return tensor.flatten()
    if tensor.dim() == 4:
        return tensor.permute(3, 2, 0, 1).contiguous()
    return tensor.T.contiguous() if tensor.dim() == 2 else tensor


GENERATOR = Converter(
    role="generator",
    architecture="ugatit",
    detect=lambda s: has(s, "conv/conv2d/kernel", 7, 7, None, None) and "MLP/linear_0/dense/kernel" in s,
    infer=infer_generator,
    rename=(
        (r"conv/conv2d/(kernel|bias)", lambda m: f"trunk.stem.conv.{WEIGHT[m[1]]}"),
        (r"ins_norm/(gamma|beta)", lambda m: f"trunk.stem.norm.{AFFINE[m[1]]}"),
        (r"conv_([01])/conv2d/(kernel|bias)", lambda m: f"trunk.down.{m[1]}.conv.{WEIGHT[m[2]]}"),
        (r"ins_norm_([01])/(gamma|beta)", lambda m: f"trunk.down.{m[1]}.norm.{AFFINE[m[2]]}"),
        (
            r"resblock_(\d+)/res([12])/conv_0/conv2d/(kernel|bias)",
            lambda m: f"trunk.blocks.{m[1]}.{HALF[m[2]]}.conv.{WEIGHT[m[3]]}",
        ),
        (
            r"resblock_(\d+)/res([12])/instance_norm/(gamma|beta)",
            lambda m: f"trunk.blocks.{m[1]}.{HALF[m[2]]}.norm.{AFFINE[m[3]]}",
        ),
        (r"CAM_logit/kernel", "cam.weights.0"),
        (r"CAM_logit/bias", "cam.bias"),
        (r"conv_1x1/conv2d/(kernel|bias)", lambda m: f"cam.mix.{WEIGHT[m[1]]}"),
        (r"MLP/linear_([01])/dense/(kernel|bias)", lambda m: f"style.hidden.{2 * int(m[1])}.{WEIGHT[m[2]]}"),
        (r"MLP/(gamma|beta)/dense/(kernel|bias)", lambda m: f"style.{m[1]}.{WEIGHT[m[2]]}"),
        (
            r"adaptive_resblock(\d+)/res([12])/conv_0/conv2d/(kernel|bias)",
            lambda m: f"blocks.{m[1]}.{HALF[m[2]]}.{WEIGHT[m[3]]}",
        ),
        (r"adaptive_resblock(\d+)/res([12])/instance_layer_norm/rho", lambda m: f"blocks.{m[1]}.{HALF[m[2]]}_norm.rho"),
        (r"up_conv_([01])/conv2d/(kernel|bias)", lambda m: f"up.{m[1]}.1.{WEIGHT[m[2]]}"),
        (r"layer_ins_norm_([01])/(rho|gamma|beta)", r"up.\1.2.\2"),
        (r"G_logit/conv2d/(kernel|bias)", lambda m: f"image.{WEIGHT[m[1]]}"),
    ),
    adapt=to_torch,
    scopes=(Scope(r"generator_B/", "A2B"), Scope(r"generator_A/", "B2A")),
)

DISCRIMINATOR = Converter(
    role="discriminator",
    architecture="ugatit",
    detect=lambda s: (
        has(s, "global/conv_0/kernel", 4, 4, None, None) and "global/conv_0/u" in s and "local/conv_0/u" in s
    ),
    infer=lambda s: {
        "width": s["global/conv_0/kernel"].shape[-1],
        "global_layers": count(s, r"global/conv_(\d+)/") + 2,
        "local_layers": count(s, r"local/conv_(\d+)/") + 2,
        "release": "tensorflow",
        **unusual(channels=s["global/conv_0/kernel"].shape[2]),
    },
    rename=lambda config: (
        (r"(global|local)/conv_(\d+)/(kernel|bias|u)", lambda m: f"scales.{m[1]}.convs.{m[2]}.{WEIGHT[m[3]]}"),
        (
            r"(global|local)/conv_last/(kernel|bias|u)",
            lambda m: f"scales.{m[1]}.convs.{config[m[1] + '_layers'] - 2}.{WEIGHT[m[2]]}",
        ),
        (r"(global|local)/CAM_logit/kernel", r"scales.\1.cam.weights.0"),
        (r"(global|local)/CAM_logit/bias", r"scales.\1.cam.bias"),
        (r"(global|local)/CAM_logit/u", r"scales.\1.cam.spectral.0.u"),
        (r"(global|local)/conv_1x1/conv2d/(kernel|bias)", lambda m: f"scales.{m[1]}.cam.mix.{WEIGHT[m[2]]}"),
        (r"(global|local)/D_logit/(kernel|bias|u)", lambda m: f"scales.{m[1]}.logits.{WEIGHT[m[2]]}"),
    ),
    adapt=to_torch,
    scopes=(Scope(r"discriminator_A/", "A"), Scope(r"discriminator_B/", "B")),
    slots=(("", "A"),),
)
