"""Earlier fakes, so that a discriminator does not forget them (Shrivastava et al., arXiv:1612.07828)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """Keeps up to ``size`` fakes, each with whatever belongs to it (its mask).

    While it fills, every fake is stored and returned. Afterwards each is, with even odds, returned itself or swapped
    for a stored one drawn at random. Size 0 always returns the current fakes.

    >>> pool = ImagePool(50)
    >>> image, mask = pool(torch.zeros(2, 3, 8, 8), torch.ones(2, 1, 8, 8))
    """

    def __init__(self, size: int = 50, seed: int = 0) -> None:
        self.size = size
        self._items: list[tuple[Tensor, ...]] = []
        self._random = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return len(self._items)

    def __call__(self, *parts: Tensor) -> tuple[Tensor, ...]:
        """(B, ...) tensors that belong together, image by image; returns as many, cut from the graph."""
        current = tuple(part.detach() for part in parts)
        if not self.size:
            return current
        chosen = [self._exchange(tuple(part[i].clone() for part in current)) for i in range(len(current[0]))]
        return tuple(torch.stack(column) for column in zip(*chosen, strict=True))

    def _exchange(self, item: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if len(self._items) < self.size:
            self._items.append(item)
            return item
        if torch.rand((), generator=self._random) <= 0.5:
            return item
        place = int(torch.randint(self.size, (), generator=self._random))
        stored, self._items[place] = self._items[place], item
        return stored

    def state_dict(self) -> dict[str, Any]:
        """Stored fakes, one tensor a part, and the random state."""
        parts = [torch.stack(column) for column in zip(*self._items, strict=True)]
        return {"parts": parts, "random": self._random.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where ``state`` was taken."""
        self._items = [tuple(part.clone() for part in item) for item in zip(*state["parts"], strict=True)]
        self._random.set_state(state["random"].cpu())
