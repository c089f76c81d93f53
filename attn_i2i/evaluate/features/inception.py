"""The Inception network of the published FIDs, for the weights that torch-fidelity and pytorch-fid use."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...types import ModelError

SIDE = 299  # of Inception's input (Szegedy et al. 2016)
EPSILON = 1e-3  # of the batch norms in TensorFlow's graph


_Chain = tuple[str | tuple[str, str], ...]


class _Unit(nn.Module):
    """A convolution without bias, batch norm and ReLU."""

    def __init__(self, channels: int, out: int, kernel: int | tuple[int, int], stride: int = 1) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (0, 0) if stride == 2 else (sides[0] // 2, sides[1] // 2)
        self.conv = nn.Conv2d(channels, out, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class _Block(nn.Module):
    """Branches side by side. ``chains`` names the units of each one; a tuple of names at its end splits in two."""

    def __init__(self, units: Mapping[str, _Unit], chains: tuple[_Chain, ...], pool: str) -> None:
        super().__init__()
        for name, unit in units.items():
            self.add_module(name, unit)
        self.chains, self.pool = chains, pool

    def forward(self, x: Tensor) -> Tensor:
        parts = [part for chain in self.chains for part in self._run(chain, x)]
        if self.pool == "max2":
            parts.append(F.max_pool2d(x, 3, 2))
        else:
            average = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
            pooled = average if self.pool == "average" else F.max_pool2d(x, 3, 1, 1)
            parts.append(self.get_submodule("branch_pool")(pooled))
        return torch.cat(parts, 1)

    def _run(self, chain: _Chain, x: Tensor) -> list[Tensor]:
        for name in chain:
            if isinstance(name, tuple):
                return [self.get_submodule(each)(x) for each in name]
            x = self.get_submodule(name)(x)
        return [x]


def _a(channels: int, pool: int) -> _Block:
    units = {
        "branch1x1": _Unit(channels, 64, 1),
        "branch5x5_1": _Unit(channels, 48, 1),
        "branch5x5_2": _Unit(48, 64, 5),
        "branch3x3dbl_1": _Unit(channels, 64, 1),
        "branch3x3dbl_2": _Unit(64, 96, 3),
        "branch3x3dbl_3": _Unit(96, 96, 3),
        "branch_pool": _Unit(channels, pool, 1),
    }
    doubled = ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")
    return _Block(units, (("branch1x1",), ("branch5x5_1", "branch5x5_2"), doubled), "average")


def _b(channels: int) -> _Block:
    units = {
        "branch3x3": _Unit(channels, 384, 3, 2),
        "branch3x3dbl_1": _Unit(channels, 64, 1),
        "branch3x3dbl_2": _Unit(64, 96, 3),
        "branch3x3dbl_3": _Unit(96, 96, 3, 2),
    }
    return _Block(units, (("branch3x3",), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")), "max2")


def _c(width: int) -> _Block:
    wide, high = (1, 7), (7, 1)
    units = {
        "branch1x1": _Unit(768, 192, 1),
        "branch7x7_1": _Unit(768, width, 1),
        "branch7x7_2": _Unit(width, width, wide),
        "branch7x7_3": _Unit(width, 192, high),
        "branch7x7dbl_1": _Unit(768, width, 1),
        "branch7x7dbl_2": _Unit(width, width, high),
        "branch7x7dbl_3": _Unit(width, width, wide),
        "branch7x7dbl_4": _Unit(width, width, high),
        "branch7x7dbl_5": _Unit(width, 192, wide),
        "branch_pool": _Unit(768, 192, 1),
    }
    single, double = (tuple(f"branch7x7{kind}_{i}" for i in range(1, n + 1)) for kind, n in (("", 3), ("dbl", 5)))
    return _Block(units, (("branch1x1",), single, double), "average")


def _d() -> _Block:
    units = {
        "branch3x3_1": _Unit(768, 192, 1),
        "branch3x3_2": _Unit(192, 320, 3, 2),
        "branch7x7x3_1": _Unit(768, 192, 1),
        "branch7x7x3_2": _Unit(192, 192, (1, 7)),
        "branch7x7x3_3": _Unit(192, 192, (7, 1)),
        "branch7x7x3_4": _Unit(192, 192, 3, 2),
    }
    long = tuple(f"branch7x7x3_{i}" for i in range(1, 5))
    return _Block(units, (("branch3x3_1", "branch3x3_2"), long), "max2")


def _e(channels: int, pool: str) -> _Block:
    units = {
        "branch1x1": _Unit(channels, 320, 1),
        "branch3x3_1": _Unit(channels, 384, 1),
        "branch3x3_2a": _Unit(384, 384, (1, 3)),
        "branch3x3_2b": _Unit(384, 384, (3, 1)),
        "branch3x3dbl_1": _Unit(channels, 448, 1),
        "branch3x3dbl_2": _Unit(448, 384, 3),
        "branch3x3dbl_3a": _Unit(384, 384, (1, 3)),
        "branch3x3dbl_3b": _Unit(384, 384, (3, 1)),
        "branch_pool": _Unit(channels, 192, 1),
    }
    single = ("branch3x3_1", ("branch3x3_2a", "branch3x3_2b"))
    double = ("branch3x3dbl_1", "branch3x3dbl_2", ("branch3x3dbl_3a", "branch3x3dbl_3b"))
    return _Block(units, (("branch1x1",), single, double), pool)


class Inception(nn.Module):
    """(B, 3, H, W) pictures in [0, 1] to 768 maps of 17x17, and to the 2048 features that FID and KID are told of.

    Pictures are rounded to 8 bits, brought to 299x299 as TensorFlow 1 did and to [-1, 1]. The network is that of
    Szegedy et al. 2016, with the changes of TensorFlow's file of 2015-12-05. Averages do not count the padding, and the
    last block pools by the maximum.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Unit(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = _Unit(32, 32, 3)
        self.Conv2d_2a_3x3.conv.padding = (0, 0)
        self.Conv2d_2b_3x3 = _Unit(32, 64, 3)
        self.Conv2d_3b_1x1 = _Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = _Unit(80, 192, 3)
        self.Conv2d_4a_3x3.conv.padding = (0, 0)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _a(192, 32), _a(256, 64), _a(288, 64)
        self.Mixed_6a = _b(288)
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = _c(128), _c(160), _c(160), _c(192)
        self.Mixed_7a = _d()
        self.Mixed_7b, self.Mixed_7c = _e(1280, "average"), _e(2048, "max")

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = _as_tensorflow(image.mul(255).round(), SIDE)
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3((x - 128) / 128)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(F.max_pool2d(x, 3, 2))))
        maps = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        return maps, self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(maps))).mean((2, 3))


