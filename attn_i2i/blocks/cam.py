"""Class activation maps as attention (U-GAT-IT, arXiv:1907.10830, section 2.1.1)."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .spectral import Iterate, SpectralNorm, per_image


class CAMOutput(NamedTuple):
    """Attended (B, C, H, W) features, (B, 2) logits from average and max pooling, (B, 1, H, W) heatmap."""

    features: Tensor
    logits: Tensor
    heatmap: Tensor


class CAM(nn.Module):
    """Scale features by the weights of a domain classifier and mix both scalings by a 1x1 convolution.

    Average and max pooling have a classifier each, without a bias. With ``shared`` one classifier with a bias serves
    both, and each channel is scaled by weight + bias (the TensorFlow release). Both scaled copies and the 1x1
    convolution fold into one convolution of half the width. ``spectral`` normalises the classifier; ``scale_by`` says
    whether features are scaled by its raw or its normalised weight. ``slope`` is that of the closing (leaky) ReLU.

    >>> CAM(8)(torch.randn(2, 8, 4, 4)).logits.shape
    torch.Size([2, 2])
    """

    def __init__(
        self,
        channels: int,
        *,
        shared: bool = False,
        slope: float = 0.0,
        spectral: Iterate | None = None,
        scale_by: Literal["raw", "normalised"] = "raw",
    ) -> None:
        super().__init__()
        self.shared, self.slope, self.scale_by = shared, slope, scale_by
        classifiers = 1 if shared else 2
        self.weights = nn.ParameterList(
            torch.empty(1, channels).uniform_(-1, 1) / channels**0.5 for _ in range(classifiers)
        )
        self.bias = nn.Parameter(torch.zeros(1)) if shared else None
        self.spectral = nn.ModuleList()
        if spectral is not None:
            self.spectral.extend(SpectralNorm(1, channels, spectral) for _ in range(classifiers))
        self.mix = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, features: Tensor, passes: int = 1) -> CAMOutput:
        """``passes`` says that ``features`` hold as many equal batches, each with a spectral norm of its own."""
        raw = torch.cat(list(self.weights))[None]
        normalised = raw
        if self.spectral:
            sigmas = [norm(weight, passes) for norm, weight in zip(self.spectral, self.weights, strict=True)]
            normalised = raw / torch.stack(sigmas, dim=1)[:, :, None]
        channel_weights = raw if self.scale_by == "raw" else normalised
        pooled = torch.stack([features.mean((2, 3)), features.amax((2, 3))], dim=1)
        logits = (pooled * per_image(normalised, features.shape[0])).sum(-1)
        if self.bias is not None:
            channel_weights = channel_weights + self.bias
            logits = logits + self.bias
        mixed = self._mixed(features, channel_weights)
        attended = F.leaky_relu_(mixed, self.slope) if self.slope else F.relu_(mixed)
        return CAMOutput(attended, logits, attended.sum(1, keepdim=True))

    def _mixed(self, features: Tensor, channel_weights: Tensor) -> Tensor:
        """The 1x1 convolution of both scaled copies; ``channel_weights`` is (passes or 1, classifiers, C)."""
        by_average, by_maximum = self.mix.weight.chunk(2, dim=1)
        passes = len(channel_weights)
        parts = []
        # One pass is not cut: an exported graph would keep the batch it was traced with.
        for part, weights in zip(features.chunk(passes) if passes > 1 else [features], channel_weights, strict=True):
            folded = by_average * weights[0][:, None, None] + by_maximum * weights[-1][:, None, None]
            parts.append(F.conv2d(part, folded, self.mix.bias))
        return parts[0] if passes == 1 else torch.cat(parts)
