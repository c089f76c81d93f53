"""One training step of each family as its paper and release describe it: what the library's recipes are timed against.

Each image passes each network on its own, fakes are made anew for each update, spectral norm divides the weights, and
Adam is torch's default.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from itertools import chain, pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from attn_i2i.blocks import CAM, SpectralConv2d
from benchmarks import plain

Losses = dict[str, Tensor]
Step = Callable[[dict[str, Tensor]], Losses]


def near(x: Tensor, value: float) -> Tensor:
    """Least squares against a constant map."""
    return F.mse_loss(x, torch.full_like(x, value))


def like(networks: nn.Module) -> Tensor:
    """A tensor of the type and on the device that ``networks`` have."""
    return next(networks.parameters())


def adam(networks: Iterable[nn.Module], lr: float, weight_decay: float = 0.0) -> torch.optim.Adam:
    parameters = chain.from_iterable(network.parameters() for network in networks)
    return torch.optim.Adam(list(parameters), lr, (0.5, 0.999), weight_decay=weight_decay)


def patch_discriminator(width: int) -> nn.Sequential:
    """CycleGAN's 70x70 PatchGAN."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2, True)]
    for i, stride in enumerate((2, 2, 1)):
        layers += [nn.Conv2d(width * 2**i, width * 2 ** (i + 1), 4, stride, 1)]
        layers += [nn.InstanceNorm2d(width * 2 ** (i + 1)), nn.LeakyReLU(0.2, True)]
    return nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1))


def cycle_step(networks: nn.ModuleDict, generator: Callable[..., nn.Module], width: int) -> Step:
    """CycleGAN's and AttentionGAN II's step (pool of size 0)."""
    made: dict[str, nn.Module] = {name: generator(width) for name in ("G_A2B", "G_B2A")}
    made |= {name: patch_discriminator(width) for name in ("D_A", "D_B")}
    for name, network in made.items():
        plain.copy_weights(networks[name], network.to(like(networks)))
    g_ab, g_ba, d_a, d_b = (made[name] for name in ("G_A2B", "G_B2A", "D_A", "D_B"))
    g_adam, d_adam = adam([g_ab, g_ba], 2e-4), adam([d_a, d_b], 2e-4)

    def step(batch: dict[str, Tensor]) -> Losses:
        a, b = batch["A"], batch["B"]
        fake_b = g_ab(a)[0]
        back_a = g_ba(fake_b)[0]
        fake_a = g_ba(b)[0]
        back_b = g_ab(fake_a)[0]
        for discriminator in (d_a, d_b):
            discriminator.requires_grad_(False)
        g_adam.zero_grad()
        losses = {"idt_A": 5 * F.l1_loss(g_ab(b)[0], b), "idt_B": 5 * F.l1_loss(g_ba(a)[0], a)}
        losses |= {"G_A": near(d_b(fake_b), 1), "G_B": near(d_a(fake_a), 1)}
        losses |= {"cycle_A": 10 * F.l1_loss(back_a, a), "cycle_B": 10 * F.l1_loss(back_b, b)}
        sum(losses.values()).backward()
        g_adam.step()
        for discriminator in (d_a, d_b):
            discriminator.requires_grad_(True)
        d_adam.zero_grad()
        for name, discriminator, real, fake in (("D_A", d_b, b, fake_b), ("D_B", d_a, a, fake_a)):
            losses[name] = (near(discriminator(real), 1) + near(discriminator(fake.detach()), 0)) * 0.5
            losses[name].backward()
        d_adam.step()
        return losses

    return step


class PlainScale(nn.Module):
    """One scale of U-GAT-IT's discriminator, spectral norm on every weight but the 1x1's."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        model: list[nn.Module] = []
        channels = [3, *(width * 2**i for i in range(layers - 1))]
        for i, (a, b) in enumerate(pairwise(channels)):
            conv = spectral_norm(nn.Conv2d(a, b, 4, 2 if i < layers - 2 else 1))
            model += [nn.ReflectionPad2d(1), conv, nn.LeakyReLU(0.2, True)]
        self.model = nn.Sequential(*model)
        last = channels[-1]
        self.average_fc = spectral_norm(nn.Linear(last, 1, bias=False))
        self.maximum_fc = spectral_norm(nn.Linear(last, 1, bias=False))
        self.conv1x1, self.relu = nn.Conv2d(2 * last, last, 1), nn.LeakyReLU(0.2, True)
        self.pad, self.conv = nn.ReflectionPad2d(1), spectral_norm(nn.Conv2d(last, 1, 4, bias=False))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.model(x)
        pools = (F.adaptive_avg_pool2d(x, 1), F.adaptive_max_pool2d(x, 1))
        classifiers = (self.average_fc, self.maximum_fc)
        logits = [fc(pool.flatten(1)) for fc, pool in zip(classifiers, pools, strict=True)]
        scaled = [x * fc.weight_orig[:, :, None, None] for fc in classifiers]
        x = self.relu(self.conv1x1(torch.cat(scaled, 1)))
        return self.conv(self.pad(x)), torch.cat(logits, 1)

    def take(self, ours: nn.Module) -> None:
        """Copy the weights and singular vectors of the library's scale."""
        convs = [part for part in ours.modules() if isinstance(part, SpectralConv2d)]
        plain_convs = [part for part in self.modules() if hasattr(part, "weight_u") and isinstance(part, nn.Conv2d)]
        (cam,) = (part for part in ours.modules() if isinstance(part, CAM))
        pairs: list[tuple[Any, Tensor, Any]] = [
            (p, c.weight, c.spectral) for p, c in zip(plain_convs, convs, strict=True)
        ]
        classifiers = (self.average_fc, self.maximum_fc)
        pairs += list(zip(classifiers, cam.weights, cam.spectral, strict=True))
        with torch.no_grad():
            for target, weight, norm in pairs:
                target.weight_orig.copy_(weight)
                target.weight_u.copy_(norm.u)
                target.weight_v.copy_(norm.v)
            for target, conv in zip(plain_convs, convs, strict=True):
                if conv.bias is not None:
                    target.bias.copy_(conv.bias)
        plain.copy_weights(cam.mix, self.conv1x1)


