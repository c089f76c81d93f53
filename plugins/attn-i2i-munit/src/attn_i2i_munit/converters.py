"""Key layout of NVlabs/MUNIT: gen_*.pt and dis_*.pt, each with one state a domain under ``a`` and ``b``."""

from __future__ import annotations

from typing import Any

from attn_i2i.convert import Converter, Scope, count, has
from attn_i2i.types import StateDict

STATISTICS = r".*\.running_(mean|var)"


def directions() -> tuple[Scope, ...]:
    """A direction takes its content encoder from the source domain, everything else from the target domain."""
    return tuple(
        Scope(rf"{domain}\.{part}\.", f"{source.upper()}2{target.upper()}", f"{part}.")
        for source, target in ("ab", "ba")
        for domain, part in ((source, "enc_content"), (target, "enc_style"), (target, "dec"), (target, "mlp"))
    )


def is_pair(state: StateDict) -> bool:
    """The parts of one direction: exactly two resolutions down, and as many AdaIN blocks as residual blocks."""
    return (
        has(state, "enc_content.model.0.conv.weight", None, 3, 7, 7)
        and has(state, "dec.model.5.conv.weight", 3, None, 7, 7)
        and has(state, "enc_style.model.6.weight", None, None, 1, 1)
        and count(state, r"enc_content\.model\.3\.model\.(\d+)\.") == count(state, r"dec\.model\.0\.model\.(\d+)\.")
    )


def infer(state: StateDict) -> dict[str, Any]:
    return {
        "width": len(state["enc_content.model.0.conv.weight"]),
        "blocks": count(state, r"dec\.model\.0\.model\.(\d+)\."),
        "style_dim": len(state["enc_style.model.6.weight"]),
        "mlp_width": len(state["mlp.model.0.fc.weight"]),
    }


HALF = ("first", "second")

GENERATOR = Converter(
    role="generator",
    architecture="munit",
    detect=is_pair,
    infer=infer,
    rename=(
        (STATISTICS, None),
        (r"enc_content\.model\.0\.conv\.(weight|bias)", r"content.stem.conv.\1"),
        (r"enc_content\.model\.([12])\.conv\.(weight|bias)", lambda m: f"content.down.{int(m[1]) - 1}.conv.{m[2]}"),
        (
            r"enc_content\.model\.3\.model\.(\d+)\.model\.([01])\.conv\.(weight|bias)",
            lambda m: f"content.blocks.{m[1]}.{HALF[int(m[2])]}.conv.{m[3]}",
        ),
        (r"enc_style\.model\.([0-4])\.conv\.(weight|bias)", lambda m: f"style_encoder.{2 * int(m[1])}.{m[2]}"),
        (r"enc_style\.model\.6\.(weight|bias)", r"style_encoder.11.\1"),
        (
            r"dec\.model\.0\.model\.(\d+)\.model\.([01])\.conv\.(weight|bias)",
            lambda m: f"blocks.{m[1]}.{HALF[int(m[2])]}.{m[3]}",
        ),
        (r"dec\.model\.([24])\.conv\.(weight|bias)", lambda m: f"head.up.{int(m[1]) // 2 - 1}.1.{m[2]}"),
        (r"dec\.model\.([24])\.norm\.(gamma|beta)", lambda m: f"head.up.{int(m[1]) // 2 - 1}.2.{m[2]}"),
        (r"dec\.model\.5\.conv\.(weight|bias)", r"head.image.\1"),
        (r"mlp\.model\.([012])\.fc\.(weight|bias)", lambda m: f"mlp.{2 * int(m[1])}.{m[2]}"),
    ),
    scopes=directions(),
)

DISCRIMINATOR = Converter(
    role="discriminator",
    architecture="munit",
    detect=lambda s: has(s, "cnns.0.0.conv.weight", None, 3, 4, 4) and "cnns.0.0.norm.weight" not in s,
    infer=lambda s: {
        "width": len(s["cnns.0.0.conv.weight"]),
        "layers": count(s, r"cnns\.0\.(\d+)\.conv\."),
        "scales": count(s, r"cnns\.(\d+)\."),
    },
    rename=(
        (r"cnns\.(\d+)\.(\d+)\.conv\.(weight|bias)", lambda m: f"scales.{m[1]}.{2 * int(m[2])}.{m[3]}"),
        (r"cnns\.(\d+)\.(\d+)\.(weight|bias)", lambda m: f"scales.{m[1]}.{2 * int(m[2])}.{m[3]}"),
    ),
    scopes=(Scope(r"a\.(?=cnns\.)", "A"), Scope(r"b\.(?=cnns\.)", "B")),
    slots=((r"(?i)(^|[._])b$", "B"), ("", "A")),
)
