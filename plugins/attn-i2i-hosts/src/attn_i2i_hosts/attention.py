"""What puts attention into a host beside its head: guided discriminators, CAM in both networks, AdaLIN's blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from attn_i2i import Translation, Verdict
from attn_i2i.blocks import CAM, AdaLINResBlock, StyleMLP, foreground
from attn_i2i.losses import cam as cam_term
from attn_i2i.recipes import RecipeParts
from attn_i2i.types import ConfigError
from torch import Tensor, nn

T = TypeVar("T", bound="AttentionOptions")
TOLD = ("guided", "cam")
"""The options of `AttentionOptions` that networks have as well."""
CAM_WEIGHT = 1000.0  # U-GAT-IT's, whose reconstruction weighs 10 as UNIT's, MUNIT's and DRIT's does
SLOPE = 0.2  # of the leaky ReLU that ends a CAM in U-GAT-IT's discriminators


@dataclass(frozen=True)
class AttentionOptions:
    """``guided`` shows the discriminators the mask that made a fake, ``cam`` gives all networks a CAM.

    ``guided`` needs ``masks``. The generators' CAM loss is the term ``objective.cam``.
    """

    guided: bool = False
    cam: bool = False


def prepared(parts: RecipeParts[T], weight: float = CAM_WEIGHT) -> RecipeParts[T]:
    """``parts`` with the CAM's loss where ``cam`` is on, of ``weight`` unless another was given.

    Raises ConfigError for ``guided`` where there is no mask to see, or nobody to see it.
    """
    o, layout = parts.training, parts.layout
    if o.guided and not layout.config.get("masks", True):
        raise ConfigError(
            f"{parts.name}: guided=true shows the discriminators the generators' masks, and there are none: set"
            " generator.masks=4, say."
        )
    if o.guided and not all(getattr(parts.networks[key], "masked", False) for key in layout.discriminators.values()):
        name = layout.discriminator or "given one"
        raise ConfigError(f"{parts.name}: guided=true was given, but the discriminator {name} reads no masks.")
    if not o.cam or "objective.cam" in parts.options:
        return parts
    return parts._replace(
        objective={**parts.objective, "cam": (weight, cam_term)}, options={**parts.options, "objective.cam": weight}
    )


def mask_for(network: nn.Module, translation: Translation) -> Tensor | None:
    """The mask of what a translation changed, (B, 1, H, W), for a discriminator that reads one."""
    return foreground(translation) if getattr(network, "masked", False) else None


def hidden(mask: Tensor | None) -> Tensor | None:
    """A mask without its graph, as the discriminators' update needs it."""
    return None if mask is None else mask.detach()


class Encoded(NamedTuple):
    """Features that are decoded, and what a CAM told of them: logits (B, 2), heatmap (B, 1, h, w); None without one."""

    features: Tensor
    cam_logits: Tensor | None = None
    heatmap: Tensor | None = None

    def told(self, translation: Translation) -> Translation:
        """``translation`` of these features, with what the CAM told."""
        return translation._replace(cam_logits=self.cam_logits, heatmap=self.heatmap)


def attended(cam: CAM | None, features: Tensor) -> Encoded:
    """``features`` through a CAM, where there is one."""
    return Encoded(features) if cam is None else Encoded(*cam(features))


def seen_by(cam: CAM | None, features: Tensor, last: nn.Module) -> Verdict:
    """The verdict of a discriminator's ``last`` layer on its features, which a CAM attends to where there is one."""
    code = attended(cam, features)
    return Verdict(last(code.features), cam_logits=code.cam_logits, heatmap=code.heatmap)


def with_cams(verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """Verdicts, and behind them those of their CAMs, which count as scales of their own (U-GAT-IT, equation 3)."""
    return (*verdicts, *(Verdict(v.cam_logits[:, None, None]) for v in verdicts if v.cam_logits is not None))


class AdaLINBlocks(nn.Module):
    """Residual blocks with AdaLIN in the place of their norms (U-GAT-IT, arXiv:1907.10830, figure 2).

    (B, C, H, W) to the same. What steers them is read off the mean of the features, so that any H, W will do.
    """

    def __init__(self, channels: int, count: int) -> None:
        super().__init__()
        self.steering = StyleMLP(channels)
        self.blocks = nn.ModuleList(AdaLINResBlock(channels, bias=True) for _ in range(count))

    def forward(self, x: Tensor) -> Tensor:
        gamma, beta = self.steering(x)
        for block in self.blocks:
            x = block(x, gamma, beta)
        return x


def check_masks(host: str, masks: int, in_channels: int, out_channels: int) -> None:
    """Raise ConfigError for masks of other pictures than those that the published hosts are of."""
    if masks and (in_channels, out_channels) != (3, 3):
        raise ConfigError(f"{host}: masks need three channels in and out.")


def check_choice(host: str, option: str, value: str, *choices: str) -> None:
    """Raise ConfigError for a ``value`` of an option that is none of its ``choices``."""
    if value not in choices:
        raise ConfigError(f"{host}: {option}={value!r} was given, expected {' or '.join(map(repr, choices))}.")


def without_blocks(host: str, norm: str, own: str) -> None:
    """Raise ConfigError for any ``norm`` but a host's ``own`` where no residual block can take AdaLIN."""
    if norm != own:
        raise ConfigError(
            f"{host}: norm={norm!r} was given, expected {own!r}. AdaLIN is the norm of a decoder's residual blocks, and"
            f" {host} has none: take unit, munit or drit for it."
        )
