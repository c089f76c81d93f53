"""A plugin that loads, one of whose two parts breaks the contract."""

from __future__ import annotations

from torch import Tensor, nn

from attn_i2i import hookimpl
from attn_i2i.registry import Zoo


class Careless(nn.Module):
    """A generator that returns the bare image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Tensor:
        return self.conv(image)


@hookimpl
def register_components(zoo: Zoo) -> None:
    zoo.generators.add("careless", Careless)
    zoo.heads.add("careful", "attn_i2i.blocks:ImageHead")
