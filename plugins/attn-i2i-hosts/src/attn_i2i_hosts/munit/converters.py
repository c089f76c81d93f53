"""Key layout of NVlabs/MUNIT, and of MUNIT in mingyuliutw/UNIT: gen_*.pt, with one state a domain, ``a`` and ``b``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attn_i2i.convert import Converter, has
from attn_i2i.types import StateDict

from ..unit import converters as unit

PART, HALF = unit.PART, unit.HALF


def is_pair(state: StateDict) -> bool:
    """The parts of one direction: an autoencoder, and what makes styles."""
    return (
        unit.is_autoencoder(state, "enc_content")
        and has(state, "target.enc_style.model.6.weight", None, None, 1, 1)
        and has(state, "target.mlp.model.0.fc.weight", None, None)
    )


def infer(state: StateDict) -> dict[str, Any]:
    return {
        **unit.infer(state, "enc_content"),
        "style_dim": len(state["target.enc_style.model.6.weight"]),
        "mlp_width": len(state["target.mlp.model.0.fc.weight"]),
    }


def rules(config: Mapping[str, Any]) -> list[tuple[str, Any]]:
    block = rf"target\.dec\.model\.0\.model\.(\d+)\.model\.([01]){PART}"
    return [
        *unit.rules(config, "enc_content", "content"),
        (rf"target\.enc_style\.model\.([0-4]){PART}", lambda m: f"style_encoder.{2 * int(m[1])}.{m[2]}"),
        (r"target\.enc_style\.model\.6\.(weight|bias)", r"style_encoder.11.\1"),
        (block, lambda m: f"blocks.{m[1]}.{HALF[int(m[2])]}.{m[3]}"),
        (r"target\.mlp\.model\.([012])\.fc\.(weight|bias)", lambda m: f"mlp.{2 * int(m[1])}.{m[2]}"),
    ]


GENERATOR = Converter(
    role="generator",
    architecture="munit",
    detect=is_pair,
    infer=infer,
    rename=rules,
    scopes=unit.scopes(("enc_content",), ("enc_style", "dec", "mlp")),
)
