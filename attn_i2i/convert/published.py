"""Images as a release had them, and as every network here takes and gives them: RGB in [-1, 1]."""

from __future__ import annotations

from torch import Tensor, nn

from ..types import ConfigError

OURS = (-1.0, 1.0)  # what every network of this library takes and makes
ORDERS = ("RGB", "BGR")


def _conventions(network: nn.Module) -> tuple[tuple[float, float], bool]:
    """Range and whether blue comes first, as the network advertises; ConfigError for what is neither."""
    low, high = getattr(network, "published_range", OURS)
    order = getattr(network, "published_order", "RGB")
    if order not in ORDERS or not low < high:
        raise ConfigError(
            f"{type(network).__name__} says published_range={(low, high)}, published_order={order!r}: expected two"
            f" numbers, the smaller first, and {' or '.join(ORDERS)}."
        )
    return (low, high), order == "BGR"


def from_published(network: nn.Module, images: Tensor) -> Tensor:
    """Images (..., C, H, W) in the convention that ``network`` was published for, as it takes them here.

    A network advertises ``published_range``, two numbers, and ``published_order``, "RGB" or "BGR". What a network does
    not advertise is as in this library, so it changes nothing.
    """
    (low, high), blue_first = _conventions(network)
    images = images.flip(-3) if blue_first else images
    return images if (low, high) == OURS else (images - low) / (high - low) * 2 - 1


def to_published(network: nn.Module, images: Tensor) -> Tensor:
    """The way back."""
    (low, high), blue_first = _conventions(network)
    images = images if (low, high) == OURS else (images + 1) / 2 * (high - low) + low
    return images.flip(-3) if blue_first else images
