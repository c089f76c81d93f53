"""What recipes are made of: the pool, Adam in turns, spectral norm over several passes, batched passes, losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attn_i2i import losses
from attn_i2i.blocks import CAM, PatchDiscriminator, SpectralConv2d
from attn_i2i.builtin.aggan.adam import TurnAdam
from attn_i2i.interfaces import RoundTrip
from attn_i2i.models.build import create_discriminator
from attn_i2i.plugins import zoo
from attn_i2i.recipes import ImagePool, discriminate_together, frozen, initialise, mixes_samples, translate_together
from attn_i2i.recipes.augment import shifted
from attn_i2i.types import ConfigError, ShapeError, Translation


def numbered(*numbers: int) -> Tensor:
    """Images that are all one number."""
    return torch.tensor(numbers, dtype=torch.float32)[:, None, None, None].expand(-1, 3, 2, 2)


def test_the_pool_fills_then_swaps_half_of_the_time() -> None:
    pool = ImagePool(4)
    assert pool(numbered(0, 1, 2, 3))[0].mean((1, 2, 3)).tolist() == [0, 1, 2, 3]
    seen = [int(pool(numbered(n))[0].mean()) for n in range(4, 404)]
    kept = sum(one == n for n, one in enumerate(seen, start=4))
    assert 150 < kept < 250
    assert len(set(seen)) == len(seen)  # what was swapped out never comes again
    assert all(one <= n for n, one in enumerate(seen, start=4))


def test_the_pool_keeps_what_belongs_together() -> None:
    pool = ImagePool(3)
    for n in range(20):
        image, mask = pool(numbered(n, n + 100), numbered(n, n + 100)[:, :1])
        assert torch.equal(image[:, :1], mask)


def test_a_pool_of_nothing_returns_the_current_fakes_cut_from_the_graph() -> None:
    fake = numbered(1).clone().requires_grad_(True) * 2
    (out,) = ImagePool(0)(fake)
    assert torch.equal(out, fake)
    assert not out.requires_grad


def test_a_restored_pool_goes_on_as_the_old_one() -> None:
    first, second = ImagePool(3, seed=1), ImagePool(3, seed=2)
    for n in range(10):
        first(numbered(n), numbered(n))
    second.load_state_dict(first.state_dict())
    for n in range(10, 30):
        assert torch.equal(first(numbered(n), numbered(n))[1], second(numbered(n), numbered(n))[1])


def tensorflow_adam(gradients: list[float], times: list[int], lr: float) -> float:
    """One weight after TensorFlow's updates at the applications ``times`` of a shared optimizer."""
    beta1, beta2, epsilon = 0.5, float(np.float32(0.999)), float(np.float32(1e-8))
    weight = first = second = 0.0
    for gradient, t in zip(gradients, times, strict=True):
        power1 = power2 = np.float32(1)
        for _ in range(t):
            power1, power2 = power1 * np.float32(beta1), power2 * np.float32(beta2)
        first += (gradient - first) * (1 - beta1)
        second += (gradient**2 - second) * (1 - beta2)
        rate = float(np.float32(lr)) * math.sqrt(1 - float(power2)) / (1 - float(power1))
        weight -= rate * first / (math.sqrt(second) + epsilon)
    return weight


def test_adam_in_turns_counts_every_update() -> None:
    weight = nn.Parameter(torch.zeros((), dtype=torch.float64))
    adam = TurnAdam([weight], 1e-3, turn=2, turns=4)
    gradients = [0.3, -0.2, 1e-9, 0.7]
    for number, gradient in enumerate(gradients):
        weight.grad = torch.tensor(gradient, dtype=torch.float64)
        adam.step()
        if number == 1:  # as after a checkpoint
            state = adam.state_dict()
            adam = TurnAdam([weight], 1e-3, turn=2, turns=4)
            adam.load_state_dict(state)
    assert weight.item() == pytest.approx(tensorflow_adam(gradients, [2, 6, 10, 14], 1e-3), rel=1e-12)


def test_adam_in_turns_leaves_frozen_weights_alone() -> None:
    moved, still = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    adam = TurnAdam([moved, still], 1e-3)
    moved.grad = torch.ones(2)
    adam.step()
    assert torch.equal(still, torch.ones(2))
    assert not torch.equal(moved, torch.ones(2))


