"""How the convolutions of a training are computed: measured at its first step, and the same ever after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..blocks.convolution import METHODS, Conv2d
from ..interfaces import Recipe, channels_of
from ..tuning import this_tuner
from ..tuning.tuner import PLAIN, known_ways, set_ways, unmeasured, ways_of
from .notices import notify

if TYPE_CHECKING:
    from accelerate import Accelerator


def choose_ways(recipe: Recipe, batch: Mapping[str, Tensor], accelerator: Accelerator) -> dict[str, Any]:
    """Set the ways of all convolutions for batches like this one; returns them by name, as a checkpoint keeps them.

    The first process measures, and the others take what it chose. What cannot be told for a network keeps torch's ways.
    """
    ways: list[dict[str, Any]] = [{}]
    if accelerator.is_main_process:
        images = next((value for value in batch.values() if value.ndim == 4), None)
        for key in dict.fromkeys(recipe.layout.generators.values()):
            if images is not None and images.shape[1] == channels_of(recipe.networks[key])[0]:
                label = [batch["label"]] if "label" in batch else []
                this_tuner().fit(recipe.networks[key], [images, *label], trained=True)
        rest = [conv for conv in recipe.networks.modules() if isinstance(conv, Conv2d) and conv.ways is None]
        set_ways({conv: unmeasured(conv) for conv in rest})
        ways = [ways_of(recipe.networks)]
    if accelerator.num_processes > 1:
        torch.distributed.broadcast_object_list(ways, 0)
        restore_ways(recipe.networks, ways[0])
    return ways[0]


def restore_ways(networks: nn.Module, raw: Mapping[str, Any]) -> None:
    """Set the ways that a checkpoint kept; those that this version does not have become torch's own, with a warning."""
    convs = {name: module for name, module in networks.named_modules() if isinstance(module, Conv2d)}
    ways = known_ways(raw)
    unknown = {way for steps in ways.values() for step in steps for _, way in step if way not in METHODS}
    if unknown:
        notify([f"the checkpoint's convolutions go by {', '.join(sorted(unknown))}, which this version does not have:"
                " they go torch's own way, and the weights will differ in their last digits."])  # fmt: skip
    usable = {
        name: PLAIN if unknown & {way for step in steps for _, way in step} else steps for name, steps in ways.items()
    }
    set_ways({conv: usable.get(name, PLAIN) for name, conv in convs.items()})
