"""Key layout of SKTBrain/DiscoGAN: one pickled module a file, model_gen_A-K, model_dis_A-K and the same of B.

``gen_A`` is named after its target: it takes B and answers A.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attn_i2i.convert import Converter, has
from attn_i2i.types import StateDict

NAMES = r"\.(weight|bias|running_mean|running_var|num_batches_tracked)"  # of a convolution or a batch norm


def is_generator(state: StateDict) -> bool:
    """4x4 kernels without biases, batch norms behind them, and either four layers or five on the way down."""
    return (
        has(state, "main.0.weight", None, None, 4, 4)
        and has(state, "main.8.weight", None, None, 4, 4)
        and "main.3.running_mean" in state
        and has(state, "main.20.weight", None, None, 4, 4)
        and "main.0.bias" not in state
    )


def places(extra_layers: bool) -> Iterator[tuple[int, str]]:
    """(place in the published sequence, our name) of every layer with weights; activations have places too."""
    yield 0, "first.0"
    layers = [f"down.{i}" for i in range(3)] + ["between.0", "between.1"] * extra_layers + [f"up.{i}" for i in range(3)]
    for i, layer in enumerate(layers):
        yield 2 + 3 * i, f"{layer}.conv"
        yield 3 + 3 * i, f"{layer}.norm"
    yield 2 + 3 * len(layers), "last"


def generator_rules(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(rf"main\.{place}{NAMES}", rf"{ours}.\1") for place, ours in places(config["extra_layers"])]


def infer_generator(state: StateDict) -> dict[str, Any]:
    extra = "main.26.weight" in state
    config = {"width": len(state["main.0.weight"]), "extra_layers": extra}
    config |= {"in_channels": state["main.0.weight"].shape[1]}
    config |= {"out_channels": state["main.26.weight" if extra else "main.20.weight"].shape[1]}
    return config | ({"latent": len(state["main.11.weight"])} if extra else {})


GENERATOR = Converter(
    role="generator",
    architecture="discogan",
    detect=is_generator,
    infer=infer_generator,
    rename=generator_rules,
    makes={"a": "A", "b": "B"},
)

DISCRIMINATOR = Converter(
    role="discriminator",
    architecture="discogan",
    detect=lambda s: (
        has(s, "conv1.weight", None, None, 4, 4)
        and has(s, "conv5.weight", 1, None, 4, 4)
        and "bn4.running_mean" in s
        and "conv1.bias" not in s
    ),
    infer=lambda s: {"width": len(s["conv1.weight"]), "in_channels": s["conv1.weight"].shape[1]},
    rename=(
        (r"conv1\.weight", "first.0.weight"),
        (r"conv([234])\.weight", lambda m: f"down.{int(m[1]) - 2}.conv.weight"),
        (rf"bn([234]){NAMES}", lambda m: f"down.{int(m[1]) - 2}.norm.{m[2]}"),
        (r"conv5\.weight", "last.weight"),
    ),
    makes={"a": "A", "b": "B"},
)
