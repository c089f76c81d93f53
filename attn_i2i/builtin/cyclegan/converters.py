"""ResNet generators as published: pytorch-CycleGAN-and-pix2pix from PyTorch 0.3 on, CUT, PyTorch-GAN, PaddleGAN, UPIT.

All are one sequence of modules, numbered by what stands between the convolutions (``numbering``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ...convert.converter import Converter, Rules, has
from ...types import StateDict
from .folding import in_unit_range
from .numbering import (
    BARE,
    BLOCK,
    EDGE,
    NEAREST,
    has_bare_statistics,
    norm_assumptions,
    norm_options,
    norm_rules,
    resnet_numbering,
    resnet_steps,
    with_neutral_parameters,
    wrong_filters,
)

# What instance norms of old files store and never use.
STATISTICS = r".*\.(running_mean|running_var|num_batches_tracked)"
USUAL = {"down": "strided", "up": "transposed", "in_channels": 3, "out_channels": 3}
"""Options that a configuration does not mention."""
RGB = "RGB in [-1, 1] ending in tanh, padded by reflection, as pytorch-CycleGAN-and-pix2pix (else: as_layout=NAME)"


def is_resnet(state: StateDict, prefix: str = "model.") -> bool:
    """A sequence whose convolutions have the numbers and kernels of a ResNet generator."""
    blocks, down, up = resnet_steps(state, prefix)
    at = resnet_numbering(blocks, down, up)
    ends = (has(state, f"{prefix}{place}.weight", None, None, 7, 7) for place in (at.stem, at.image))
    steps = (has(state, f"{prefix}{place}.weight", None, None, 3, 3) for place in (*at.down, *at.up))
    return all(ends) and all(steps)


def infer_resnet(state: StateDict, prefix: str = "model.", **known: Any) -> dict[str, Any]:
    """The generator's options; ``known`` are those that a layout tells."""
    blocks, down, up = resnet_steps(state, prefix)
    at = resnet_numbering(blocks, down, up)
    stem, image = state[f"{prefix}{at.stem}.weight"], state[f"{prefix}{at.image}.weight"]
    told = {"down": down, "up": up, "in_channels": stem.shape[1], "out_channels": len(image)}
    second = (
        f"{prefix}{at.block}.{'conv_block' if f'{prefix}{at.block}.conv_block.1.weight' in state else 'block'}.6.weight"
    )
    options = {name: value for name, value in told.items() if value != USUAL[name]}
    options |= norm_options(state, f"{prefix}{at.stem}", f"{prefix}{at.stem + 1}")
    if second in state and state[second].dim() == 4:
        options["dropout"] = 0.5
    if up == "nearest" and stem.shape[1] != 3 and f"{prefix}{at.block}.block.1.weight" in state:
        options["edge"] = stem.shape[1]  # PyTorch-GAN pads by as many pixels as there are channels
    return {"width": len(stem), "blocks": blocks, **options, **known}


def resnet_rules(config: Mapping[str, Any], prefix: str = "model.") -> Rules:
    """Rules for a sequence; what follows the blocks is numbered after their count."""
    at = resnet_numbering(config["blocks"], config.get("down", "strided"), config.get("up", "transposed"))
    start = re.escape(prefix)
    steps = {at.stem: "trunk.stem", at.down[0]: "trunk.down.0", at.down[1]: "trunk.down.1"}
    steps |= {at.up[0]: "head.up.0", at.up[1]: "head.up.1"}
    second = 6 if config.get("dropout") else 5
    halves = ((1, "first"), (second, "second"))

    def block(part: str) -> Any:
        return lambda m: f"trunk.blocks.{int(m[1]) - at.block}.{part}.{m[2]}"

    rules: list[tuple[str, Any]] = [(rf"{start}{at.image}\.(weight|bias)", r"head.image.\1")]
    for place, name in steps.items():
        rules.append((rf"{start}{place}\.(weight|bias)", rf"{name}.conv.\1"))
        rules += norm_rules(config, rf"{start}{place + 1}", f"{name}.norm")
    for place, half in halves:
        rules.append((rf"{start}(\d+)\.{BLOCK}\.{place}\.(weight|bias)", block(f"{half}.conv")))
        rules += _block_norms(config, rf"{start}(\d+)\.{BLOCK}\.{place + 1}", block, half)
    rules += [(rf"{start}{place}\.filt", None) for place in at.filters]
    return (*rules, (STATISTICS, None))


