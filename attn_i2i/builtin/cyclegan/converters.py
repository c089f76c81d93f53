"""Key layout of junyanz/pytorch-CycleGAN-and-pix2pix, from PyTorch 0.3 files to today's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...convert.converter import Converter, Rules, count, has
from ...types import StateDict

STATISTICS = r".*\.(running_mean|running_var|num_batches_tracked)"


def resnet_rules(config: Mapping[str, Any]) -> Rules:
    """Rules for the sequential ResNet generator; what follows the blocks is numbered after their count."""
    n = config["blocks"]
    return (
        (r"model\.1\.(weight|bias)", r"trunk.stem.conv.\1"),
        (r"model\.4\.(weight|bias)", r"trunk.down.0.conv.\1"),
        (r"model\.7\.(weight|bias)", r"trunk.down.1.conv.\1"),
        (
            r"model\.(\d+)\.conv_block\.([156])\.(weight|bias)",
            lambda m: f"trunk.blocks.{int(m[1]) - 10}.{'first' if m[2] == '1' else 'second'}.conv.{m[3]}",
        ),
        (rf"model\.{10 + n}\.(weight|bias)", r"head.up.0.conv.\1"),
        (rf"model\.{13 + n}\.(weight|bias)", r"head.up.1.conv.\1"),
        (rf"model\.{17 + n}\.(weight|bias)", r"head.image.\1"),
        (STATISTICS, None),
    )


def is_resnet(state: StateDict) -> bool:
    blocks = count(state, r"model\.(\d+)\.conv_block\.")
    return (
        has(state, "model.1.weight", None, 3, 7, 7)
        and "model.2.weight" not in state
        and has(state, f"model.{17 + blocks}.weight", 3, None, 7, 7)
    )


def patch_rules(config: Mapping[str, Any]) -> Rules:
    last = 3 * config["layers"] + 2
    return (
        (r"model\.0\.(weight|bias)", r"features.0.conv.\1"),
        (rf"model\.{last}\.(weight|bias)", r"logits.\1"),
        (r"model\.(\d+)\.(weight|bias)", lambda m: f"features.{(int(m[1]) + 1) // 3}.conv.{m[2]}"),
        (STATISTICS, None),
    )


def is_patch(state: StateDict) -> bool:
    layers = count(state, r"model\.(\d+)\.weight") - 2
    last = f"model.{3 * layers + 2}.weight"
    return has(state, "model.0.weight", None, 3, 4, 4) and has(state, last, 1, None, 4, 4)


GENERATOR = Converter(
    role="generator",
    architecture="cyclegan",
    detect=is_resnet,
    infer=lambda s: {"width": len(s["model.1.weight"]), "blocks": count(s, r"model\.(\d+)\.conv_block\.")},
    rename=resnet_rules,
)

DISCRIMINATOR = Converter(
    role="discriminator",
    architecture="patchgan",
    detect=is_patch,
    infer=lambda s: {"width": len(s["model.0.weight"]), "layers": count(s, r"model\.(\d+)\.weight") - 2},
    rename=patch_rules,
)
