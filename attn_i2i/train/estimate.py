"""What a training would be, before it is one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ..hub.redact import visible
from ..interfaces import Recipe, channels_of
from ..models.build import evaluating
from .options import TrainOptions, read_size
from .sizes import pictures_of

# A cycle-consistent step runs a generator on the source, on the other's fake and on the target. It runs a discriminator
# on two images. What one such pass keeps is measured; how many there are is this rule.
GENERATOR_PASSES, DISCRIMINATOR_PASSES = 3, 2
MIB = 2**20


@dataclass(frozen=True)
class Plan:
    """A resolved training: all options, parameters by network, steps, and an estimate of the memory of one process.

    ``done`` of the ``steps`` lie behind the checkpoint that it continues.
    """

    recipe: str
    recipe_options: Mapping[str, Any]
    options: TrainOptions
    pictures: Mapping[str, int]
    parameters: Mapping[str, int]
    steps_per_epoch: int
    steps: int | None
    memory: Mapping[str, int]
    done: int = 0

    def lines(self) -> list[str]:
        """The plan as text: what is trained, how, and what it costs."""
        counts = ", ".join(f"{name} {count:,}" for name, count in self.parameters.items())
        total = sum(self.memory.values())
        parts = ", ".join(f"{name} {math.ceil(size / MIB)}" for name, size in self.memory.items())
        pictures = visible(", ".join(f"{name} {count:,}" for name, count in self.pictures.items()))
        again = f"; continued after step {self.done}" if self.done else ""
        return [
            f"recipe: {self.recipe}, with these options of its own:",
            *_columns(self.recipe_options),
            "options of the training:",
            *_columns(asdict(self.options)),
            f"pictures: {pictures}",
            f"parameters: {counts}; together {sum(self.parameters.values()):,}",
            f"steps: {self.steps if self.steps else 'not limited'}, {self.steps_per_epoch} an epoch{again}",
            f"memory of one process, estimated: {math.ceil(total / MIB)} MiB ({parts})",
        ]


def _columns(options: Mapping[str, Any]) -> list[str]:
    widest = max(map(len, options), default=0)
    return [f"  {name:<{widest}}  {_as_typed(value)}" for name, value in options.items()]


def _as_typed(value: Any) -> str:
    """A value as it is typed, JSON but for plain text; what nobody chose is left to the device or the recipe."""
    if value is None:
        return "(default)"
    return (
        visible(value)
        if isinstance(value, str)
        else json.dumps(value, default=lambda other: getattr(other, "__name__", "..."))
    )


def memory_estimate(recipe: Recipe, options: TrainOptions, domains: int) -> dict[str, int]:
    """Bytes of weights, gradients and optimizer states, and of what a step keeps for its backward passes.

    The latter counts the outputs of every layer in one pass over one picture, times batch and passes (see above).
    Recomputed blocks, and bf16 where the device chooses it, make it smaller. The allocator and cuDNN's workspaces make
    it larger.
    """
    weights = sum(p.numel() * p.element_size() for p in recipe.networks.parameters())
    generators, discriminators = (
        [recipe.networks[key] for key in dict.fromkeys(keys.values())]
        for keys in (recipe.layout.generators, recipe.layout.discriminators)
    )
    averaged = sum(p.numel() * p.element_size() for net in generators if options.ema for p in net.parameters())
    size = options.crop
    activations = GENERATOR_PASSES * sum(_outputs_of_one_pass(net, size, domains) for net in generators)
    activations += DISCRIMINATOR_PASSES * sum(_outputs_of_one_pass(net, size, None) for net in discriminators)
    factor = 2 if options.precision == "bf16" else 4
    return {
        "weights": weights + averaged,
        "gradients": weights,
        "optimizer": 2 * weights,
        "activations": activations * factor * options.batch_size,
    }


def _outputs_of_one_pass(network: nn.Module, size: tuple[int, int], domains: int | None) -> int:
    """Numbers that the layers of ``network`` put out for one picture."""
    total = 0

    def count(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal total
        total += output.numel() if isinstance(output, Tensor) else 0

    hooks: list[RemovableHandle] = [
        module.register_forward_hook(count) for module in network.modules() if not any(True for _ in module.children())
    ]
    parameter = next(network.parameters(), torch.empty(0))
    image = torch.zeros(1, channels_of(network)[0], *size, device=parameter.device)
    beside = _beside(domains, image)
    try:
        with evaluating(network), pictures_of(read_size("crop_size", size)):
            network(image, beside)
    finally:
        for hook in hooks:
            hook.remove()
    return total


def _beside(domains: int | None, image: Tensor) -> Tensor | None:
    """A network's second input: a mask (``domains`` None; plain discriminators ignore it), a label, or nothing."""
    if domains is None:
        return torch.ones_like(image[:, :1])
    return image.new_zeros(1, domains) if domains else None