@pytest.mark.parametrize("release", ["pytorch", "tensorflow"])
def test_two_passes_at_once_are_two_passes_in_a_row(release: str) -> None:
    torch.manual_seed(0)
    discriminator = create_discriminator("ugatit", width=2, release=release).double()
    state = {key: value.clone() for key, value in discriminator.state_dict().items()}
    images = torch.randn(4, 3, 128, 128, dtype=torch.float64)
    apart = [discriminator(half) for half in images.split(2)]
    sum(verdict.logits.square().sum() for half in apart for verdict in half).backward()
    gradients = [p.grad.clone() for p in discriminator.parameters() if p.grad is not None]
    after = {key: value.clone() for key, value in discriminator.state_dict().items()}
    discriminator.load_state_dict(state)
    discriminator.zero_grad()
    together = discriminator(images, passes=2)
    sum(verdict.logits.square().sum() for verdict in together).backward()
    for scale in range(2):
        for field in ("logits", "cam_logits", "heatmap"):
            expected = torch.cat([getattr(half[scale], field) for half in apart])
            torch.testing.assert_close(getattr(together[scale], field), expected)
    torch.testing.assert_close([p.grad for p in discriminator.parameters() if p.grad is not None], gradients)
    torch.testing.assert_close(discriminator.state_dict(), after)


def test_one_pass_over_a_batch_has_one_spectral_norm() -> None:
    torch.manual_seed(0)
    conv, cam = SpectralConv2d(3, 4, 3).double(), CAM(4, spectral="training").double()
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    y = conv(x)
    sigma = torch.linalg.matrix_norm(conv.weight.flatten(1), 2)
    for _ in range(200):
        conv.spectral(conv.weight)
    assert conv.spectral(conv.weight).item() == pytest.approx(sigma.item(), rel=1e-6)
    assert cam(y).logits.shape == (2, 2)