def clip_rho(part: nn.Module) -> None:
    if isinstance(part, plain.AdaLIN | plain.LIN):
        part.rho.data.clamp_(0, 1)


def ugatit_discriminators(networks: nn.ModuleDict, width: int) -> dict[str, dict[str, PlainScale]]:
    """Both scales of both domains, with the weights of the library's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        discriminators = {d: {"G": PlainScale(width, 7), "L": PlainScale(width, 5)} for d in "AB"}
    for domain, scales in discriminators.items():
        for ours, scale in zip(networks[f"D_{domain}"].scales.values(), scales.values(), strict=True):
            scale.to(like(networks)).take(ours)
    return discriminators


def ugatit_discriminator_losses(scales: dict[str, PlainScale], domain: str, real: Tensor, fake: Tensor) -> Losses:
    losses = {}
    on_real = {name: scale(real) for name, scale in scales.items()}
    for name, scale in scales.items():
        fake_logits, fake_cam = scale(fake)
        logits, cam = on_real[name]
        losses[f"D_ad_loss_{name}{domain}"] = near(logits, 1) + near(fake_logits, 0)
        losses[f"D_ad_cam_loss_{name}{domain}"] = near(cam, 1) + near(fake_cam, 0)
    return losses


def ugatit_generator_losses(
    scales: dict[str, PlainScale], domain: str, fake: Tensor, of_source: Tensor, of_target: Tensor
) -> Losses:
    """What the discriminators of ``domain`` say of ``fake``, and the generator's CAM logits of both domains."""
    losses = {}
    for name, scale in scales.items():
        logits, cam = scale(fake)
        losses[f"G_ad_loss_{name}{domain}"] = near(logits, 1)
        losses[f"G_ad_cam_loss_{name}{domain}"] = near(cam, 1)
    bce = F.binary_cross_entropy_with_logits
    cam_loss = bce(of_source, torch.ones_like(of_source)) + bce(of_target, torch.zeros_like(of_target))
    return losses | {f"G_cam_loss_{domain}": cam_loss}


def ugatit_step(networks: nn.ModuleDict, generator: Callable[..., nn.Module], width: int) -> Step:
    """U-GAT-IT's step; as released, the discriminators' loss also runs back through the generators."""
    g_ab, g_ba = generator(width), generator(width)
    for name, network in (("G_A2B", g_ab), ("G_B2A", g_ba)):
        plain.copy_weights(networks[name], network.to(like(networks)))
    discriminators = ugatit_discriminators(networks, width)
    g_adam = adam([g_ab, g_ba], 1e-4, 1e-4)
    d_adam = adam([scale for scales in discriminators.values() for scale in scales.values()], 1e-4, 1e-4)

    def step(batch: dict[str, Tensor]) -> Losses:
        a, b = batch["A"], batch["B"]
        d_adam.zero_grad()
        losses = ugatit_discriminator_losses(discriminators["A"], "A", a, g_ba(b)[0])
        losses |= ugatit_discriminator_losses(discriminators["B"], "B", b, g_ab(a)[0])
        losses["Discriminator_loss"] = torch.stack(list(losses.values())).sum()
        losses["Discriminator_loss"].backward()
        d_adam.step()
        g_adam.zero_grad()
        (fake_b, cam_ab, _), (fake_a, cam_ba, _) = g_ab(a), g_ba(b)
        back_a, back_b = g_ba(fake_b)[0], g_ab(fake_a)[0]
        (same_a, cam_aa, _), (same_b, cam_bb, _) = g_ba(a), g_ab(b)
        parts = ugatit_generator_losses(discriminators["A"], "A", fake_a, cam_ba, cam_aa)
        parts |= ugatit_generator_losses(discriminators["B"], "B", fake_b, cam_ab, cam_bb)
        parts |= {"G_recon_loss_A": F.l1_loss(back_a, a), "G_recon_loss_B": F.l1_loss(back_b, b)}
        parts |= {"G_identity_loss_A": F.l1_loss(same_a, a), "G_identity_loss_B": F.l1_loss(same_b, b)}
        weights = {"G_recon": 10, "G_ident": 10, "G_cam_l": 1000}
        total = torch.stack([weights.get(name[:7], 1) * value for name, value in parts.items()]).sum()
        total.backward()
        g_adam.step()
        g_ab.apply(clip_rho)
        g_ba.apply(clip_rho)
        return losses | parts | {"Generator_loss": total}

    return step
