"""Pictures of another order or range, folded into the weights: the network then takes and makes RGB in [-1, 1]."""

from __future__ import annotations

from ...types import StateDict

STEM, IMAGE = "trunk.stem.conv", "head.image"


def in_unit_range(state: StateDict) -> StateDict:
    """A network for [0, 1] that ends in a sigmoid: 2 sigmoid(z) - 1 is tanh(z / 2), and (x + 1) / 2 goes in.

    The first convolution pads by reflection, so that the shift of its input is a shift of its bias.
    """
    stem = state[f"{STEM}.weight"].double()
    bias = state.get(f"{STEM}.bias", stem.new_zeros(len(stem))).double()
    return state | {
        f"{STEM}.weight": (stem / 2).float(),
        f"{STEM}.bias": (bias + stem.sum((1, 2, 3)) / 2).float(),
        f"{IMAGE}.weight": (state[f"{IMAGE}.weight"].double() / 2).float(),
        f"{IMAGE}.bias": (state[f"{IMAGE}.bias"].double() / 2).float(),
    }


def from_bgr(state: StateDict) -> StateDict:
    """A network for BGR, or a discriminator of BGR pictures: its first and last channels change places."""
    turned = {}
    for key, tensor in state.items():
        if key in (f"{STEM}.weight", "features.0.conv.weight") and tensor.shape[1] % 3 == 0:
            turned[key] = tensor.unflatten(1, (-1, 3)).flip(2).flatten(1, 2).contiguous()
        elif key.startswith(f"{IMAGE}.") and len(tensor) % 3 == 0:
            turned[key] = tensor.flip(0).contiguous()
    return state | turned
