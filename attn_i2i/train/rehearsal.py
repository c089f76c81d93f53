"""A training step on shapes alone, before anything is read or written: what cannot train says so at once."""

from __future__ import annotations

import torch

from ..interfaces import RGB, Recipe
from ..types import AttnI2IError
from .options import read_size
from .sizes import pictures_of

# A critic that is five updates ahead of its generator has the generator updated twice.
STEPS = 10


def rehearse(
    recipe: Recipe, size: int | tuple[int, int], domains: int, channels: int = RGB, batch_size: int = 2
) -> None:
    """Step ``recipe``, built under ``torch.device("meta")``, until each optimizer had its turn.

    Raises the library's own errors, as for a loss term that needs masks from a generator without any, or for a crop
    that a network cannot take. Whatever else is raised is left to the training: tensors without values are no proof of
    it.
    """
    height, width = (size, size) if isinstance(size, int) else size
    image = torch.empty(batch_size, channels, height, width, device="meta")
    batch = (
        {"image": image, "label": image.new_zeros(batch_size, domains)} if recipe.layout.multidomain else {"A": image}
    )
    batch |= {} if recipe.layout.multidomain else {"B": image}
    updated: set[str] = set()
    try:
        optimizers = set(recipe.optimizers())
        for _ in range(STEPS):
            with pictures_of(read_size("crop_size", (height, width))):
                recipe.step(batch, lambda optimizer, loss: updated.add(optimizer))
            if updated >= optimizers:
                return
    except AttnI2IError:
        raise
    except Exception:
        return
