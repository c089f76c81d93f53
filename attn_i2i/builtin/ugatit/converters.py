"""Key layout of znxlwm/UGATIT-pytorch: one file with six state dictionaries."""

from __future__ import annotations

from math import isqrt
from typing import Any

from torch import Tensor

from ...convert.converter import Converter, Scope, count, has, unusual
from ...types import StateDict

# Torch's names of a spectral-normalised weight, and ours.
PARTS = {"weight_orig": "weight", "weight_u": "spectral.u", "weight_v": "spectral.v", "bias": "bias"}
CAM_PARTS = {"weight_orig": "weights.{}", "weight_u": "spectral.{}.u", "weight_v": "spectral.{}.v"}


def infer_generator(state: StateDict) -> dict[str, Any]:
    width = len(state["DownBlock.1.weight"])
    positions = state["FC.0.weight"].shape[1] // (4 * width)
    light = positions == 1
    config: dict[str, Any] = {"width": width, "blocks": count(state, r"UpBlock1_(\d+)\."), "light": light}
    inputs, outputs = state["DownBlock.1.weight"].shape[1], len(state["UpBlock2.11.weight"])
    config |= unusual(in_channels=inputs, out_channels=outputs)
    return config if light else {**config, "image_size": 4 * isqrt(positions)}


def flat_norms(key: str, tensor: Tensor) -> Tensor:
    """Rho, gamma and beta are stored (1, C, 1, 1), here (C,)."""
    return tensor.flatten() if key.endswith((".rho", ".gamma", ".beta")) else tensor


GENERATOR = Converter(
    role="generator",
    architecture="ugatit",
    detect=lambda s: has(s, "gap_fc.weight", 1, None) and "DownBlock.1.weight" in s and "FC.0.weight" in s,
    infer=infer_generator,
    rename=(
        (r"DownBlock\.1\.weight", "trunk.stem.conv.weight"),
        (r"DownBlock\.(5|9)\.weight", lambda m: f"trunk.down.{int(m[1]) // 4 - 1}.conv.weight"),
        (r"DownBlock\.(\d+)\.conv_block\.1\.weight", lambda m: f"trunk.blocks.{int(m[1]) - 12}.first.conv.weight"),
        (r"DownBlock\.(\d+)\.conv_block\.5\.weight", lambda m: f"trunk.blocks.{int(m[1]) - 12}.second.conv.weight"),
        (r"gap_fc\.weight", "cam.weights.0"),
        (r"gmp_fc\.weight", "cam.weights.1"),
        (r"conv1x1\.(weight|bias)", r"cam.mix.\1"),
        (r"FC\.([02])\.weight", r"style.hidden.\1.weight"),
        (r"(gamma|beta)\.weight", r"style.\1.weight"),
        (r"UpBlock1_(\d+)\.conv1\.weight", lambda m: f"blocks.{int(m[1]) - 1}.first.weight"),
        (r"UpBlock1_(\d+)\.conv2\.weight", lambda m: f"blocks.{int(m[1]) - 1}.second.weight"),
        (r"UpBlock1_(\d+)\.norm1\.rho", lambda m: f"blocks.{int(m[1]) - 1}.first_norm.rho"),
        (r"UpBlock1_(\d+)\.norm2\.rho", lambda m: f"blocks.{int(m[1]) - 1}.second_norm.rho"),
        (r"UpBlock2\.(2|7)\.weight", lambda m: f"up.{int(m[1]) // 5}.1.weight"),
        (r"UpBlock2\.(3|8)\.(rho|gamma|beta)", lambda m: f"up.{int(m[1]) // 5}.2.{m[2]}"),
        (r"UpBlock2\.11\.weight", "image.weight"),
    ),
    adapt=flat_norms,
    scopes=(Scope(r"genA2B\.", "A2B"), Scope(r"genB2A\.", "B2A")),
)

DISCRIMINATOR = Converter(
    role="discriminator",
    architecture="ugatit",
    detect=lambda s: has(s, "global.gap_fc.weight_orig", 1, None) and has(s, "local.gap_fc.weight_orig", 1, None),
    infer=lambda s: {
        "width": len(s["global.model.1.weight_orig"]),
        "global_layers": count(s, r"global\.model\.(\d+)\.") + 1,
        "local_layers": count(s, r"local\.model\.(\d+)\.") + 1,
        **unusual(channels=s["global.model.1.weight_orig"].shape[1]),
    },
    rename=(
        (
            r"(global|local)\.model\.(\d+)\.(weight_orig|weight_u|weight_v|bias)",
            lambda m: f"scales.{m[1]}.convs.{int(m[2]) // 3}.{PARTS[m[3]]}",
        ),
        (
            r"(global|local)\.(gap|gmp)_fc\.(weight_orig|weight_u|weight_v)",
            lambda m: f"scales.{m[1]}.cam.{CAM_PARTS[m[3]].format(int(m[2] == 'gmp'))}",
        ),
        (r"(global|local)\.conv1x1\.(weight|bias)", r"scales.\1.cam.mix.\2"),
        (r"(global|local)\.conv\.(weight_orig|weight_u|weight_v)", lambda m: f"scales.{m[1]}.logits.{PARTS[m[2]]}"),
    ),
    scopes=tuple(
        Scope(rf"dis{letter}{domain}\.", domain, f"{scale}.")
        for domain in "AB"
        for letter, scale in (("G", "global"), ("L", "local"))
    ),
    slots=(("", "A"),),
)
