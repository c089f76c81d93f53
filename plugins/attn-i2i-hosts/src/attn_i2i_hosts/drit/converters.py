"""Key layout of HsinYingLee/DRIT: one .pth with every network, both directions and all discriminators."""

from __future__ import annotations

import re
from typing import Any

from attn_i2i.convert import Converter, Scope, count, has
from attn_i2i.types import StateDict

WB = r"\.(weight|bias)"  # the two tensors of a convolution or a linear layer
HALF = {"1": "first", "5": "second"}  # the convolutions' places in the release's residual block


def generator_scopes() -> tuple[Scope, ...]:
    """A direction takes its content encoder from the source domain, the rest from the target domain or from both."""
    scopes = []
    for source, target in ("AB", "BA"):
        slot = f"{source}2{target}"
        scopes += [
            Scope(rf"enc_c\.conv{source}\.", slot, "content."),
            Scope(r"enc_c\.conv_share\.", slot, "share."),
            Scope(rf"enc_a\.fc_{target}\.0\.", slot, "mean."),
            Scope(rf"enc_a\.fcVar_{target}\.0\.", slot, "variance."),
            Scope(rf"enc_a\.conv_{target}\.", slot, "attribute."),
            Scope(rf"enc_a\.model_{target.lower()}\.", slot, "attribute."),
            Scope(r"gen\.dec_share\.", slot, "dec_share."),
            Scope(rf"gen\.dec{target}(?=\d)", slot, "dec"),
            Scope(rf"gen\.mlp{target}\.", slot, "mlp."),
        ]
    return tuple(scopes)


def is_generator(state: StateDict) -> bool:
    concat = has(state, "dec4.0.weight", None, None, 1, 1) and has(state, "mean.weight", None, None)
    feature = has(state, "dec5.2.weight", None, None, 1, 1) and has(state, "mlp.4.weight", None, None)
    return (
        has(state, "content.0.model.1.weight", None, None, 7, 7)
        and "share.0.model.5.weight" in state
        and (concat or feature)
    )


def infer_generator(state: StateDict) -> dict[str, Any]:
    concat = "dec4.0.weight" in state
    first = state["content.0.model.1.weight"]
    return {
        "width": len(first),
        "variant": "concat" if concat else "feature",
        "style_dim": len(state["mean.weight"] if concat else state["attribute.16.weight"]),
        "in_channels": first.shape[1],
        "out_channels": state["dec4.0.weight" if concat else "dec5.2.weight"].shape[1],
    }


def block(m: re.Match[str], ours: str) -> str:
    """Ours for one of the two convolutions of a residual block, which the last two groups of the match name."""
    half, end = m.groups()[-2:]
    return f"{ours}.{HALF[half]}.conv.{end}"


