"""Key layout of minivision-ai/photo2cartoon; its discriminators are U-GAT-IT's."""

from __future__ import annotations

from math import isqrt
from typing import Any

import torch
from attn_i2i.convert import Converter, Scope, has
from attn_i2i.types import StateDict
from torch import Tensor

UNIT = r"ConvBlock([123])\.3\.weight"
STAGES = {"1": "stages.0", "2": "stages.1", "3": "stages.2", "4": "last_stage"}
RATIOS = {"w_gamma": "gamma_ratio", "w_beta": "beta_ratio", "norm.rho": "rho"}
SIDES = {"c": "content", "s": "style"}
PARTS = {"Conv1": "draw", "Conv2": "features", "Conv3": "fold"}


def infer_generator(state: StateDict) -> dict[str, Any]:
    width = len(state["ConvBlock1.1.weight"])
    positions = state["FC.0.weight"].shape[1] // (4 * width)
    light = positions == 1
    return {"width": width, "light": light, **({} if light else {"image_size": 4 * isqrt(positions)})}


def unit(number: str) -> str:
    """Where the convolution of a unit stands; there, norm and ReLU come first."""
    return f"convs.{int(number) - 1}.2.weight"


def hourglass_unit(name: str) -> str:
    """ConvBlock2_1 is the skip of level 2, ConvBlock2_2 what comes below it; 6 to 9 go up from level 4 to 1."""
    level, _, side = name.partition("_")
    if side:
        return f"{'skips' if side == '1' else 'lows'}.{int(level) - 1}"
    return "bottom" if level == "5" else f"ups.{9 - int(level)}"


def flat(key: str, tensor: Tensor) -> Tensor:
    """Ratios, rho, gamma and beta are stored with axes of length 1."""
    return tensor.flatten() if key.endswith(("ratio", ".rho", ".gamma", ".beta")) else tensor


def joined_bias(state: StateDict) -> StateDict:
    """The biases of both classifiers as one."""
    inner = dict(state)
    return inner | {"cam_bias": torch.cat([inner.pop("cam_bias.0"), inner.pop("cam_bias.1")])}


GENERATOR = Converter(
    role="generator",
    architecture="photo2cartoon",
    detect=lambda s: has(s, "ConvBlock1.1.weight", None, 3, 7, 7) and "HourGlass1.HG.2.weight" in s,
    infer=infer_generator,
    rename=(
        (r".*ConvBlock4\.2\.weight", None),  # for units that change the width, which none does
        (r"ConvBlock1\.1\.weight", "stem.weight"),
        (r"ConvBlock2\.1\.weight", "image.weight"),
        (
            rf"HourGlass(\d)\.HG\.0\.ConvBlock(\d(?:_\d)?)\.{UNIT}",
            lambda m: f"{STAGES[m[1]]}.hourglass.{hourglass_unit(m[2])}.{unit(m[3])}",
        ),
        (rf"HourGlass(\d)\.HG\.1\.{UNIT}", lambda m: f"{STAGES[m[1]]}.unit.{unit(m[2])}"),
        (r"HourGlass(\d)\.HG\.2\.weight", lambda m: f"{STAGES[m[1]]}.mix.weight"),
        (r"HourGlass(\d)\.(Conv[123])\.(weight|bias)", lambda m: f"{STAGES[m[1]]}.{PARTS[m[2]]}.{m[3]}"),
        (r"DownBlock([12])\.1\.weight", lambda m: f"down.{int(m[1]) - 1}.conv.weight"),
        (r"EncodeBlock(\d)\.conv_block\.1\.weight", lambda m: f"encoder.{int(m[1]) - 1}.first.conv.weight"),
        (r"EncodeBlock(\d)\.conv_block\.5\.weight", lambda m: f"encoder.{int(m[1]) - 1}.second.conv.weight"),
        (r"gap_fc\.weight", "cam.weights.0"),
        (r"gmp_fc\.weight", "cam.weights.1"),
        (r"gap_fc\.bias", "cam_bias.0"),
        (r"gmp_fc\.bias", "cam_bias.1"),
        (r"conv1x1\.(weight|bias)", r"cam.mix.\1"),
        (r"FC\.([02])\.(weight|bias)", r"style.\1.\2"),
        (r"DecodeBlock(\d)\.conv1\.weight", lambda m: f"decoder.{int(m[1]) - 1}.first.weight"),
        (r"DecodeBlock(\d)\.conv2\.weight", lambda m: f"decoder.{int(m[1]) - 1}.second.weight"),
        (
            r"DecodeBlock(\d)\.norm([12])\.(w_gamma|w_beta|norm\.rho)",
            lambda m: f"decoder.{int(m[1]) - 1}.{'first' if m[2] == '1' else 'second'}_norm.{RATIOS[m[3]]}",
        ),
        (
            r"DecodeBlock(\d)\.norm([12])\.([cs])_(gamma|beta)\.(.*)",
            lambda m: (
                f"decoder.{int(m[1]) - 1}.{'first' if m[2] == '1' else 'second'}_norm.{SIDES[m[3]]}_{m[4]}.{m[5]}"
            ),
        ),
        (r"UpBlock([12])\.2\.weight", lambda m: f"up.{int(m[1]) - 1}.0.weight"),
        (r"UpBlock([12])\.3\.(rho|gamma|beta)", lambda m: f"up.{int(m[1]) - 1}.1.{m[2]}"),
    ),
    adapt=flat,
    finish=joined_bias,
    scopes=(Scope(r"genA2B\.", "A2B"), Scope(r"genB2A\.", "B2A")),
)
