"""Where the modules of sequential networks stand: pytorch-CycleGAN-and-pix2pix and what descends from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch

from ...convert.converter import count
from ...types import StateDict

# The tensors of a norm; a convolution has the first two.
NORM_PARTS = r"weight|bias|running_mean|running_var|num_batches_tracked"
BLOCK = r"(?:conv_block|block)"  # what code bases call the layers of a residual block


class ResnetNumbering(NamedTuple):
    """Numbers of the convolutions of a ResNet generator, of its first residual block, and of CUT's blur kernels."""

    stem: int
    down: tuple[int, int]
    block: int
    up: tuple[int, int]
    image: int
    filters: tuple[int, ...]


def resnet_numbering(blocks: int, down: str, up: str) -> ResnetNumbering:
    """The numbers that follow from the kinds of steps: a blur and an upsampling are modules of their own."""
    blur = down == "blur"
    block = 12 if blur else 10
    after = block + blocks
    filters = (7, 11) if blur else ()
    if up == "transposed":
        ups, image = (after, after + 3), after + 7
    else:
        ups, image = (after + 1, after + 5), after + 9
    if up == "blur":
        filters = (*filters, after, after + 4)
    return ResnetNumbering(1, (4, 8 if blur else 7), block, ups, image, filters)


def resnet_steps(state: StateDict, prefix: str) -> tuple[int, str, str]:
    """The number of residual blocks, and the kinds of steps down and up."""
    blocks = count(state, rf"{re.escape(prefix)}(\d+)\.{BLOCK}\.")
    down = "blur" if f"{prefix}7.filt" in state else "strided"
    after = (12 if down == "blur" else 10) + blocks
    if f"{prefix}{after}.filt" in state:
        return blocks, down, "blur"
    return blocks, down, "transposed" if f"{prefix}{after}.weight" in state else "nearest"


class PatchNumbering(NamedTuple):
    """Numbers of a PatchGAN's convolutions, the logits' last, and which kind it is."""

    convolutions: tuple[int, ...]
    kind: Literal["strided", "blur", "shifted"]


def patch_numbering(state: StateDict, prefix: str) -> PatchNumbering | None:
    """The kind whose numbers are exactly those of the 4x4 convolutions in ``state``; None where none is."""
    pattern = re.compile(rf"{re.escape(prefix)}(\d+)\.weight")
    numbers = sorted(int(m[1]) for key, t in state.items() if (m := pattern.fullmatch(key)) and t.dim() == 4)
    return next(
        (PatchNumbering(tuple(numbers), kind) for kind in KINDS if numbers == patch_numbers(len(numbers), kind)), None
    )


KINDS: tuple[Literal["strided", "blur", "shifted"], ...] = ("strided", "blur", "shifted")


def patch_numbers(convolutions: int, kind: str) -> list[int]:
    """Numbers of ``convolutions`` modules, between which stand norms, activations, blurs and paddings."""
    if kind == "blur":
        strided = [4 * i - 1 for i in range(1, convolutions - 2)]
        closing = 4 * (convolutions - 2) - 1
        return [0, *strided, closing, closing + 3]
    numbers = [0, *(3 * i - 1 for i in range(1, convolutions))]
    return [*numbers[:-1], numbers[-1] + (kind == "shifted")]


def norm_options(state: StateDict, convolution: str, norm: str) -> dict[str, Any]:
    """What a convolution and the module behind it tell of norm and bias, where it is not what is usual.

    Instance norms have no parameters, and convolutions before them a bias. Norms whose scale is 1 and bias 0
    (PaddleGAN's are frozen) are as good as none of them.
    """
    bias = {} if f"{convolution}.bias" in state else {"bias": False}
    if f"{norm}.running_var" in state:  # without parameters they are what PyTorch before 0.4 left of instance norms
        return {"norm": "batch", **bias} if f"{norm}.weight" in state else bias
    if f"{norm}.weight" in state:
        return {"norm": "instance_affine", **bias}
    if f"{norm}.scale" in state:
        return bias if _neutral(state) else {"norm": "instance_affine", **bias}
    return {"norm": "none", **bias} if bias else {}


def _neutral(state: StateDict) -> bool:
    """Whether every frozen norm keeps its scale of 1 and its bias of 0."""
    scales = [key.removesuffix(".scale") for key in state if key.endswith(".scale")]
    return all(bool(state[f"{key}.scale"].eq(1).all() and state[f"{key}.bias"].eq(0).all()) for key in scales)


# What a layout takes for granted, as the model's provenance says it.
TRACKED = (
    "instance norms by each picture's own statistics, although the file stores running ones"
    " (else: as_layout=stored-statistics)"
)
AFFINE = "norms with parameters are instance norms: group norms would have the same keys"
BARE = "what follows the convolutions has no parameters: instance norms, where none at all would have the same keys"
NEAREST = "what stands between the steps up has no parameters: nearest upsampling, as PyTorch-GAN has it"
EDGE = "the picture's edge is padded by as many pixels as there are channels, as PyTorch-GAN does"


def norm_assumptions(state: StateDict) -> list[str]:
    """What is taken for granted of norms: keys do not tell their kind. PyTorch before 0.4.1 stored no counters."""
    norms = [key.removesuffix("num_batches_tracked") for key in state if key.endswith(".num_batches_tracked")]
    told = [TRACKED] if any(f"{norm}weight" not in state for norm in norms) else []
    parts = [key.removesuffix("weight") for key in state if key.endswith(".weight") and state[key].dim() == 1]
    return told + ([AFFINE] if any(f"{norm}running_var" not in state for norm in parts) else [])


def with_neutral_parameters(state: StateDict) -> StateDict:
    """Batch norms without parameters, as such with a scale of 1 and a bias of 0."""
    norms = [key.removesuffix("running_var") for key in state if key.endswith(".running_var")]
    ones = {f"{norm}weight": torch.ones_like(state[f"{norm}running_var"]) for norm in norms}
    return state | ones | {f"{norm}bias": torch.zeros_like(state[f"{norm}running_var"]) for norm in norms}


def has_bare_statistics(state: StateDict) -> bool:
    """Whether norms have running statistics, and no parameters."""
    norms = [key.removesuffix("running_var") for key in state if key.endswith(".running_var")]
    return bool(norms) and not any(f"{norm}weight" in state for norm in norms)


def norm_rules(config: Mapping[str, Any], number: str, name: str) -> tuple[tuple[str, Any], ...]:
    """Rules for the module behind a convolution: kept for norms with parameters, dropped where they mean nothing."""
    if config.get("norm", "instance") == "batch":
        return ((rf"{number}\.({NORM_PARTS})", rf"{name}.\1"),)
    if config.get("norm") == "instance_affine":
        return (
            (rf"{number}\.(?:weight|scale)", f"{name}.weight"),
            (rf"{number}\.bias", f"{name}.bias"),
            (rf"{number}\.(?:running_mean|running_var|num_batches_tracked)", None),
        )
    return ((rf"{number}\.(?:scale|bias|running_mean|running_var|num_batches_tracked)", None),)


def wrong_filters(state: StateDict) -> str | None:
    """What is wrong with the blur kernels of a file, which are dropped because they are always the same."""
    for key, tensor in state.items():
        if key.endswith(".filt"):
            row = tensor.float().new_tensor((1, 2, 1) if tensor.shape[-1] == 3 else (1, 3, 3, 1))
            kernel = row[:, None] * row / 16
            if tensor.shape[1:] != (1, *kernel.shape) or not torch.allclose(tensor.float(), kernel, atol=1e-3):
                return f"its blur kernel {key!r} is another than CUT's"
    return None
