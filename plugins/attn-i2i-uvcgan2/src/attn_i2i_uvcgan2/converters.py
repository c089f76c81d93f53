"""Key layout of LS4GAN/uvcgan2's vit-modnet generators and of their discriminators."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isqrt
from typing import Any

from attn_i2i.convert import Converter, Rules, count, has
from attn_i2i.types import StateDict

INNER = "inner_module."
NET = "net.modnet."
HEADS = 6
"""The release's; no tensor tells their number."""
ENTRY = r"net\.modnet\.((?:inner_module\.)*)"
UPS = {
    "upsample.1": "conv",
    "block.conv_block1.conv": "first.conv",
    "block.conv_block2.conv": "second.conv",
    "block.style_block1.affine_mod": "first.scale",
    "block.style_block2.affine_mod": "second.scale",
}
BLOCK = {
    "norm1": "norm1",
    "norm2": "norm2",
    "atten.in_proj_": "queries.",
    "atten.out_proj": "out",
    "ffn.net.0": "feed.0",
    "ffn.net.2": "feed.2",
}


def level_of(match: re.Match[str]) -> int:
    return len(match[1]) // len(INNER)


def levels_in(state: StateDict) -> int:
    return sum(bool(re.fullmatch(rf"{ENTRY}conv\.downsample\.weight", key)) for key in state)


def infer_generator(state: StateDict) -> dict[str, Any]:
    levels = levels_in(state)
    inner = NET + INNER * levels
    widths = [len(state[f"{NET}{INNER * level}conv.downsample.weight"]) for level in range(levels)]
    side = isqrt(state[f"{inner}trans_input.x_const"].numel())
    tokens, features = state[f"{inner}extra_tokens"].shape[1:]
    config: dict[str, Any] = {
        "widths": widths,
        "image_size": side * 2**levels,
        "features": features,
        "heads": HEADS,
        "blocks": count(state, rf"{re.escape(inner)}encoder\.encoder\.(\d+)\."),
        "hidden": len(state[f"{inner}encoder.encoder.0.ffn.net.0.weight"]),
        "embedding": len(state[f"{inner}trans_input.embed.projector.weight"]),
        "tokens": tokens,
    }
    inputs, outputs = state["net.layer_input.0.weight"].shape[1], len(state["net.layer_output.weight"])
    config |= {"in_channels": inputs} if inputs != 3 else {}
    config |= {"out_channels": outputs} if outputs != 3 else {}
    config |= {} if f"{inner}encoder.encoder.0.re_alpha" in state else {"gates": False}
    return config | ({} if f"{NET}deconv.block.style_block1.re_alpha" in state else {"style_gates": False})


def generator_rules(config: Mapping[str, Any]) -> Rules:
    top = len(config["widths"]) - 1
    inner = re.escape(NET + INNER * (top + 1))

    def up(part: str) -> Any:
        return lambda m: f"up.{top - level_of(m)}.{part}"

    rules: list[tuple[str, Any]] = [
        (r"net\.layer_input\.0\.(weight|bias)", r"enter.\1"),
        (r"net\.layer_output\.(weight|bias)", r"image.\1"),
        (rf"{ENTRY}conv\.downsample\.(weight|bias)", lambda m: f"down.{level_of(m)}.halve.{m[2]}"),
        (rf"{ENTRY}conv\.block\.block\.1\.(weight|bias)", lambda m: f"down.{level_of(m)}.first.{m[2]}"),
        (rf"{ENTRY}conv\.block\.block\.4\.(weight|bias)", lambda m: f"down.{level_of(m)}.second.{m[2]}"),
    ]
    rules += [
        (rf"{ENTRY}deconv\.{re.escape(published)}\.{part}", up(f"{ours}.{part}"))
        for published, ours in UPS.items()
        for part in ("weight", "bias")
    ]
    for published, ours in (("1", "first"), ("2", "second")):
        rules.append((rf"{ENTRY}deconv\.block\.style_block{published}\.re_alpha", up(f"{ours}.gate")))
    rules += [
        (rf"{inner}extra_tokens", "bottleneck.tokens"),
        (rf"{inner}trans_input\.([xy])_const", r"bottleneck.\1"),
        (rf"{inner}trans_input\.embed\.projector\.(weight|bias)", r"bottleneck.place.\1"),
        (rf"{inner}trans_input\.output\.(weight|bias)", r"bottleneck.enter.\1"),
        (rf"{inner}trans_output\.(weight|bias)", r"bottleneck.leave.\1"),
        (rf"{inner}encoder\.encoder\.(\d+)\.re_alpha", r"bottleneck.blocks.\1.gate"),
    ]
    for published, ours in BLOCK.items():
        dot = "" if published.endswith("_") else r"\."
        inside = ours if ours.endswith(".") else f"{ours}."
        pattern = rf"{inner}encoder\.encoder\.(\d+)\.{re.escape(published)}{dot}(weight|bias)"
        rules.append((pattern, rf"bottleneck.blocks.\1.{inside}\2"))
    return tuple(rules)


def infer_discriminator(state: StateDict) -> dict[str, Any]:
    width, channels = state["_body.model.0.parametrizations.weight.original"].shape[:2]
    layers = count(state, r"_body\.model\.(\d+)\.bias") - 1
    return {"width": width, "layers": layers, **({"in_channels": channels} if channels != 3 else {})}


def spectral(part: str) -> Any:
    """A convolution of the body: modules 0, 2, 5, 8 and so on."""
    return lambda m: f"body.{(int(m[1]) + 1) // 3}.{part}"


GENERATOR = Converter(
    role="generator",
    architecture="uvcgan2",
    detect=lambda s: (
        has(s, "net.layer_input.0.weight", None, None, 3, 3) and f"{NET}{INNER * levels_in(s)}trans_input.x_const" in s
    ),
    infer=infer_generator,
    rename=generator_rules,
    layout="uvcgan2",
    assumes=f"{HEADS} heads of attention, as released: no tensor tells their number (else: options={{'heads': N}})",
)
DISCRIMINATOR = Converter(
    role="discriminator",
    architecture="uvcgan2",
    detect=lambda s: (
        "_body.model.0.parametrizations.weight.original" in s and has(s, "_head.net.2.weight", 1, None, 3, 3)
    ),
    infer=infer_discriminator,
    rename=(
        (r"_body\.model\.(\d+)\.bias", spectral("bias")),
        (r"_body\.model\.(\d+)\.parametrizations\.weight\.original", spectral("weight")),
        (r"_body\.model\.(\d+)\.parametrizations\.weight\.0\._u", spectral("spectral.u")),
        (r"_body\.model\.(\d+)\.parametrizations\.weight\.0\._v", spectral("spectral.v")),
        (r"_head\.norm\.(.*)", r"norm.\1"),
        (r"_head\.net\.0\.(weight|bias)", r"hidden.\1"),
        (r"_head\.net\.2\.(weight|bias)", r"logits.\1"),
    ),
    layout="uvcgan2",
)
