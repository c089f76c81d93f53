"""Key layout of mingyuliutw/UNIT: gen_*.pt, dis_*.pt, each with one state a domain under ``a`` and ``b``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attn_i2i.convert import Converter, Scope, count, has
from attn_i2i.types import StateDict

STATISTICS = r".*\.(running_(mean|var)|num_batches_tracked)"
"""What PyTorch before 0.4 stored of instance norms, and never used."""
PART = r"\.conv\.(weight|bias)"  # every convolution of the release stands in a block under this name
HALF = ("first", "second")  # the two convolutions of a residual block


def scopes(own: tuple[str, ...], other: tuple[str, ...]) -> tuple[Scope, ...]:
    """A direction takes its ``own`` parts from the source domain and the ``other`` parts from the target domain.

    They are told apart from here on, for both parts of one domain make no direction.
    """
    return tuple(
        Scope(rf"{domain}\.{part}\.", f"{source.upper()}2{target.upper()}", f"{end}.{part}.")
        for source, target in ("ab", "ba")
        for end, domain, parts in (("source", source, own), ("target", target, other))
        for part in parts
    )


def downs_of(state: StateDict, encoder: str) -> int:
    """How often an encoder halves its picture."""
    return count(state, rf"source\.{encoder}\.model\.(\d+)\.conv\.weight") - 1


def is_autoencoder(state: StateDict, encoder: str) -> bool:
    """As many residual blocks in the encoder as in the decoder, as many resolutions down as up."""
    downs = downs_of(state, encoder)
    return (
        downs > 0
        and has(state, f"source.{encoder}.model.0.conv.weight", None, None, 7, 7)
        and has(state, f"source.{encoder}.model.1.conv.weight", None, None, 4, 4)
        and has(state, f"target.dec.model.{2 * downs + 1}.conv.weight", None, None, 7, 7)
        and "target.dec.model.2.norm.gamma" in state
    )


def infer(state: StateDict, encoder: str) -> dict[str, Any]:
    downs = downs_of(state, encoder)
    first = state[f"source.{encoder}.model.0.conv.weight"]
    return {
        "width": len(first),
        "blocks": count(state, r"target\.dec\.model\.0\.model\.(\d+)\."),
        "downs": downs,
        "in_channels": first.shape[1],
        "out_channels": len(state[f"target.dec.model.{2 * downs + 1}.conv.weight"]),
    }


def rules(config: Mapping[str, Any], encoder: str, ours: str) -> list[tuple[str, Any]]:
    """The encoder, which is called ``ours`` here, and the decoder's convolutions without their norms' settings."""
    downs = config["downs"]
    rows: list[tuple[str, Any]] = [
        (STATISTICS, None),
        (rf"source\.{encoder}\.model\.0{PART}", rf"{ours}.stem.conv.\1"),
    ]
    rows += [(rf"source\.{encoder}\.model\.{i + 1}{PART}", rf"{ours}.down.{i}.conv.\1") for i in range(downs)]
    rows += [
        (
            rf"source\.{encoder}\.model\.{downs + 1}\.model\.(\d+)\.model\.([01]){PART}",
            lambda m: f"{ours}.blocks.{m[1]}.{HALF[int(m[2])]}.conv.{m[3]}",
        )
    ]
    for i in range(downs):
        rows += [
            (rf"target\.dec\.model\.{2 + 2 * i}{PART}", rf"head.up.{i}.1.\1"),
            (rf"target\.dec\.model\.{2 + 2 * i}\.norm\.(gamma|beta)", rf"head.up.{i}.2.\1"),
        ]
    return [*rows, (rf"target\.dec\.model\.{2 * downs + 1}{PART}", r"head.image.\1")]


def unit_rules(config: Mapping[str, Any]) -> list[tuple[str, Any]]:
    block = rf"target\.dec\.model\.0\.model\.(\d+)\.model\.([01]){PART}"
    return [*rules(config, "enc", "encoder"), (block, lambda m: f"blocks.{m[1]}.{HALF[int(m[2])]}.conv.{m[3]}")]


GENERATOR = Converter(
    role="generator",
    architecture="unit",
    detect=lambda s: is_autoencoder(s, "enc"),
    infer=lambda s: infer(s, "enc"),
    rename=unit_rules,
    scopes=scopes(("enc",), ("dec",)),
)

DISCRIMINATOR = Converter(
    role="discriminator",
    architecture="munit",
    detect=lambda s: has(s, "cnns.0.0.conv.weight", None, None, 4, 4) and "cnns.0.0.norm.weight" not in s,
    infer=lambda s: {
        "width": len(s["cnns.0.0.conv.weight"]),
        "layers": count(s, r"cnns\.0\.(\d+)\.conv\."),
        "scales": count(s, r"cnns\.(\d+)\."),
        "in_channels": s["cnns.0.0.conv.weight"].shape[1],
    },
    rename=(
        (r"cnns\.(\d+)\.(\d+)\.conv\.(weight|bias)", lambda m: f"scales.{m[1]}.{2 * int(m[2])}.{m[3]}"),
        (r"cnns\.(\d+)\.(\d+)\.(weight|bias)", lambda m: f"scales.{m[1]}.{2 * int(m[2])}.{m[3]}"),
    ),
    scopes=(Scope(r"a\.(?=cnns\.)", "A"), Scope(r"b\.(?=cnns\.)", "B")),
    slots=((r"(?i)(^|[._])b$", "B"), ("", "A")),
)