def _block_norms(config: Mapping[str, Any], number: str, block: Any, half: str) -> list[tuple[str, Any]]:
    rules: list[tuple[str, Any]] = []
    for pattern, replacement in norm_rules(config, number, "norm"):
        if replacement is None:
            rules.append((pattern, None))
        elif r"\1" in replacement:
            rules.append((pattern, block(f"{half}.norm")))
        else:
            part = replacement.partition(".")[2]
            rules.append((pattern, partial(_block_norm, block=block(f"{half}.norm"), part=part)))
    return rules


def _block_norm(match: re.Match[str], block: Any, part: str) -> str:
    name: str = block((match[0], match[1], part))
    return name


def resnet_converter(
    prefix: str = "model.",
    known: Mapping[str, Any] | None = None,
    detect: Callable[[StateDict], bool] | None = None,
    **more: Any,
) -> Converter:
    """A converter for a sequence under ``prefix``; ``known`` options are those that no key tells.

    ``detect`` takes the place of ``is_resnet``, where a layout asks for more.
    """
    return Converter(
        role="generator",
        architecture="cyclegan",
        detect=detect or partial(is_resnet, prefix=prefix),
        infer=partial(infer_resnet, prefix=prefix, **(known or {})),
        rename=partial(resnet_rules, prefix=prefix),
        check=wrong_filters,
        **more,
    )


def own_statistics(state: StateDict) -> bool:
    return is_resnet(state) and infer_resnet(state).get("norm") == "batch"


def assumptions(state: StateDict, prefix: str = "model.") -> list[str]:
    """What no key of a generator tells."""
    options = infer_resnet(state, prefix)
    steps = [NEAREST] if options.get("up") == "nearest" else []
    stem = state.keys() & {f"{prefix}2.running_var", f"{prefix}2.scale"}  # what only a norm leaves, also without use
    bare = [] if "norm" in options or stem else [f"{BARE} (else: as_layout=cyclegan-no-norm)" if prefix else BARE]
    return [RGB, *norm_assumptions(state), *bare, *steps, *([EDGE] if "edge" in options else [])]


def has_stored_statistics(state: StateDict) -> bool:
    return is_resnet(state) and has_bare_statistics(state)


GENERATOR = resnet_converter(layout="cyclegan", assumes=assumptions)
UPIT = resnet_converter("", makes={"a": "A", "b": "B"}, layout="upit", assumes=partial(assumptions, prefix=""))
ZERO_PADDING = resnet_converter(known={"padding": "zeros"}, layout="cyclegan-zero-padding", on_demand=True)
REPLICATE_PADDING = resnet_converter(
    known={"padding": "replicate"}, layout="cyclegan-replicate-padding", on_demand=True
)
NO_NORM = resnet_converter(known={"norm": "none"}, layout="cyclegan-no-norm", on_demand=True)
UVCGAN = resnet_converter(
    finish=in_unit_range,
    layout="uvcgan-resnet",
    assumes="pictures in [0, 1] and a sigmoid, as uvcgan2's resnet9 has them (else: as_layout=cyclegan)",
    on_demand=True,
    suggested_by=r"net_(avg_)?gen_(ab|ba)",
)
STORED_STATISTICS = resnet_converter(
    known={"norm": "batch"},
    detect=has_stored_statistics,
    finish=with_neutral_parameters,
    layout="stored-statistics",
    assumes="norms without parameters by the running statistics that the file stores",
    on_demand=True,
)
OWN_STATISTICS = resnet_converter(
    known={"norm": "instance_affine"},
    detect=own_statistics,
    layout="own-statistics",
    assumes="batch norms by each picture's own statistics, as the published test.py has them without --eval",
    on_demand=True,
)
