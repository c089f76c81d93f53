"""AdaLIN and LIN: instance and layer normalisation mixed by a learnt ratio (U-GAT-IT, arXiv:1907.10830)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ..types import ConfigError, ShapeError
from .convolution import Conv2d, exporting


def layer_instance_norm(
    x: Tensor,
    rho: Tensor,
    gamma: Tensor,
    beta: Tensor,
    *,
    eps: float = 1e-5,
    unbiased: bool = True,
) -> Tensor:
    """Equation (1) of U-GAT-IT: gamma * (rho * instance-normalised + (1 - rho) * layer-normalised) + beta.

    ``x`` is (B, C, H, W); ``rho`` in [0, 1], ``gamma`` and ``beta`` are (B, C) or (C,). Layer statistics follow from
    the instance statistics, and both normalisations are one multiply-add on the centred x. ``unbiased`` divides
    variances by one less than the number of values, as the PyTorch release does; the TensorFlow one does not.
    Statistics are taken in float32 at least.

    >>> x = torch.randn(2, 8, 4, 4)
    >>> y = layer_instance_norm(x, torch.ones(8), torch.ones(8), torch.zeros(8), unbiased=False)
    >>> torch.allclose(y, nn.functional.instance_norm(x), atol=1e-5)
    True
    """
    pixels = x.shape[2] * x.shape[3]
    if unbiased and pixels < 2:
        raise ShapeError("An unbiased variance needs at least two pixels: got a 1x1 feature map.")
    wide = x if x.dtype in (torch.float32, torch.float64) else x.float()
    if exporting():
        return _for_graphs(wide, rho, gamma, beta, eps, unbiased).to(x.dtype)
    mean = wide.mean((2, 3))
    centred = wide - mean[:, :, None, None]
    variance = torch.linalg.vector_norm(centred, dim=(2, 3)).square() / pixels
    layer_mean = mean.mean(1, keepdim=True)
    layer_variance = variance.mean(1, keepdim=True) + mean.var(1, correction=0, keepdim=True)
    if unbiased:
        values = pixels * x.shape[1]
        variance = variance * (pixels / (pixels - 1))
        layer_variance = layer_variance * (values / (values - 1))
    instance = rho * (variance + eps).rsqrt()
    layer = (1 - rho) * (layer_variance + eps).rsqrt()
    scale = gamma * (instance + layer)
    shift = beta + gamma * (mean - layer_mean) * layer
    return torch.addcmul(shift[:, :, None, None], centred, scale[:, :, None, None]).to(x.dtype)


def _for_graphs(x: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor, eps: float, unbiased: bool) -> Tensor:
    """The same numbers from an instance norm and means over whole features, for exported graphs.

    Features are multiplied by sqrt(n / (n - 1)) first: their biased variance of n values is then the unbiased one.
    A mean right behind a convolution of 8 bits is computed wrongly by OpenVINO (2026.4); here none is right behind it.
    """
    pixels, values = x.shape[2] * x.shape[3], x.shape[1] * x.shape[2] * x.shape[3]
    spread = (torch.full((), pixels, dtype=x.dtype) / (pixels - int(unbiased))).sqrt()
    x = x * spread
    instance = torch.instance_norm(x, None, None, None, None, True, 0.0, eps, False)
    centred = x - x.mean((1, 2, 3), keepdim=True)
    variance = centred.square().mean((1, 2, 3), keepdim=True) / spread.square()
    if unbiased:
        variance = variance * (values / (values - 1))
    layer = centred * (variance + eps).rsqrt()
    rho, gamma, beta = (each.view(-1, x.shape[1], 1, 1) for each in (rho, gamma, beta))
    return gamma / spread * (rho * instance + (1 - rho) * layer) + beta


def in_unit_interval(rho: Tensor) -> Tensor:
    """``rho`` clipped to [0, 1], with gradients as if it were not, so that it can come back from outside.

    Inside the interval both are those of ``rho`` itself: in a training that clips the parameter after each update, as
    the release does, nothing changes.

    >>> in_unit_interval(torch.tensor([-0.5, 0.25, 2.6]))
    tensor([0.0000, 0.2500, 1.0000])
    """
    inside = rho.detach()
    return inside.clamp(0, 1) + (rho - inside)


class AdaLIN(nn.Module):
    """Adaptive layer-instance normalisation: gamma and beta come from outside, only rho is learnt.

    rho less ``rho_shift`` (0.1 in the TensorFlow release) counts as far as it lies in [0, 1], whatever a training loop
    makes of the parameter.

    >>> AdaLIN(8)(torch.randn(2, 8, 4, 4), torch.ones(2, 8), torch.zeros(2, 8)).shape
    torch.Size([2, 8, 4, 4])
    """

    def __init__(self, channels: int, *, rho: float = 0.9, unbiased: bool = True, rho_shift: float = 0.0) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.full((channels,), rho))
        self.unbiased, self.rho_shift = unbiased, rho_shift

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        # The TensorFlow release clips in its graph: no gradient passes where rho is below the shift.
        rho = (self.rho - self.rho_shift).clamp(0, 1) if self.rho_shift else in_unit_interval(self.rho)
        return layer_instance_norm(x, rho, gamma, beta, unbiased=self.unbiased)


class AdaIN(nn.Module):
    """Adaptive instance normalisation: gamma and beta come from outside (Huang and Belongie, arXiv:1703.06868).

    >>> AdaIN()(torch.randn(2, 8, 4, 4), torch.ones(2, 8), torch.zeros(2, 8)).shape
    torch.Size([2, 8, 4, 4])
    """

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        rho = torch.ones_like(gamma[0])
        return layer_instance_norm(x, rho, gamma, beta, unbiased=False)


class LIN(nn.Module):
    """Layer-instance normalisation with its own gamma and beta; rho counts as far as it lies in [0, 1].

    >>> LIN(8)(torch.randn(2, 8, 4, 4)).shape
    torch.Size([2, 8, 4, 4])
    """

    def __init__(self, channels: int, *, rho: float = 0.0, unbiased: bool = True) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.full((channels,), rho))
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))
        self.unbiased = unbiased

    def forward(self, x: Tensor) -> Tensor:
        return layer_instance_norm(x, in_unit_interval(self.rho), self.gamma, self.beta, unbiased=self.unbiased)


class StyleMLP(nn.Module):
    """Gamma and beta of AdaLIN from (B, C, H, W) features, each (B, C) (U-GAT-IT, arXiv:1907.10830, figure 2).

    With ``positions`` 1 it reads the features' mean, and any H, W will do; otherwise the flattened map, where
    H * W must be ``positions``. ``channels_last`` flattens as H, W, C (the TensorFlow release). Raises ShapeError.

    >>> gamma, beta = StyleMLP(8)(torch.randn(2, 8, 4, 4))
    >>> AdaLIN(8)(torch.randn(2, 8, 4, 4), gamma, beta).shape
    torch.Size([2, 8, 4, 4])
    """

    def __init__(self, channels: int, *, positions: int = 1, bias: bool = False, channels_last: bool = False) -> None:
        super().__init__()
        self.positions, self.channels_last = positions, channels_last
        self.hidden = nn.Sequential(
            nn.Linear(channels * positions, channels, bias=bias),
            nn.ReLU(inplace=True),
            nn.Linear(channels, channels, bias=bias),
            nn.ReLU(inplace=True),
        )
        self.gamma = nn.Linear(channels, channels, bias=bias)
        self.beta = nn.Linear(channels, channels, bias=bias)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        if self.positions == 1:
            flat = features.mean((2, 3))
        else:
            if features.shape[2] * features.shape[3] != self.positions:
                raise ShapeError(
                    f"This style MLP reads maps of {self.positions} positions, got {features.shape[2]}x"
                    f"{features.shape[3]}."
                )
            flat = (features.permute(0, 2, 3, 1) if self.channels_last else features).flatten(1)
        hidden = self.hidden(flat)
        return self.gamma(hidden), self.beta(hidden)


class AdaLINResBlock(nn.Module):
    """Residual block whose norms are steered from outside: (B, C, H, W), gamma and beta (B, C) (U-GAT-IT, figure 2).

    ``norm="adain"`` has AdaIN in the place of AdaLIN, which the paper's ablation compares it with.

    >>> block = AdaLINResBlock(8)
    >>> block(torch.randn(2, 8, 4, 4), torch.ones(2, 8), torch.zeros(2, 8)).shape
    torch.Size([2, 8, 4, 4])
    """

    def __init__(
        self,
        channels: int,
        *,
        bias: bool = False,
        unbiased: bool = True,
        rho_shift: float = 0.0,
        norm: Literal["adalin", "adain"] = "adalin",
    ) -> None:
        super().__init__()
        if norm not in ("adalin", "adain"):
            raise ConfigError(f"norm={norm!r} is not known: choose 'adalin' or 'adain'.")

        def steered() -> nn.Module:
            return AdaIN() if norm == "adain" else AdaLIN(channels, unbiased=unbiased, rho_shift=rho_shift)

        def conv() -> Conv2d:
            return Conv2d(channels, channels, 3, padding_mode="reflect", bias=bias)

        self.first, self.second = conv(), conv()
        self.first_norm, self.second_norm = steered(), steered()

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        y = self.first_norm(self.first(x), gamma, beta).relu_()
        normalised: Tensor = self.second_norm(self.second(y), gamma, beta)
        return normalised.add_(x)
