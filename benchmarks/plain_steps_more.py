"""The plain steps of AttentionGAN I, AGGAN and the multi-domain models; see ``plain_steps``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attn_i2i.builtin.aggan.adam import TurnAdam
from benchmarks import plain, plain_more
from benchmarks.plain_steps import Losses, Step, adam, like, near


def with_weights_of(networks: nn.ModuleDict, made: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """The plain networks ``made``, with the weights of the library's."""
    for name, network in made.items():
        plain.copy_weights(networks[name], network.to(like(networks)))
    return dict(made)


def pair(generator: Callable[[], nn.Module], discriminator: Callable[[], nn.Module]) -> dict[str, nn.Module]:
    return {"G_A2B": generator(), "G_B2A": generator(), "D_A": discriminator(), "D_B": discriminator()}


def scheme1_step(networks: nn.ModuleDict, width: int, blocks: int = 6, rate: float = 0.01) -> Step:
    """AttentionGAN I's step in its first epochs (pool of size 0)."""
    made = with_weights_of(networks, pair(lambda: plain_more.Scheme1(width, blocks), lambda: plain_more.Tower(width)))
    g_ab, g_ba, d_a, d_b = (made[name] for name in ("G_A2B", "G_B2A", "D_A", "D_B"))
    g_adam, d_adam = adam([g_ab, g_ba], 1e-4), adam([d_a, d_b], 1e-4)

    def variation(mask: Tensor) -> Tensor:
        mask = mask.repeat(1, 3, 1, 1)
        across = (mask[:, :, :, :-1] - mask[:, :, :, 1:]).abs().sum()
        return 1e-6 * (across + (mask[:, :, :-1] - mask[:, :, 1:]).abs().sum())

    def step(batch: dict[str, Tensor]) -> Losses:
        a, b = batch["A"], batch["B"]
        g_ab(b), g_ba(a)
        fake_b, mask_a = g_ab(a)
        back_a = g_ba(fake_b)[0]
        fake_a, mask_b = g_ba(b)
        back_b = g_ab(fake_a)[0]
        g_adam.zero_grad()
        losses = {"loss_reg_A": variation(mask_b), "loss_reg_B": variation(mask_a)}
        losses |= {"loss_GAN_A2B": near(d_b(fake_b), 1)}
        losses |= {"loss_GAN_B2A": near(d_a(fake_a), 1)}
        losses |= {"loss_cycle_ABA": F.l1_loss(back_a, a), "loss_cycle_BAB": F.l1_loss(back_b, b)}
        losses |= {"loss_pix_A": F.l1_loss(fake_b, a), "loss_pix_B": F.l1_loss(fake_a, b)}
        early = 0.5 * (losses["loss_GAN_A2B"] + losses["loss_GAN_B2A"]) + losses["loss_reg_A"] + losses["loss_reg_B"]
        late = 10 * (losses["loss_cycle_ABA"] + losses["loss_cycle_BAB"]) + losses["loss_pix_A"] + losses["loss_pix_B"]
        losses["loss_G"] = early * (1 - rate) + late * rate
        losses["loss_G"].backward()
        g_adam.step()
        d_adam.zero_grad()
        on_a = near(d_a(a), 1) + near(d_a(fake_a.detach()), 0)
        on_b = near(d_b(b), 1) + near(d_b(fake_b.detach()), 0)
        losses["loss_D"] = 0.25 * (on_a + on_b)
        losses["loss_D"].backward()
        d_adam.step()
        return losses

    return step


