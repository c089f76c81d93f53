"""CycleGANs with key layouts of their own: mmgeneration and mmagic, aladdinpersson's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ...convert.converter import Converter, Rules, count, has
from ...types import StateDict
from .folding import from_bgr

BGR = "pictures in BGR order, as mmgeneration and mmagic read them (else: as_layout=mmgen-rgb)"
MAKES = {"z": "B", "h": "A"}
"""genz makes zebras of horses, genh horses of zebras; critics are called by what they look at."""


def infer_resnet(state: StateDict, stem: str, image: str, block: str) -> dict[str, Any]:
    first, last = state[stem], state[image]
    config: dict[str, Any] = {"width": len(first), "blocks": count(state, block)}
    config |= {"in_channels": first.shape[1]} if first.shape[1] != 3 else {}
    return config | ({"out_channels": len(last)} if len(last) != 3 else {})


def infer_patch(state: StateDict, first: str, layers: int) -> dict[str, Any]:
    width, channels = state[first].shape[:2]
    return {"width": width, "layers": layers, **({"in_channels": channels} if channels != 3 else {})}


# How mmgeneration numbers residual blocks.
MM_BLOCK = r"model\.(\d+)\.block\."


def mm_last(state: StateDict) -> str:
    return f"model.{5 + count(state, MM_BLOCK)}.conv.weight"


def infer_mm(state: StateDict) -> dict[str, Any]:
    config = infer_resnet(state, "model.0.conv.weight", mm_last(state), MM_BLOCK)
    return config | ({"dropout": 0.5} if "model.3.block.2.conv.weight" in state else {})


def mm_rules(config: Mapping[str, Any]) -> Rules:
    """Only modules with weights are counted: stem, steps down, blocks, steps up, image."""
    n = config["blocks"]
    steps = {0: "trunk.stem", 1: "trunk.down.0", 2: "trunk.down.1", 3 + n: "head.up.0", 4 + n: "head.up.1"}
    return (
        *((rf"model\.{place}\.conv\.(weight|bias)", rf"{name}.conv.\1") for place, name in steps.items()),
        (rf"model\.{5 + n}\.conv\.(weight|bias)", r"head.image.\1"),
        (
            r"model\.(\d+)\.block\.([012])\.conv\.(weight|bias)",
            lambda m: f"trunk.blocks.{int(m[1]) - 3}.{'first' if m[2] == '0' else 'second'}.conv.{m[3]}",
        ),
    )


def is_mm(state: StateDict) -> bool:
    return has(state, "model.0.conv.weight", None, None, 7, 7) and has(state, mm_last(state), None, None, 7, 7)


MM_LAYERS = r"model\.(\d+)\.conv\."


def is_mm_patch(state: StateDict) -> bool:
    last = f"model.{count(state, MM_LAYERS)}.weight"
    return has(state, "model.0.conv.weight", None, None, 4, 4) and has(state, last, 1, None, 4, 4)


mm_generator = partial(
    Converter, role="generator", architecture="cyclegan", detect=is_mm, infer=infer_mm, rename=mm_rules, by_domain=True
)
mm_discriminator = partial(
    Converter,
    role="discriminator",
    architecture="patchgan",
    detect=is_mm_patch,
    infer=lambda s: infer_patch(s, "model.0.conv.weight", count(s, MM_LAYERS) - 1),
    rename=(
        (r"model\.(\d+)\.conv\.(weight|bias)", r"features.\1.conv.\2"),
        (r"model\.\d+\.(weight|bias)", r"logits.\1"),
    ),
    by_domain=True,
)
MM = mm_generator(finish=from_bgr, assumes=BGR, layout="mmgen")
MM_DISCRIMINATOR = mm_discriminator(finish=from_bgr, assumes=BGR, layout="mmgen")
MM_RGB = mm_generator(layout="mmgen-rgb", on_demand=True)
MM_RGB_DISCRIMINATOR = mm_discriminator(layout="mmgen-rgb", on_demand=True)

ALADDIN = Converter(
    role="generator",
    architecture="cyclegan",
    detect=lambda s: (
        has(s, "initial.0.weight", None, None, 7, 7)
        and "res_blocks.0.block.0.conv.0.weight" in s
        and has(s, "last.weight", None, None, 7, 7)
    ),
    infer=lambda s: (
        infer_resnet(s, "initial.0.weight", "last.weight", r"res_blocks\.(\d+)\.") | {"down_padding": "reflect"}
    ),
    rename=(
        (r"initial\.0\.(weight|bias)", r"trunk.stem.conv.\1"),
        (r"down_blocks\.([01])\.conv\.0\.(weight|bias)", r"trunk.down.\1.conv.\2"),
        (
            r"res_blocks\.(\d+)\.block\.([01])\.conv\.0\.(weight|bias)",
            lambda m: f"trunk.blocks.{m[1]}.{'first' if m[2] == '0' else 'second'}.conv.{m[3]}",
        ),
        (r"up_blocks\.([01])\.conv\.0\.(weight|bias)", r"head.up.\1.conv.\2"),
        (r"last\.(weight|bias)", r"head.image.\1"),
    ),
    makes=MAKES,
    layout="aladdinpersson",
)
ALADDIN_LAYERS = r"model\.(\d+)\.conv\.0\."
ALADDIN_DISCRIMINATOR = Converter(
    role="discriminator",
    architecture="patchgan",
    detect=lambda s: (
        has(s, "initial.0.weight", None, None, 4, 4)
        and has(s, f"model.{count(s, ALADDIN_LAYERS)}.weight", 1, None, 4, 4)
    ),
    infer=lambda s: infer_patch(s, "initial.0.weight", count(s, ALADDIN_LAYERS)) | {"padding_mode": "reflect"},
    rename=(
        (r"initial\.0\.(weight|bias)", r"features.0.conv.\1"),
        (r"model\.(\d+)\.conv\.0\.(weight|bias)", lambda m: f"features.{int(m[1]) + 1}.conv.{m[2]}"),
        (r"model\.\d+\.(weight|bias)", r"logits.\1"),
    ),
    makes=MAKES,
    layout="aladdinpersson",
)
