"""Whether a network can be computed in strips, as it says itself or as its operations tell."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import nn

from ...interfaces import channels_of
from ...types import ConfigError
from .plan import StripGraph, analyse, passes
from .trace import UntileableError, trace

TilingKind = Literal["exact", "approximate", "refused"]
SIDE = 64  # of the picture that a network is asked about: small networks of any stride take it


class Tiling(NamedTuple):
    """How a network treats pictures that do not fit into memory whole.

    "exact": in strips, with the answer of the whole picture. "approximate": in tiles that fade into each other, each
    with statistics of its own. "refused": not at all. ``why`` says what stands in the way.
    """

    kind: TilingKind
    why: str = ""


def advertised(network: nn.Module) -> Tiling | None:
    """What a network says of itself by ``image_size`` or ``tiling``; ConfigError where that is no kind."""
    size = getattr(network, "image_size", None)
    if size is not None:
        return Tiling("refused", f"its layers fix the size of its pictures, {size}")
    kind = getattr(network, "tiling", None)
    if kind not in (None, "exact", "approximate", "refused"):
        raise ConfigError(f"A network advertises tiling={kind!r}: expected 'exact', 'approximate' or 'refused'.")
    return None if kind in (None, "exact") else Tiling(kind, "the network says so")


def tiling(network: nn.Module) -> Tiling:
    """What ``advertised`` tells, or else what the network's operations do: a network of any plugin is asked alike."""
    if (kind := advertised(network)) is not None:
        return kind
    parameter = next(network.parameters(), torch.zeros(()))
    domains = getattr(network, "domains", 0) or 0
    label = torch.zeros(1, domains, device=parameter.device) if domains else None
    shape = torch.Size((1, channels_of(network)[0], SIDE, SIDE))
    try:
        traced = trace(network, shape, parameter.dtype, label, lambda net, x, to: net(x) if to is None else net(x, to))
        graph: StripGraph = analyse(traced, parameter.device)
        passes(graph)
    except UntileableError as error:
        return Tiling("approximate", str(error))
    return Tiling("exact")
