"""A trunk from any timm backbone that offers ``features_only``; the one file that imports timm, and late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..types import ConfigError
from .padding import pad_to_multiple


def _timm(name: str) -> Any:
    """timm itself, which has to have a model called ``name``, with or without the tag of its weights."""
    try:
        import timm
    except (ImportError, RuntimeError) as error:  # torchvision raises RuntimeError beside a CPU-only torch
        raise ConfigError(
            f"timm could not be imported ({error}): {name!r} needs timm and a torchvision built for this torch."
        ) from error
    if not timm.is_model(name):
        raise ConfigError(f"timm has no backbone named {name!r}: see timm.list_models().")
    return timm


def _create(name: str, pretrained: bool, options: dict[str, Any]) -> nn.Module:
    timm = _timm(name)
    try:
        return timm.create_model(name, pretrained=pretrained, features_only=True, **options)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ConfigError(
            f"timm backbone {name!r} cannot be built with features_only ({error}): choose another."
        ) from error


class TimmTrunk(nn.Module):
    """(B, C, H, W) images in [-1, 1] to the deepest, or the ``level``-th, feature map of a timm backbone.

    Images are brought to the mean and deviation the backbone was trained with. ``out_channels`` and ``stride`` are
    read from the backbone, so any head fits. Recipes that draw first weights leave ``pretrained``
    ones as they are. Further options go to ``timm.create_model``.

    >>> trunk = TimmTrunk("mobilenetv3_small_050", level=1)
    >>> trunk.stride, trunk(torch.zeros(1, 3, 64, 64)).shape[2:]
    (4, torch.Size([16, 16]))
    """

    def __init__(
        self, name: str, *, pretrained: bool = False, level: int = -1, in_channels: int = 3, **options: Any
    ) -> None:
        super().__init__()
        if "in_chans" in options:
            raise ConfigError(f"in_chans={options['in_chans']} was given: it is called in_channels here.")
        self.backbone = _create(name, pretrained, {"in_chans": in_channels, **options})
        info: Any = self.backbone.feature_info
        levels = len(info.channels())
        if not -levels <= level < levels:
            raise ConfigError(
                f"level={level} was given, but {name!r} has {levels}: expected {-levels} to {levels - 1}."
            )
        self.level, self.pretrained = level, pretrained
        self.out_channels = int(info.channels()[level])
        self.stride = int(info.reduction()[level])
        config: Any = getattr(self.backbone, "pretrained_cfg", None) or {}
        self.in_channels = in_channels
        even = (0.5,) * self.in_channels  # images in [-1, 1] go in as they are
        mean, std = config.get("mean", even), config.get("std", even)
        if len(mean) != self.in_channels:
            mean = std = even
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        padded = pad_to_multiple(image, self.stride)
        features = self.backbone(((padded + 1) / 2 - self.mean) / self.std)[self.level]
        if features.shape[1] != self.out_channels and features.shape[-1] == self.out_channels:
            features = features.permute(0, 3, 1, 2)
        return features


class TimmFeatures(nn.Module):
    """(B, 3, H, W) images as a timm model was trained on to its maps (B, D, h, w) and pooled features (B, D).

    ``side``, ``mean`` and ``std`` say what it was trained on. The maps of a transformer are (B, D, tokens, 1). The
    features are those before the classifier; of CLIP's own weights (``.openai``) those after its projection.
    ``state`` are weights to use instead of timm's. Raises ConfigError.
    """

    def __init__(self, name: str, state: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        timm = _timm(name)
        try:
            self.model = timm.create_model(name, pretrained=state is None)
            if state is not None:
                self.model.load_state_dict(state)
        except Exception as error:  # the Hub's client and timm have many: no network, no weights, other shapes
            line = " ".join(str(error).split())[:300]
            raise ConfigError(
                f"timm's {name!r} cannot be had: {line}; timm:NAME@FILE takes weights by path."
            ) from error
        config: Any = self.model.pretrained_cfg
        self.side, self.mean, self.std = int(config["input_size"][-1]), tuple(config["mean"]), tuple(config["std"])
        self.projected = name.endswith(".openai")

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.model.forward_features(image)
        features = self.model.forward_head(maps, pre_logits=not self.projected)
        if maps.ndim == 3:
            maps = maps[:, getattr(self.model, "num_prefix_tokens", 0) :].transpose(1, 2)[..., None]
        elif maps.shape[1] != self.model.num_features:
            maps = maps.permute(0, 3, 1, 2)
        return maps, features
