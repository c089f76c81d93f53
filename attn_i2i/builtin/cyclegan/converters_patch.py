"""Discriminators as published: PatchGANs of pytorch-CycleGAN-and-pix2pix, CUT, PyTorch-GAN, UPIT; the pixel one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any

from ...convert.converter import Converter, Rules, has
from ...types import StateDict
from .numbering import norm_assumptions, norm_options, norm_rules, patch_numbering, patch_numbers, wrong_filters


def is_patch(state: StateDict, prefix: str = "model.") -> bool:
    numbering = patch_numbering(state, prefix)
    if numbering is None or len(numbering.convolutions) < 3:
        return False
    *inner, last = (state[f"{prefix}{place}.weight"] for place in numbering.convolutions)
    return len(last) == 1 and all(tensor.shape[2:] == (4, 4) for tensor in (*inner, last))


def infer_patch(state: StateDict, prefix: str = "model.") -> dict[str, Any]:
    numbering = patch_numbering(state, prefix)
    if numbering is None:
        raise KeyError("convolutions")
    *places, last = numbering.convolutions
    weights = [state[f"{prefix}{place}.weight"] for place in places]
    width, channels = weights[0].shape[:2]
    layers = len(places) - (numbering.kind != "shifted")
    config: dict[str, Any] = {"width": width, "layers": layers}
    config |= norm_options(state, f"{prefix}{places[1]}", f"{prefix}{places[1] + 1}")
    config |= {} if f"{prefix}{last}.bias" in state else {"logits_bias": False}
    config |= {numbering.kind: True} if numbering.kind != "strided" else {}
    config |= {"in_channels": channels} if channels != 3 else {}
    return config | _widest([len(weight) for weight in weights])


def _widest(widths: list[int]) -> dict[str, Any]:
    """Where widths stop doubling, if it is elsewhere than at eight times the first."""
    usual = [widths[0] * min(2**i, 8) for i in range(len(widths))]
    return {} if widths == usual else {"widest": max(widths) // widths[0]}


def patch_rules(config: Mapping[str, Any], prefix: str = "model.") -> Rules:
    kind = "blur" if config.get("blur") else "shifted" if config.get("shifted") else "strided"
    count = config["layers"] + (1 if kind == "shifted" else 2)
    *places, last = patch_numbers(count, kind)
    start = re.escape(prefix)
    rules: list[tuple[str, Any]] = [(rf"{start}{last}\.(weight|bias)", r"logits.\1")]
    for i, place in enumerate(places):
        rules.append((rf"{start}{place}\.(weight|bias)", rf"features.{i}.conv.\1"))
        rules += norm_rules(config, rf"{start}{place + 1}", f"features.{i}.norm") if i else []
    if kind == "blur":
        rules += [(rf"{start}{after - 1}\.filt", None) for _, after in pairwise(places)]
    return tuple(rules)


def patch_converter(prefix: str = "model.", **more: Any) -> Converter:
    return Converter(
        role="discriminator",
        architecture="patchgan",
        detect=partial(is_patch, prefix=prefix),
        infer=partial(infer_patch, prefix=prefix),
        rename=partial(patch_rules, prefix=prefix),
        check=wrong_filters,
        **more,
    )


def infer_pixel(state: StateDict) -> dict[str, Any]:
    width, channels = state["net.0.weight"].shape[:2]
    config = {"width": width, **norm_options(state, "net.2", "net.3")}
    return config | ({"in_channels": channels} if channels != 3 else {})


DISCRIMINATOR = patch_converter(layout="cyclegan", assumes=norm_assumptions)
UPIT = patch_converter("", makes={"a": "A", "b": "B"}, layout="upit", assumes=norm_assumptions)
PIXEL = Converter(
    role="discriminator",
    architecture="pixelgan",
    detect=lambda s: has(s, "net.0.weight", None, None, 1, 1) and has(s, "net.5.weight", 1, None, 1, 1),
    infer=infer_pixel,
    rename=lambda config: (
        (r"net\.(0|2)\.(weight|bias)", lambda m: f"features.{int(m[1]) // 2}.conv.{m[2]}"),
        (r"net\.5\.(weight|bias)", r"logits.\1"),
        *norm_rules(config, r"net\.3", "features.1.norm"),
    ),
    layout="cyclegan",
)