def build_inception(state: Mapping[str, Tensor]) -> Inception:
    """The network with published weights; the classifier that comes with them is left out. Raises ModelError."""
    network = Inception()
    wanted = network.state_dict()
    rest = {name: tensor for name, tensor in state.items() if not name.startswith(("fc.", "AuxLogits."))}
    counters = {name: tensor for name, tensor in wanted.items() if name.endswith("num_batches_tracked")}
    try:
        network.load_state_dict({**counters, **rest})
    except RuntimeError as error:
        line = " ".join(str(error).split())[:200]
        raise ModelError(f"These are not the weights of the FID's Inception network: {line}.") from error
    return network.eval()


def _as_tensorflow(x: Tensor, side: int) -> Tensor:
    """Bilinear resizing whose pixels are points at their corner, as in TensorFlow 1 with align_corners off."""
    for dim in (2, 3):
        size = x.shape[dim]
        where = torch.arange(side, device=x.device, dtype=torch.float32) * (size / side)
        low = where.floor().long().clamp(max=size - 1)
        high = (low + 1).clamp(max=size - 1)
        share = (where - low).to(x).reshape([-1 if axis == dim else 1 for axis in range(4)])
        x = torch.lerp(x.index_select(dim, low), x.index_select(dim, high), share)
    return x
