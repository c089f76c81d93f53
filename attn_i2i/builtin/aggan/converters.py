"""Variable layout of Mejjati et al.'s TensorFlow 1 release; g_A and g_A_ae belong to the direction A to B."""

from __future__ import annotations

import re
from typing import Any

from torch import Tensor

from ...convert.converter import Converter, Scope, count, has, unusual
from ...types import StateDict

# The release's names of tensors and layers, and ours.
PARTS = {
    "weights": "conv.weight",
    "biases": "conv.bias",
    "scale": "norm.weight",
    "offset": "norm.bias",
}
HALF = {"1": "first", "2": "second"}
PART = r"(?:Conv|Conv2d_transpose|instance_norm)/(weights|biases|scale|offset)"
GENERATOR_UNITS = {
    "c1": "trunk.stem",
    "c2": "trunk.down.0",
    "c3": "trunk.down.1",
    "c4": "head.up.0",
    "c5": "head.up.1",
}
ATTENTION_UNITS = {"c1": "stem", "c2": "down", "c4": "up.0.1", "c5": "up.1.1"}


def generator_unit(match: re.Match[str]) -> str:
    return f"generator.{GENERATOR_UNITS[match[1]]}.{PARTS[match[2]]}"


def generator_block(match: re.Match[str]) -> str:
    return f"generator.trunk.blocks.{int(match[1]) - 1}.{HALF[match[2]]}.{PARTS[match[3]]}"


def discriminator_unit(match: re.Match[str]) -> str:
    part = PARTS[match[2]].replace("norm.", "norm.norm.")
    return f"discriminator.features.{int(match[1]) - 1}.{part}"


def to_torch(key: str, tensor: Tensor) -> Tensor:
    """Kernels are stored (h, w, in, out), transposed ones (h, w, out, in): both turn round alike."""
    return tensor.permute(3, 2, 0, 1).contiguous() if tensor.dim() == 4 else tensor


def infer_generator(state: StateDict) -> dict[str, Any]:
    kernels = [state[f"attention/{layer}/Conv/weights"].shape[0] for layer in ("c4", "c5", "c6")]
    return {
        "width": state["generator/c1/Conv/weights"].shape[-1],
        "blocks": count(state, r"generator/r(\d+)/"),
        "attention_width": state["attention/c1/Conv/weights"].shape[-1],
        "attention_kernels": kernels,
        **unusual(channels=state["generator/c1/Conv/weights"].shape[2]),
    }


def is_discriminator(state: StateDict) -> bool:
    layers = count(state, r"c(\d+)/Conv/weights")
    return has(state, "c1/Conv/weights", 4, 4, None, None) and has(state, f"c{layers}/Conv/weights", 4, 4, None, 1)


GENERATOR = Converter(
    role="generator",
    architecture="aggan",
    detect=lambda s: (
        has(s, "generator/c1/Conv/weights", 7, 7, None, None) and has(s, "attention/c1/Conv/weights", 7, 7, None, None)
    ),
    infer=infer_generator,
    rename=(
        (r"generator/c6/Conv/weights", "generator.head.image.weight"),
        (r"generator/c6/Conv/biases", "generator.head.image.bias"),
        (r"attention/c6/Conv/weights", "attention.mask.weight"),
        (r"attention/c6/Conv/biases", "attention.mask.bias"),
        (r"(generator|attention)/c6/instance_norm/.*", None),
        (rf"generator/(c[1-5])/{PART}", generator_unit),
        (rf"generator/r(\d+)/c([12])/{PART}", generator_block),
        (rf"attention/(c[1245])/{PART}", lambda m: f"attention.{ATTENTION_UNITS[m[1]]}.{PARTS[m[2]]}"),
        (rf"attention/r1/c([12])/{PART}", lambda m: f"attention.block.{HALF[m[1]]}.{PARTS[m[2]]}"),
    ),
    adapt=to_torch,
    scopes=tuple(
        Scope(rf"Model/g_{domain}{suffix}/", slot, f"{part}/")
        for domain, slot in (("A", "A2B"), ("B", "B2A"))
        for suffix, part in (("", "generator"), ("_ae", "attention"))
    ),
)

DISCRIMINATOR = Converter(
    role="discriminator",
    architecture="aggan",
    detect=is_discriminator,
    infer=lambda s: {
        "width": s["c1/Conv/weights"].shape[-1],
        "layers": count(s, r"c(\d+)/Conv/weights") - 2,
        **unusual(channels=s["c1/Conv/weights"].shape[2]),
    },
    rename=lambda config: (
        (rf"c{config['layers'] + 2}/Conv/weights", "discriminator.logits.weight"),
        (rf"c{config['layers'] + 2}/Conv/biases", "discriminator.logits.bias"),
        (rf"c{config['layers'] + 2}/instance_norm/.*", None),
        (rf"c(\d+)/{PART}", discriminator_unit),
    ),
    adapt=to_torch,
    scopes=(Scope(r"Model/d_A/", "A"), Scope(r"Model/d_B/", "B")),
    slots=(("", "A"),),
)
