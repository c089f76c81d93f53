"""Key layouts of the released AttentionGAN checkpoints, told from the files alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ...convert.converter import Converter, Rules, count, has
from ...types import StateDict
from ..cyclegan.converters import STATISTICS
from ..stargan import converters as stargan

NORM = r"(weight|bias|running_mean|running_var|num_batches_tracked)"


def scheme1_rules(config: Mapping[str, Any]) -> Rules:
    """The sequential generator: reduce, norm, ReLU, expand, shuffle, norm, ReLU twice, then mask and content."""
    n = config["blocks"]
    parts = {1: "trunk.stem.conv", 2: "trunk.stem.norm"}
    parts |= {4: "trunk.down.0.conv", 5: "trunk.down.0.norm", 7: "trunk.down.1.conv", 8: "trunk.down.1.norm"}
    for i, first in enumerate((11 + n, 19 + n)):
        up = f"head.up.{i}"
        parts |= {first: f"{up}.reduce.conv", first + 1: f"{up}.reduce.norm"}
        parts |= {first + 3: f"{up}.expand.conv.0", first + 5: f"{up}.expand.norm"}
    parts[27 + n] = "head.mask_and_content"
    inner = {"1": "first.conv", "2": "first.norm", "5": "second.conv", "6": "second.norm"}
    return (
        *((rf"model\.{index}\.{NORM}", rf"{name}.\1") for index, name in parts.items()),
        (
            rf"model\.(\d+)\.conv_block\.([1256])\.{NORM}",
            lambda m: f"trunk.blocks.{int(m[1]) - 10}.{inner[m[2]]}.{m[3]}",
        ),
    )


def is_scheme1(state: StateDict) -> bool:
    last = 27 + count(state, r"model\.(\d+)\.conv_block\.")
    return has(state, "model.1.weight", None, 3, 7, 7) and has(state, f"model.{last}.weight", 4, None, 7, 7)


SCHEME1 = Converter(
    role="generator",
    architecture="attentiongan1",
    detect=is_scheme1,
    infer=lambda s: {
        "width": len(s["model.1.weight"]),
        "blocks": count(s, r"model\.(\d+)\.conv_block\."),
        "norm": "batch" if "model.2.running_mean" in s else "instance",
    },
    rename=scheme1_rules,
)

TOWER = Converter(
    role="discriminator",
    architecture="attentiongan1",
    detect=lambda s: has(s, "conv_tower.0.weight", None, 3, 4, 4) and has(s, "conv_tower.15.weight", 1, None, 1, 1),
    infer=lambda s: {
        "width": len(s["conv_tower.0.weight"]),
        "norm": "batch" if "conv_tower.1.running_mean" in s else "instance",
    },
    rename=(
        (r"conv_tower\.15\.(weight|bias)", r"logits.\1"),
        (r"conv_tower\.(0|3|6|9|12)\.(weight|bias)", lambda m: f"tower.{int(m[1]) // 3}.conv.{m[2]}"),
        (rf"conv_tower\.(1|4|7|10)\.{NORM}", lambda m: f"tower.{int(m[1]) // 3}.norm.{m[2]}"),
    ),
)


def is_scheme2(state: StateDict) -> bool:
    """Masks come with a content each, or with one content less where the last mask is the background's."""
    if not has(state, "deconv3_attention.weight", None, None, None, None):
        return False
    masks = len(state["deconv3_attention.weight"])
    return len(state["deconv3_content.weight"]) in (3 * masks, 3 * (masks - 1))


def infer_scheme2(state: StateDict) -> dict[str, Any]:
    masks = len(state["deconv3_attention.weight"])
    return {
        "width": len(state["conv1.weight"]),
        "blocks": count(state, r"resnet_blocks\.(\d+)\."),
        "masks": masks,
        "background": len(state["deconv3_content.weight"]) < 3 * masks,
        "attention_kernel": state["deconv3_attention.weight"].shape[-1],
    }


SCHEME2 = Converter(
    role="generator",
    architecture="attentiongan2",
    detect=is_scheme2,
    infer=infer_scheme2,
    rename=(
        (r"conv1\.(weight|bias)", r"trunk.stem.conv.\1"),
        (r"conv([23])\.(weight|bias)", lambda m: f"trunk.down.{int(m[1]) - 2}.conv.{m[2]}"),
        (r"resnet_blocks\.(\d+)\.conv1\.(weight|bias)", r"trunk.blocks.\1.first.conv.\2"),
        (r"resnet_blocks\.(\d+)\.conv2\.(weight|bias)", r"trunk.blocks.\1.second.conv.\2"),
        (r"deconv([12])_(content|attention)\.(weight|bias)", lambda m: f"head.{m[2]}_up.{int(m[1]) - 1}.conv.{m[3]}"),
        (r"deconv3_(content|attention)\.(weight|bias)", r"head.\1.\2"),
        (STATISTICS, None),
    ),
)

MULTIDOMAIN = Converter(
    role="generator",
    architecture="attentiongan1-multidomain",
    detect=partial(stargan.is_generator, outputs=4),
    infer=stargan.infer_generator,
    rename=stargan.generator_rules("head.mask_and_content"),
    slots=(("", "translate"),),
)