ENCODERS = (
    (rf"content\.0\.model\.1{WB}", r"content.first.\1"),
    (rf"content\.([12])\.model\.1{WB}", lambda m: f"content.down.{int(m[1]) - 1}.conv.{m[2]}"),
    (rf"content\.([345])\.model\.([15]){WB}", lambda m: block(m, f"content.blocks.{int(m[1]) - 3}")),
    (rf"share\.0\.model\.([15]){WB}", lambda m: block(m, "share")),
)
CONCAT = (
    (rf"mean{WB}", r"attribute.mean.\1"),
    (rf"variance{WB}", r"attribute.log_variance.\1"),
    (rf"attribute\.1{WB}", r"attribute.first.\1"),
    (rf"attribute\.([234])\.conv\.2{WB}", lambda m: f"attribute.blocks.{int(m[1]) - 2}.first.{m[2]}"),
    (rf"attribute\.([234])\.conv\.4\.1{WB}", lambda m: f"attribute.blocks.{int(m[1]) - 2}.second.{m[2]}"),
    (rf"attribute\.([234])\.shortcut\.1{WB}", lambda m: f"attribute.blocks.{int(m[1]) - 2}.shortcut.{m[2]}"),
    (rf"dec_share\.0\.model\.([15]){WB}", lambda m: block(m, "decoder.share")),
    (rf"dec1\.([012])\.model\.([15]){WB}", lambda m: block(m, f"decoder.blocks.{m[1]}")),
    (rf"dec([23])\.0\.model\.([01]){WB}", lambda m: f"decoder.up.{int(m[1]) - 2}.{m[2]}.{m[3]}"),
    (rf"dec4\.0{WB}", r"decoder.image.\1"),
)
FEATURE = (
    (rf"attribute\.(1|4|7|10|13){WB}", lambda m: f"attribute.{2 * (int(m[1]) // 3)}.{m[2]}"),
    (rf"attribute\.16{WB}", r"attribute.11.\1"),
    (rf"mlp\.([024]){WB}", r"decoder.mlp.\1.\2"),
    (rf"dec([1-4])\.conv([12])\.0\.1{WB}", lambda m: f"decoder.blocks.{int(m[1]) - 1}.convs.{int(m[2]) - 1}.{m[3]}"),
    (
        rf"dec([1-4])\.blk([12])\.([02]){WB}",
        lambda m: f"decoder.blocks.{int(m[1]) - 1}.mixes.{int(m[2]) - 1}.{m[3]}.{m[4]}",
    ),
    (rf"dec5\.([01])\.model\.([01]){WB}", r"decoder.up.\1.\2.\3"),
    (rf"dec5\.2{WB}", r"decoder.image.\1"),
)

GENERATOR = Converter(
    role="generator",
    architecture="drit",
    detect=is_generator,
    infer=infer_generator,
    rename=lambda config: ENCODERS + (CONCAT if config["variant"] == "concat" else FEATURE),
    scopes=generator_scopes(),
)


def infer_discriminator(state: StateDict) -> dict[str, Any]:
    several = "encoded.Diss.0.0.model.1.weight" in state
    first = state["encoded.Diss.0.0.model.1.weight" if several else "encoded.model.0.model.1.weight"]
    return {
        "width": len(first),
        "scales": count(state, r"encoded\.Diss\.(\d+)\.") if several else 1,
        "in_channels": first.shape[1],
        "content_width": len(state["content.model.0.model.1.weight"]) // 4,
    }


DISCRIMINATOR = Converter(
    role="discriminator",
    architecture="drit",
    detect=lambda s: (
        has(s, "content.model.0.model.1.weight", None, None, 7, 7)
        and all(
            has(s, f"{name}.Diss.0.0.model.1.weight", None, None, 4, 4)
            or has(s, f"{name}.model.0.model.1.weight", None, None, 3, 3)
            for name in ("encoded", "random")
        )
    ),
    infer=infer_discriminator,
    rename=(
        (
            rf"(encoded|random)\.Diss\.(\d+)\.([0-3])\.model\.1{WB}",
            lambda m: f"{m[1]}.scales.{m[2]}.{2 * int(m[3])}.{m[4]}",
        ),
        (rf"(encoded|random)\.Diss\.(\d+)\.4{WB}", r"\1.scales.\2.8.\3"),
        (rf"(encoded|random)\.model\.([0-5])\.model\.1{WB}", lambda m: f"{m[1]}.scales.0.{2 * int(m[2])}.{m[3]}"),
        (rf"(encoded|random)\.model\.6{WB}", r"\1.scales.0.12.\2"),
        (rf"content\.model\.([0-3])\.model\.1{WB}", lambda m: f"content.{2 * int(m[1])}.{m[2]}"),
        (rf"content\.model\.4{WB}", r"content.8.\1"),
    ),
    scopes=tuple(
        scope
        for domain in "AB"
        for scope in (
            Scope(rf"dis{domain}\.", domain, "encoded."),
            Scope(rf"dis{domain}2\.", domain, "random."),
            Scope(r"disContent\.", domain, "content."),
        )
    ),
)