def aggan_step(networks: nn.ModuleDict, width: int, blocks: int = 9) -> Step:
    """Mejjati et al.'s four updates while warming up, each on a graph of its own (pools of size 0)."""
    made = with_weights_of(
        networks, pair(lambda: plain_more.AGGAN(width, blocks), lambda: plain_more.WarmDiscriminator(width))
    )
    g_ab, g_ba, d_a, d_b = (made[name] for name in ("G_A2B", "G_B2A", "D_A", "D_B"))
    turns = enumerate(("G_A2B", "D_B", "G_B2A", "D_A"), start=1)
    adams = {name: TurnAdam(made[name].parameters(), 1e-4, turn=turn, turns=4) for turn, name in turns}

    def update(name: str, loss: Tensor) -> None:
        parameters: Sequence[nn.Parameter] = list(made[name].parameters())
        adams[name].zero_grad()
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        adams[name].step()

    def cycles(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        (fake_b, mask_a), (fake_a, mask_b) = g_ab(a), g_ba(b)
        loss = 10 * F.l1_loss(g_ba(fake_b)[0], a) + 10 * F.l1_loss(g_ab(fake_a)[0], b)
        return loss, fake_b, mask_a, fake_a, mask_b

    def discriminator_loss(
        discriminator: nn.Module, real: Tensor, mask: Tensor, fake: Tensor, fake_mask: Tensor
    ) -> Tensor:
        on_real, on_fake = discriminator(real, mask), discriminator(fake.detach(), fake_mask.detach())
        return 0.5 * (near(on_real, 1) + near(on_fake, 0))

    def step(batch: dict[str, Tensor]) -> Losses:
        a, b = batch["A"], batch["B"]
        cycle, fake_b, mask_a, _, _ = cycles(a, b)
        losses = {"g_loss_A": cycle + near(d_b(fake_b, mask_a), 1)}
        update("G_A2B", losses["g_loss_A"])
        losses["d_loss_B"] = discriminator_loss(d_b, b, g_ba.attention(b), fake_b, mask_a)
        update("D_B", losses["d_loss_B"])
        cycle, _, _, fake_a, mask_b = cycles(a, b)
        losses["g_loss_B"] = cycle + near(d_a(fake_a, mask_b), 1)
        update("G_B2A", losses["g_loss_B"])
        losses["d_loss_A"] = discriminator_loss(d_a, a, g_ab.attention(a), fake_a, mask_b)
        update("D_A", losses["d_loss_A"])
        return losses

    return step


def domain_step(networks: nn.ModuleDict, generator: nn.Module, discriminator: nn.Module) -> Step:
    """StarGAN's step with one critic update a generator update."""
    with_weights_of(networks, {"G": generator, "D": discriminator})
    g_adam, d_adam = adam([generator], 1e-4), adam([discriminator], 1e-4)

    def class_loss(logits: Tensor, label: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits, label, reduction="sum") / logits.shape[0]

    def penalty(image: Tensor, fake: Tensor, alpha: Tensor) -> Tensor:
        between = (alpha * image.data + (1 - alpha) * fake.data).requires_grad_(True)
        logits = discriminator(between)[0]
        (gradient,) = torch.autograd.grad(
            logits, between, torch.ones_like(logits), retain_graph=True, create_graph=True
        )
        return torch.mean((torch.sqrt(torch.sum(gradient.flatten(1) ** 2, dim=1)) - 1) ** 2)

    def step(batch: dict[str, Tensor]) -> Losses:
        image, label, target = batch["image"], batch["label"], batch["target"]
        on_real, classes = discriminator(image)
        fake = generator(image, target)
        on_fake, _ = discriminator(fake.detach())
        losses = {"D/loss_real": -on_real.mean(), "D/loss_fake": on_fake.mean()}
        losses |= {"D/loss_cls": class_loss(classes, label)}
        losses |= {"D/loss_gp": penalty(image, fake, batch["gp_alpha"])}
        g_adam.zero_grad()
        d_adam.zero_grad()
        weights = {"D/loss_gp": 10}
        sum(weights.get(name, 1) * value for name, value in losses.items()).backward()
        d_adam.step()
        fake = generator(image, target)
        on_fake, classes = discriminator(fake)
        parts = {"G/loss_fake": -on_fake.mean(), "G/loss_cls": class_loss(classes, target)}
        parts |= {"G/loss_rec": F.l1_loss(generator(fake, label), image)}
        g_adam.zero_grad()
        d_adam.zero_grad()
        (parts["G/loss_fake"] + parts["G/loss_cls"] + 10 * parts["G/loss_rec"]).backward()
        g_adam.step()
        return losses | parts

    return step
