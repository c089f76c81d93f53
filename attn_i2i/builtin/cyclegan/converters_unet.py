"""U-Nets as published: pytorch-CycleGAN-and-pix2pix's, nested level in level, and PyTorch-GAN's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...convert.converter import Converter, Rules, count, has
from ...types import StateDict
from .numbering import (
    BARE,
    has_bare_statistics,
    norm_assumptions,
    norm_options,
    norm_rules,
    with_neutral_parameters,
)

RGB = "RGB in [-1, 1] ending in tanh, as pytorch-CycleGAN-and-pix2pix"


def prefix(level: int) -> str:
    """What the keys of a level begin with: the outermost, 0, holds the next as its module 1, all others as 3."""
    return "model.model." + "".join(f"{1 if i == 0 else 3}.model." for i in range(level))


def levels_of(state: StateDict) -> int:
    level = 1
    while f"{prefix(level)}1.weight" in state:
        level += 1
    return level


def is_unet(state: StateDict) -> bool:
    inner = prefix(1)
    return (
        has(state, "model.model.0.weight", None, None, 4, 4)
        and has(state, f"{inner}1.weight", None, None, 4, 4)
        and has(state, "model.model.3.weight", None, None, 4, 4)
    )


def infer_unet(state: StateDict, **known: Any) -> dict[str, Any]:
    width, inputs = state["model.model.0.weight"].shape[:2]
    outputs = state["model.model.3.weight"].shape[1]
    norm = norm_options(state, f"{prefix(1)}1", f"{prefix(1)}2")
    config: dict[str, Any] = {"levels": levels_of(state), "width": width, "bias": norm.get("bias", True)}
    config["norm"] = norm.get("norm", "instance")
    config |= {} if config["norm"] == "batch" else {"dropout": 0.0}  # CycleGAN's default, where pix2pix has batch norm
    config |= {"in_channels": inputs} if inputs != 3 else {}
    return config | ({"out_channels": outputs} if outputs != 3 else {}) | known


def assumptions(state: StateDict) -> list[str]:
    """What no key of a U-Net tells."""
    bare = infer_unet(state)["norm"] == "instance" and not has_bare_statistics(state)
    return [RGB, *norm_assumptions(state), *([BARE] if bare else [])]


def unet_rules(config: Mapping[str, Any]) -> Rules:
    innermost = config["levels"] - 1
    rules: list[tuple[str, Any]] = [
        (r"model\.model\.0\.(weight|bias)", r"down.0.conv.\1"),
        (r"model\.model\.3\.(weight|bias)", r"image.\1"),
    ]
    for level in range(1, innermost + 1):
        start, up = re.escape(prefix(level)), f"up.{innermost - level}"
        rules.append((rf"{start}1\.(weight|bias)", rf"down.{level}.conv.\1"))
        if level < innermost:
            rules += norm_rules(config, rf"{start}2", f"down.{level}.norm")
        after = 3 if level == innermost else 5
        rules.append((rf"{start}{after}\.(weight|bias)", rf"{up}.conv.\1"))
        rules += norm_rules(config, rf"{start}{after + 1}", f"{up}.norm")
    return tuple(rules)


def exchanged(key: str, tensor: Tensor) -> Tensor:
    """PyTorch-GAN puts what comes from below first, we the skip: the halves of the input channels change places."""
    if key == "image.weight":
        return torch.cat(tensor.chunk(2, 1)[::-1], 1)
    if key.startswith("up.") and key.endswith("conv.weight") and not key.startswith("up.0."):
        return torch.cat(tensor.chunk(2, 0)[::-1], 0)
    return tensor


def infer_pytorch_gan(state: StateDict) -> dict[str, Any]:
    width, inputs = state["down1.model.0.weight"].shape[:2]
    outputs = len(state["final.2.weight"])
    config: dict[str, Any] = {"levels": count(state, r"down(\d+)\."), "width": width, "style": "pytorch-gan"}
    config |= {"norm": "instance"} | ({"in_channels": inputs} if inputs != 3 else {})
    return config | ({"out_channels": outputs} if outputs != 3 else {})


GENERATOR = Converter(
    role="generator",
    architecture="unet",
    detect=is_unet,
    infer=infer_unet,
    rename=unet_rules,
    layout="cyclegan",
    assumes=assumptions,
)
STORED_STATISTICS = Converter(
    role="generator",
    architecture="unet",
    detect=lambda s: is_unet(s) and has_bare_statistics(s),
    infer=partial(infer_unet, norm="batch"),
    rename=unet_rules,
    finish=with_neutral_parameters,
    layout="stored-statistics",
    assumes="norms without parameters by the running statistics that the file stores",
    on_demand=True,
)
OWN_STATISTICS = Converter(
    role="generator",
    architecture="unet",
    detect=lambda s: is_unet(s) and infer_unet(s)["norm"] == "batch",
    infer=partial(infer_unet, norm="instance_affine", dropout=0.5),
    rename=unet_rules,
    layout="own-statistics",
    assumes="batch norms by each picture's own statistics, as the published test.py has them without --eval",
    on_demand=True,
)
PYTORCH_GAN = Converter(
    role="generator",
    architecture="unet",
    detect=lambda s: (
        has(s, "down1.model.0.weight", None, None, 4, 4)
        and has(s, "up1.model.0.weight", None, None, 4, 4)
        and has(s, "final.2.weight", None, None, 4, 4)
    ),
    infer=infer_pytorch_gan,
    rename=lambda config: (
        (r"down(\d+)\.model\.0\.weight", lambda m: f"down.{int(m[1]) - 1}.conv.weight"),
        (r"up(\d+)\.model\.0\.weight", lambda m: f"up.{int(m[1]) - 1}.conv.weight"),
        (r"final\.2\.(weight|bias)", r"image.\1"),
    ),
    adapt=exchanged,
    layout="pytorch-gan",
)
