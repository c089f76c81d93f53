"""Losses as pure functions of logits and images, and as terms over a round trip."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .interfaces import Objective, RoundTrip, Term
from .masks import foreground
from .types import ConfigError, Translation, Verdict

LSGAN_BOUNDARY = 0.5
"""The number halfway between what `lsgan` teaches a discriminator to say of real images and of fakes."""


def at_least_float32(x: Tensor) -> Tensor:
    """``x``, or a float32 copy of what autocast made in half precision: means of it would lose digits."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def lsgan(logits: Tensor, real: bool) -> Tensor:
    """Least squares: how far ``logits`` of any shape are from 1 (real) or 0 (fake) (Mao et al., arXiv:1611.04076)."""
    wide = at_least_float32(logits)
    return (wide - 1).square().mean() if real else wide.square().mean()


def wgan(logits: Tensor, real: bool) -> Tensor:
    """The critic's mean, negated for real images (Arjovsky et al., arXiv:1701.07875)."""
    mean = at_least_float32(logits).mean()
    return -mean if real else mean


def gradient_penalty(discriminator: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, alpha: Tensor) -> Tensor:
    """Squared distance of the critic's gradient norm from 1 between real and fake (Gulrajani et al., arXiv:1704.00028).

    ``discriminator`` returns logits; a network that may be compiled is passed as ``recipes.uncompiled`` gives it,
    because it is differentiated twice. ``alpha``, (B, 1, 1, 1) in [0, 1], is the share of ``real``.
    """
    between = torch.lerp(fake.detach().to(real.dtype), real, alpha).requires_grad_(True)
    score = at_least_float32(discriminator(between)).sum()
    (gradient,) = torch.autograd.grad(score, between, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def r1_penalty(discriminator: Callable[[Tensor], tuple[Verdict, ...]], real: Tensor) -> Tensor:
    """Mean over ``real`` (B, C, H, W) of the critic's squared gradient (Mescheder et al., arXiv:1801.04406, section 4).

    Equation (9) without gamma / 2. A verdict's number of an image is the mean of its logits, and that of its CAM logits
    beside it; the penalties of several verdicts are added, as their losses are. A network that may be compiled is
    passed as ``recipes.uncompiled`` gives it.

    >>> weights = torch.tensor([1.0, 2.0, 2.0]).reshape(1, 3, 1, 1)
    >>> linear = lambda image: (Verdict(F.conv2d(image, weights)),)
    >>> r1_penalty(linear, torch.zeros(4, 3, 1, 1)).detach()
    tensor(9.)
    """
    image = real.detach().requires_grad_(True)
    scores = [_number(verdict).sum() for verdict in discriminator(image)]
    gradients = [torch.autograd.grad(score, image, create_graph=True)[0] for score in scores]
    return torch.stack([gradient.square().sum((1, 2, 3)).mean() for gradient in gradients]).sum()


def attribute_loss(class_logits: Tensor, label: Tensor) -> Tensor:
    """Binary cross entropy of (B, domains) logits, summed over attributes and divided by the batch (StarGAN)."""
    return F.binary_cross_entropy_with_logits(class_logits, label, reduction="sum") / len(label)


def total_variation(mask: Tensor) -> Tensor:
    """Sum of absolute differences between neighbours of (B, 1, H, W), as of a copy with three channels.

    Equation (10) of AttentionGAN I (arXiv:1903.12296); the releases repeat the mask over RGB and sum.
    """
    mask = at_least_float32(mask)
    across = (mask[..., :, 1:] - mask[..., :, :-1]).abs().sum()
    down = (mask[..., 1:, :] - mask[..., :-1, :]).abs().sum()
    return 3 * (across + down)


def adversarial(trip: RoundTrip) -> Tensor:
    """LSGAN loss of the generator, summed over the verdicts on ``fake``."""
    return torch.stack([lsgan(verdict.logits, True) for verdict in trip.verdicts]).sum()


def critic(trip: RoundTrip) -> Tensor:
    """WGAN loss of the generator, summed over the verdicts on ``fake``."""
    return torch.stack([wgan(verdict.logits, True) for verdict in trip.verdicts]).sum()


def cycle(trip: RoundTrip) -> Tensor:
    """L1 distance of the returned image from the source (CycleGAN, equation 2)."""
    return F.l1_loss(trip.back.image, trip.source)


def identity(trip: RoundTrip) -> Tensor:
    """L1 distance of the translated target from the target itself (CycleGAN, section 5.2)."""
    return F.l1_loss(_same(trip).image, trip.target)


def pixel(trip: RoundTrip) -> Tensor:
    """L1 distance of the translation from its source (AttentionGAN I, equation 9)."""
    return F.l1_loss(trip.fake.image, trip.source)


def mask_variation(trip: RoundTrip) -> Tensor:
    """Total variation of the mask of what changed (AttentionGAN I, equation 10)."""
    return total_variation(foreground(trip.fake))


def mask_area(trip: RoundTrip) -> Tensor:
    """Mean of the mask of what changed, in [0, 1]: the share of the picture that a translation pays for.

    Where a background is plain, nothing else keeps the mask to what has to change. GANimation (arXiv:1807.09251,
    section 4.2) takes squares instead; means also close a mask that is nearly closed.
    """
    return at_least_float32(foreground(trip.fake)).mean()


def cam(trip: RoundTrip) -> Tensor:
    """The generator's CAM classifier must tell source from target domain (U-GAT-IT, equation 6)."""
    source, target = trip.fake.cam_logits, _same(trip).cam_logits
    if source is None or target is None:
        raise ConfigError(
            "The loss term 'cam' needs a generator with CAM logits, as U-GAT-IT's: without them set objective.cam=0."
        )
    return cam_loss(source, True) + cam_loss(target, False)


def cam_loss(cam_logits: Tensor, is_source: bool) -> Tensor:
    """Binary cross entropy of (B, 2) CAM logits against one domain."""
    goal = torch.full_like(cam_logits, float(is_source))
    return F.binary_cross_entropy_with_logits(cam_logits, goal)


def classification(trip: RoundTrip) -> Tensor:
    """The fake must be recognised as of its target label (StarGAN, equation 3)."""
    if trip.label is None or trip.verdicts[0].class_logits is None:
        raise ConfigError(
            "The loss term 'classification' needs labels and a discriminator with class logits: without"
            " them set objective.classification=0."
        )
    return attribute_loss(trip.verdicts[0].class_logits, trip.label)


# Terms that do not read the identity pass, which then is not computed.
WITHOUT_SAME: frozenset[Term] = frozenset(
    {adversarial, critic, cycle, pixel, mask_variation, mask_area, classification}
)


def needs_same(objective: Objective) -> bool:
    """Whether a term may read ``same``, so that the target must be translated too; unknown terms may."""
    return any(weight and term not in WITHOUT_SAME for weight, term in objective.values())


def values(objective: Objective, trip: RoundTrip) -> dict[str, Tensor]:
    """Each term of one round trip by name, without its weight; ConfigError for a term that is no scalar tensor."""
    terms = {name: term(trip) for name, (_, term) in objective.items()}
    returned: dict[str, object] = {**terms}  # a stranger's term may return anything
    for name, value in returned.items():
        if not (isinstance(value, Tensor) and value.dim() == 0):
            what = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            raise ConfigError(f"The loss term {name!r} returned {what}, not a scalar tensor: reduce it, say by mean().")
    return terms


def discriminator_lsgan(real: tuple[Verdict, ...], fake: tuple[Verdict, ...]) -> Tensor:
    """LSGAN loss of a discriminator, halved as published, summed over its verdicts."""
    parts = [lsgan(r.logits, True) + lsgan(f.logits, False) for r, f in zip(real, fake, strict=True)]
    return 0.5 * torch.stack(parts).sum()


def _number(verdict: Verdict) -> Tensor:
    """What a verdict says of each image, (B,)."""
    number = at_least_float32(verdict.logits).flatten(1).mean(1)
    return number if verdict.cam_logits is None else number + at_least_float32(verdict.cam_logits).mean(1)


def _same(trip: RoundTrip) -> Translation:
    if trip.same is None:
        raise ConfigError("This loss term needs the target translated too ('same'), which this recipe does not make.")
    return trip.same
