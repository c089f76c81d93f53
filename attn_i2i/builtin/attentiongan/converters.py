"""Key layouts of the released AttentionGAN checkpoints, told from the files alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ...convert.converter import Converter, Rules, count, has, unusual
from ...types import StateDict
from ..cyclegan.converters import STATISTICS
from ..stargan import converters as stargan

NORM = r"(weight|bias|running_mean|running_var|num_batches_tracked)"  # the tensors of a norm, or of a convolution


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
    """The last convolution makes a mask more than the first reads channels."""
    last = 27 + count(state, r"model\.(\d+)\.conv_block\.")
    if not has(state, "model.1.weight", None, None, 7, 7):
        return False
    return has(state, f"model.{last}.weight", 1 + state["model.1.weight"].shape[1], None, 7, 7)


SCHEME1 = Converter(
    role="generator",
    architecture="attentiongan1",
    detect=is_scheme1,
    infer=lambda s: {
        "width": len(s["model.1.weight"]),
        "blocks": count(s, r"model\.(\d+)\.conv_block\."),
        "norm": "batch" if "model.2.running_mean" in s else "instance",
        **unusual(channels=s["model.1.weight"].shape[1]),
    },
    rename=scheme1_rules,
)

TOWER = Converter(
    role="discriminator",
    architecture="attentiongan1",
    detect=lambda s: has(s, "conv_tower.0.weight", None, None, 4, 4) and has(s, "conv_tower.15.weight", 1, None, 1, 1),
    infer=lambda s: {
        "width": len(s["conv_tower.0.weight"]),
        "norm": "batch" if "conv_tower.1.running_mean" in s else "instance",
        **unusual(channels=s["conv_tower.0.weight"].shape[1]),
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
    masks, contents = len(state["deconv3_attention.weight"]), len(state["deconv3_content.weight"])
    return masks > 0 and contents > 0 and (_shows_background(state) or contents % masks == 0)


def _shows_background(state: StateDict) -> bool:
    """Whether one mask has no content: the source is shown there, so that contents have its channels."""
    masks, channels = len(state["deconv3_attention.weight"]), state["conv1.weight"].shape[1]
    return len(state["deconv3_content.weight"]) == channels * (masks - 1)


def infer_scheme2(state: StateDict) -> dict[str, Any]:
    masks, background = len(state["deconv3_attention.weight"]), _shows_background(state)
    outputs = len(state["deconv3_content.weight"]) // (masks - background)
    return {
        "width": len(state["conv1.weight"]),
        "blocks": count(state, r"resnet_blocks\.(\d+)\."),
        "masks": masks,
        "background": background,
        "attention_kernel": state["deconv3_attention.weight"].shape[-1],
        **unusual(in_channels=state["conv1.weight"].shape[1], out_channels=outputs),
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
    detect=partial(stargan.is_generator, outputs=stargan.MASKED_OUTPUTS),
    infer=partial(stargan.infer_generator, masks=1),
    rename=stargan.generator_rules("head.mask_and_content"),
    slots=(("", "translate"),),
)

MULTIDOMAIN_ANY_CHANNELS = replace(
    MULTIDOMAIN,
    detect=partial(stargan.is_generator, beside=stargan.MASKED_OUTPUTS | {1}),
    layout="attentiongan1-multidomain-any-channels",
    assumes="a generator of a mask and images, of one channel less than it makes",
    on_demand=True,
)
