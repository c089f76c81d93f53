"""Pictures of another order or range, folded into the weights: the network then takes and makes RGB in [-1, 1]."""

from __future__ import annotations

from ...types import ConversionError, StateDict

STEM, IMAGE = "trunk.stem.conv", "head.image"  # the first and the last convolution, by our names
MEAN = "trunk.stem.norm.running_mean"


def in_unit_range(state: StateDict) -> StateDict:
    """A network for [0, 1] that ends in a sigmoid: 2 sigmoid(z) - 1 is tanh(z / 2), and (x + 1) / 2 goes in.

    The first convolution pads by reflection, so the shift of its input is a shift of its bias. Without a bias it is a
    shift of the mean that a batch norm takes off. Raises ConversionError where there is neither.
    """
    stem = state[f"{STEM}.weight"].double()
    shift = stem.sum((1, 2, 3)) / 2
    if f"{STEM}.bias" in state:
        shifted = {f"{STEM}.bias": (state[f"{STEM}.bias"].double() + shift).float()}
    elif MEAN in state:
        shifted = {MEAN: (state[MEAN].double() - shift).float()}
    else:
        raise ConversionError(
            "This looks like a cyclegan for pictures in [0, 1], and is not read. Its first convolution has neither a"
            " bias nor a batch norm that could take up the shift to [-1, 1]."
        )
    return state | {
        f"{STEM}.weight": (stem / 2).float(),
        **shifted,
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
            turned[key] = tensor.unflatten(0, (-1, 3)).flip(1).flatten(0, 1).contiguous()
    return state | turned