class Doubler(nn.Module):
    """Counts its calls."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm, self.calls = norm, 0

    def forward(self, image: Tensor) -> Translation:
        self.calls += 1
        return Translation(self.norm(image))


def test_images_share_a_pass_unless_batch_norm_would_mix_them() -> None:
    images = [torch.randn(2, 3, 4, 4), torch.randn(1, 3, 4, 4) + 3]
    for norm, calls in ((nn.InstanceNorm2d(3), 1), (nn.BatchNorm2d(3), 2)):
        network = Doubler(norm)
        assert mixes_samples(network) is (calls == 2)
        answers = translate_together(network, *images)
        assert network.calls == calls
        for answer, image in zip(answers, images, strict=True):
            torch.testing.assert_close(answer.image, norm(image))


def test_real_and_fake_share_a_pass() -> None:
    discriminator = PatchDiscriminator(width=4)
    real, fake = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 32, 32)
    on_real, on_fake = discriminate_together(discriminator, real, fake)
    torch.testing.assert_close(on_real[0].logits, discriminator(real)[0].logits)
    torch.testing.assert_close(on_fake[0].logits, discriminator(fake)[0].logits)


def test_freezing_ends_also_after_an_error_and_spares_what_was_frozen() -> None:
    module = nn.Linear(2, 2)
    module.bias.requires_grad_(False)

    def fail() -> None:
        with frozen(module):
            assert not any(p.requires_grad for p in module.parameters())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [p.requires_grad for p in module.parameters()] == [True, False]


def test_initial_weights_are_as_published() -> None:
    conv = initialise(nn.Conv2d(64, 64, 3))
    assert conv.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not conv.bias.any()


def test_the_gradient_penalty_of_a_linear_critic_is_known() -> None:
    slope = torch.randn(3 * 4 * 4, dtype=torch.float64)
    real, fake = torch.randn(2, 5, 3, 4, 4, dtype=torch.float64)
    alpha = torch.rand(5, 1, 1, 1, dtype=torch.float64)
    penalty = losses.gradient_penalty(lambda x: x.flatten(1) @ slope, real, fake, alpha)
    assert penalty.item() == pytest.approx((slope.norm().item() - 1) ** 2)


def test_the_gradient_penalty_looks_at_the_mixed_image() -> None:
    real, fake = torch.full((1, 1, 1, 1), 3.0), torch.full((1, 1, 1, 1), 1.0)
    penalty = losses.gradient_penalty(lambda x: x**2, real, fake, torch.full((1, 1, 1, 1), 0.25))
    assert penalty.item() == pytest.approx((2 * 1.5 - 1) ** 2)


def test_a_class_head_takes_every_size_that_its_layers_round_down_to_it() -> None:
    # image_size as conversion reads it off a 7x7 kernel
    discriminator = create_discriminator("stargan", width=2, layers=2, domains=3, image_size=28)
    assert discriminator(torch.zeros(1, 3, 30, 30))[0].class_logits.shape == (1, 3)
    with pytest.raises(ShapeError, match="built for 28x28"):
        discriminator(torch.zeros(1, 3, 32, 32))


def test_total_variation_counts_each_edge_thrice() -> None:
    mask = torch.tensor([[0.0, 1.0], [0.0, 0.5]])[None, None]
    assert losses.total_variation(mask).item() == pytest.approx(3 * (1.0 + 0.5 + 0.0 + 0.5))


def test_the_area_of_a_mask_is_its_mean() -> None:
    image = torch.zeros(2, 3, 1, 2)
    fake = Translation(image, attention=torch.tensor([[0.0, 1.0], [0.25, 0.75]])[:, None, None])
    trip = RoundTrip(image, image, fake, Translation(image), None, ())
    assert losses.mask_area(trip).item() == pytest.approx(0.5)


def test_terms_that_need_what_is_not_there_say_so() -> None:
    image = torch.zeros(1, 3, 2, 2)
    trip = RoundTrip(image, image, Translation(image), Translation(image), None, ())
    cases: list[tuple[Any, str]] = [
        (losses.identity, "same"),
        (losses.cam, "same"),
        (losses.mask_variation, "attention"),
        (losses.mask_area, "attention"),
    ]
    for term, word in cases:
        with pytest.raises(ConfigError, match=word):
            term(trip)


def test_shifted_images_are_crops_of_the_reflected_ones() -> None:
    images = torch.arange(2 * 3 * 6 * 5.0).view(2, 3, 6, 5).requires_grad_()
    padded = nn.functional.pad(images, (2, 2, 2, 2), mode="reflect")
    crops = [[padded[n, :, y : y + 6, x : x + 5] for y in range(5) for x in range(5)] for n in range(2)]
    random, seen = torch.Generator().manual_seed(0), set()
    for _ in range(60):
        moved = shifted(images, 2, random)
        seen |= {(n, next(i for i, c in enumerate(crops[n]) if torch.equal(c, moved[n]))) for n in range(2)}
    assert len(seen) > 40  # of 50: every image for itself, and all the way
    moved.sum().backward()
    assert images.grad is not None
    assert images.grad.sum() == moved.numel()


def test_images_that_are_not_shifted_draw_no_number() -> None:
    images, random = torch.rand(1, 3, 4, 4), torch.Generator().manual_seed(0)
    before = random.get_state()
    assert shifted(images, 0, random) is images
    assert torch.equal(random.get_state(), before)
    with pytest.raises(ShapeError, match="shift=4 was given for images of 4x4"):
        shifted(images, 4, random)


def test_a_multidomain_discriminator_sees_shifted_images_alone() -> None:
    options = {"width": 2, "blocks": 1, "discriminator_width": 2, "discriminator_layers": 2, "image_size": 16}
    recipe = zoo().recipes.load("stargan")(domains=2, n_critic=1, shift=4, **options)
    image = torch.rand(2, 3, 16, 16)
    seen: list[Tensor] = []
    recipe.networks["D"].register_forward_pre_hook(lambda module, given: seen.append(given[0].detach()))
    recipe.step({"image": image, "label": torch.eye(2)}, lambda name, loss: None)
    shown = torch.cat(seen)
    assert len(shown) == 2 * 4  # real and fake, the mixed ones, and the fake again for the generator
    assert not any(torch.equal(one, whole) for one in shown for whole in image)
