"""Key layout of yunjey/stargan, which the multi-domain AttentionGAN shares up to its last convolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ...convert.converter import Converter, Rules, count, has, unusual
from ...types import StateDict
from ..cyclegan.converters import STATISTICS


def blocks_of(state: StateDict) -> int:
    return count(state, r"main\.(\d+)\.main\.")


# An image, or an image and its mask: what 1, 3 and 4 channels are taken for. Shapes do not tell others apart.
IMAGE_OUTPUTS, MASKED_OUTPUTS = frozenset({1, 3}), frozenset({4})


def outputs_of(state: StateDict) -> int:
    """Channels that the closing 7x7 convolution makes; 0 where there is none."""
    last = f"main.{15 + blocks_of(state)}.weight"
    return len(state[last]) if has(state, last, None, None, 7, 7) else 0


def is_generator(
    state: StateDict, *, outputs: frozenset[int] = frozenset(), beside: frozenset[int] = frozenset()
) -> bool:
    """StarGAN's trunk with a closing convolution to one of ``outputs`` channels, or to any but those ``beside``."""
    channels = outputs_of(state)
    fits = channels in outputs if outputs else channels > 0 and channels not in beside
    return has(state, "main.0.weight", None, None, 7, 7) and fits


def infer_generator(state: StateDict, masks: int = 0) -> dict[str, Any]:
    """The options; the image has as many channels as are made beside ``masks``."""
    width, inputs = state["main.0.weight"].shape[:2]
    channels = outputs_of(state) - masks
    return {
        "width": width,
        "blocks": blocks_of(state),
        "domains": inputs - channels,
        **unusual(channels=channels),
    }


def generator_rules(last: str) -> Callable[[Mapping[str, Any]], Rules]:
    """Rules for the sequential generator whose closing convolution we call ``last``.

    Stored running statistics are dropped: the published test script never leaves training mode.
    """

    def rules(config: Mapping[str, Any]) -> Rules:
        n = config["blocks"]
        parts = {0: "trunk.stem.conv", 1: "trunk.stem.norm"}
        parts |= {3: "trunk.down.0.conv", 4: "trunk.down.0.norm", 6: "trunk.down.1.conv", 7: "trunk.down.1.norm"}
        parts |= {9 + n: "head.up.0.conv", 10 + n: "head.up.0.norm", 12 + n: "head.up.1.conv", 13 + n: "head.up.1.norm"}
        parts[15 + n] = last
        inner = {"0": "first.conv", "1": "first.norm", "3": "second.conv", "4": "second.norm"}
        return (
            *((rf"main\.{index}\.(weight|bias)", rf"{name}.\1") for index, name in parts.items()),
            (
                r"main\.(\d+)\.main\.([0134])\.(weight|bias)",
                lambda m: f"trunk.blocks.{int(m[1]) - 9}.{inner[m[2]]}.{m[3]}",
            ),
            (STATISTICS, None),
        )

    return rules


def infer_discriminator(state: StateDict) -> dict[str, Any]:
    layers = count(state, r"main\.(\d+)\.weight")
    domains, _, kernel, _ = state["conv2.weight"].shape
    return {
        "width": len(state["main.0.weight"]),
        "layers": layers,
        "domains": domains,
        "image_size": kernel * 2**layers,
        **unusual(channels=state["main.0.weight"].shape[1]),
    }


GENERATOR = Converter(
    role="generator",
    architecture="stargan",
    detect=partial(is_generator, outputs=IMAGE_OUTPUTS),
    infer=infer_generator,
    rename=generator_rules("head.image"),
    slots=(("", "translate"),),
)

ANY_CHANNELS = replace(
    GENERATOR,
    detect=partial(is_generator, beside=IMAGE_OUTPUTS),
    layout="stargan-any-channels",
    assumes="a generator of images without a mask, of as many channels as it makes",
    on_demand=True,
)

DISCRIMINATOR = Converter(
    role="discriminator",
    architecture="stargan",
    detect=lambda s: (
        has(s, "main.0.weight", None, None, 4, 4)
        and has(s, "conv1.weight", 1, None, 3, 3)
        and has(s, "conv2.weight", None, None, None, None)
    ),
    infer=infer_discriminator,
    rename=(
        (r"main\.(\d+)\.(weight|bias)", lambda m: f"features.{int(m[1]) // 2}.0.{m[2]}"),
        (r"conv1\.weight", "logits.weight"),
        (r"conv2\.weight", "classes.weight"),
    ),
    slots=(("", "all"),),
)
