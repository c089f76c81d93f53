"""Makes tests/cases/lpips_alex.safetensors with the lpips package: ``python -m tests.tools.lpips_case``.

Needs ``pip install lpips`` and a torchvision that imports; the test needs neither. The backbone's weights are numbers
that both sides compute, the heads are the package's (BSD 2-clause, Zhang et al. 2018).
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file

from .agreement import waves

CASE = Path(__file__).parents[1] / "cases" / "lpips_alex.safetensors"
# AlexNet's convolutions by their number in torchvision's network.
SHAPES = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3), 10: (256, 256, 3, 3)}


def backbone() -> dict[str, torch.Tensor]:
    """torchvision's state dictionary of an AlexNet, of numbers that keep its features alive."""
    state = {}
    for index, shape in SHAPES.items():
        fan = shape[1] * shape[2] * shape[3]
        state[f"features.{index}.weight"] = (waves(*shape, seed=index) * 2 - 1) * (6 / fan) ** 0.5
        state[f"features.{index}.bias"] = waves(shape[0], seed=index) * 0.2 - 0.1
    return state


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """Two pairs of 64 x 80 pixels in [0, 1]: one near, one far."""
    first = waves(2, 3, 64, 80)
    share = torch.tensor([0.1, 0.7])[:, None, None, None]
    return first, torch.lerp(first, waves(2, 3, 64, 80, seed=3), share)


def main() -> None:
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torchvision's old argument names, which the package uses
        network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).eval()
    names = dict(network.net.named_parameters())
    for name in list(names):
        _, index, kind = name.split(".")
        names[name].data.copy_(backbone()[f"features.{index}.{kind}"])
    with torch.no_grad():
        distances = network(*pictures(), normalize=True).flatten()
    heads = {name: tensor for name, tensor in network.state_dict().items() if name[:3] == "lin" and name[3] != "s"}
    save_file({**{name: tensor.contiguous() for name, tensor in heads.items()}, "distances": distances}, CASE)
    print(CASE, distances)


if __name__ == "__main__":
    main()
