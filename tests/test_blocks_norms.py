"""AdaLIN, LIN, CAM and spectral norm against their definitions written out, and against torch's own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from attn_i2i.blocks import (
    CAM,
    LIN,
    AdaLIN,
    AdaLINResBlock,
    SpectralConv2d,
    SpectralNorm,
    StyleMLP,
    layer_instance_norm,
)
from attn_i2i.types import ConfigError, ShapeError


def double(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def defined(x: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor, unbiased: bool) -> Tensor:
    """Equation (1) of U-GAT-IT as it stands there."""
    correction = int(unbiased)

    def normalised(*dims: int) -> Tensor:
        mean, variance = x.mean(dims, keepdim=True), x.var(dims, correction=correction, keepdim=True)
        return (x - mean) / (variance + 1e-5).sqrt()

    rho, gamma, beta = (p.reshape(-1, x.shape[1], 1, 1) for p in (rho, gamma, beta))
    return gamma * (rho * normalised(2, 3) + (1 - rho) * normalised(1, 2, 3)) + beta


@pytest.mark.parametrize("unbiased", [True, False])
def test_adalin_is_equation_1(unbiased: bool) -> None:
    norm = AdaLIN(6, rho=0.3, unbiased=unbiased).double()
    x, gamma, beta = double(2, 6, 5, 4) * 3 + 7, double(2, 6), double(2, 6)
    torch.testing.assert_close(norm(x, gamma, beta), defined(x, norm.rho, gamma, beta, unbiased))


@pytest.mark.parametrize("unbiased", [True, False])
def test_lin_is_equation_1_with_its_own_gamma_and_beta(unbiased: bool) -> None:
    norm = LIN(6, rho=0.7, unbiased=unbiased).double()
    nn.init.normal_(norm.gamma)
    nn.init.normal_(norm.beta)
    x = double(2, 6, 5, 4)
    torch.testing.assert_close(norm(x), defined(x, norm.rho, norm.gamma, norm.beta, unbiased))


def test_rho_is_shifted_and_clipped() -> None:
    shifted, plain = AdaLIN(3, rho_shift=0.1).double(), AdaLIN(3).double()
    shifted.rho.data = torch.tensor([0.05, 0.6, 1.4], dtype=torch.float64)
    plain.rho.data = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    given = double(1, 3, 4, 4), double(1, 3), double(1, 3)
    torch.testing.assert_close(shifted(*given), plain(*given))


@pytest.mark.parametrize("norm", [AdaLIN(3), LIN(3)], ids=["AdaLIN", "LIN"])
def test_rho_counts_within_its_bounds_whatever_a_loop_makes_of_it(norm: nn.Module) -> None:
    norm.double()
    given = (double(2, 3, 4, 4), *((double(2, 3), double(2, 3)) if isinstance(norm, AdaLIN) else ()))
    answers = []
    for values in ([-0.39, 0.5, 2.6], [0.0, 0.5, 1.0]):
        norm.rho.data = torch.tensor(values, dtype=torch.float64)
        answers.append(norm(*given))
    torch.testing.assert_close(*answers)


def test_inside_its_bounds_rho_has_the_gradient_of_equation_1_and_outside_it_can_come_back() -> None:
    norm, x, gamma, beta = AdaLIN(3).double(), double(2, 3, 4, 4), double(2, 3), double(2, 3)
    norm.rho.data = torch.tensor([0.0, 0.4, 1.0], dtype=torch.float64)
    (published,) = torch.autograd.grad(layer_instance_norm(x, norm.rho, gamma, beta).square().sum(), norm.rho)
    (gradient,) = torch.autograd.grad(norm(x, gamma, beta).square().sum(), norm.rho)
    assert torch.equal(gradient, published)
    norm.rho.data = torch.tensor([-0.5, 0.4, 1.5], dtype=torch.float64)
    (gradient,) = torch.autograd.grad(norm(x, gamma, beta).square().sum(), norm.rho)
    torch.testing.assert_close(gradient, published)


def test_a_style_sets_the_norms_of_a_block_and_reads_maps_of_its_size_only() -> None:
    block, style, features = AdaLINResBlock(4), StyleMLP(4, positions=12), torch.randn(2, 4, 3, 4)
    assert block(features, *style(features)).shape == features.shape
    with pytest.raises(ShapeError, match="maps of 12 positions, got 4x4"):
        style(torch.randn(2, 4, 4, 4))
    assert [t.shape for t in StyleMLP(4)(torch.randn(2, 4, 5, 7))] == [(2, 4), (2, 4)]


def test_a_constant_map_is_normalised_to_beta() -> None:
    norm, x = AdaLIN(4, rho=1.0), torch.full((1, 4, 3, 3), 5.0, requires_grad=True)
    output = norm(x, torch.ones(1, 4), torch.full((1, 4), 0.25))
    assert torch.equal(output, torch.full_like(x, 0.25))
    output.sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_far_from_zero_float32_keeps_its_digits() -> None:
    x, rho, gamma, beta = torch.randn(1, 8, 16, 16) + 1000, torch.rand(8), torch.rand(1, 8), torch.rand(1, 8)
    expected = defined(*(t.double() for t in (x, rho, gamma, beta)), unbiased=True)
    assert (layer_instance_norm(x, rho, gamma, beta) - expected).abs().max() < 1e-3


def test_half_precision_takes_its_statistics_in_float32() -> None:
    x = torch.randn(1, 8, 32, 32, dtype=torch.bfloat16)
    norm = LIN(8, rho=0.5)
    assert norm.bfloat16()(x).dtype == torch.bfloat16
    assert (norm(x).float() - norm.float()(x.float())).abs().max() < 2e-2


def test_one_pixel_has_no_unbiased_variance() -> None:
    with pytest.raises(ShapeError, match="at least two pixels"):
        LIN(3)(torch.zeros(1, 3, 1, 1))
    assert torch.equal(LIN(3, unbiased=False, rho=1.0)(torch.ones(1, 3, 1, 1)), torch.zeros(1, 3, 1, 1))


@pytest.mark.parametrize("unbiased", [True, False])
def test_gradients_of_the_norm(unbiased: bool) -> None:
    given = [t.requires_grad_() for t in (double(2, 3, 2, 3), double(3), double(2, 3), double(2, 3))]
    assert torch.autograd.gradcheck(lambda *a: layer_instance_norm(*a, unbiased=unbiased), given)


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("size", [(5, 7), (1, 2), (16, 9)])
def test_exported_graphs_have_the_same_numbers(
    size: tuple[int, int], unbiased: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randn(2, 8, *size, dtype=torch.float64) * 3 + 1
    rho, shared, own = (torch.rand(shape, dtype=torch.float64) for shape in ((8,), (2, 8), (8,)))
    expected = [layer_instance_norm(x, rho, gamma, gamma + 1, unbiased=unbiased) for gamma in (shared, own)]
    monkeypatch.setattr("attn_i2i.blocks.adalin.exporting", lambda: True)
    for gamma, norm in zip((shared, own), expected, strict=True):
        graph = layer_instance_norm(x, rho, gamma, gamma + 1, unbiased=unbiased)
        torch.testing.assert_close(graph, norm, rtol=0, atol=1e-12)
        assert layer_instance_norm(x.bfloat16(), rho, gamma, gamma, unbiased=unbiased).dtype == torch.bfloat16


def test_adalin_block_is_two_normalised_convolutions_and_a_sum() -> None:
    block = AdaLINResBlock(4).double()
    x, gamma, beta = double(2, 4, 6, 5).requires_grad_(), double(2, 4), double(2, 4)

    def step(y: Tensor, conv: nn.Conv2d, norm: AdaLIN) -> Tensor:
        return defined(F.conv2d(F.pad(y, (1,) * 4, mode="reflect"), conv.weight), norm.rho, gamma, beta, True)

    expected = x + step(step(x, block.first, block.first_norm).relu(), block.second, block.second_norm)
    given = [x, *block.parameters()]
    torch.testing.assert_close(block(x, gamma, beta), expected)
    torch.testing.assert_close(
        torch.autograd.grad(block(x, gamma, beta).square().sum(), given),
        torch.autograd.grad(expected.square().sum(), given),
    )


def test_a_steered_block_has_one_of_two_norms() -> None:
    with pytest.raises(ConfigError, match="norm='instance' is not known: choose 'adalin' or 'adain'"):
        AdaLINResBlock(4, norm="instance")  # type: ignore[arg-type]


def test_first_classifiers_lie_within_the_bound_of_a_linear_layer() -> None:
    torch.manual_seed(0)
    drawn = torch.cat(list(CAM(400).weights))
    assert 0.9 / 20 < drawn.max() <= 1 / 20
    assert -1 / 20 <= drawn.min() < -0.9 / 20


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_cam_is_two_scalings_and_one_convolution(slope: float) -> None:
    cam, x = CAM(5, slope=slope).double(), double(2, 5, 4, 3)
    pools = F.adaptive_avg_pool2d(x, 1).flatten(1), F.adaptive_max_pool2d(x, 1).flatten(1)
    logits = [F.linear(pool, weight) for pool, weight in zip(pools, cam.weights, strict=True)]
    scaled = torch.cat([x * weight[:, :, None, None] for weight in cam.weights], 1)
    features = F.leaky_relu(cam.mix(scaled), slope)
    output = cam(x)
    torch.testing.assert_close(output.features, features)
    torch.testing.assert_close(output.logits, torch.cat(logits, 1))
    torch.testing.assert_close(output.heatmap, features.sum(1, keepdim=True))


def test_a_shared_cam_adds_its_bias_to_weights_and_logits() -> None:
    cam, x = CAM(5, shared=True).double(), double(2, 5, 4, 3)
    assert cam.bias is not None
    nn.init.constant_(cam.bias, 0.7)
    pools = F.adaptive_avg_pool2d(x, 1).flatten(1), F.adaptive_max_pool2d(x, 1).flatten(1)
    scaled = x * (cam.weights[0] + 0.7)[:, :, None, None]
    torch.testing.assert_close(cam(x).features, cam.mix(torch.cat([scaled, scaled], 1)).relu())
    expected = torch.cat([F.linear(pool, cam.weights[0], cam.bias) for pool in pools], 1)
    torch.testing.assert_close(cam(x).logits, expected)


def test_gradients_of_the_cam() -> None:
    cam = CAM(3, slope=0.2, spectral="training").double().eval()
    x = double(2, 3, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(cam(x)), [x])


@pytest.mark.parametrize("scale_by", ["raw", "normalised"])
def test_a_normalised_cam_divides_by_the_norm_of_its_row(scale_by: str) -> None:
    cam, x = CAM(4, spectral="training", scale_by=scale_by).double(), double(1, 4, 3, 3)  # type: ignore[arg-type]
    unit = [weight / weight.norm() for weight in cam.weights]
    by = list(cam.weights) if scale_by == "raw" else unit
    scaled = torch.cat([x * weight[:, :, None, None] for weight in by], 1)
    output = cam(x)
    torch.testing.assert_close(output.features, cam.mix(scaled).relu())
    expected = torch.cat([F.linear(x.mean((2, 3)), unit[0]), F.linear(x.amax((2, 3)), unit[1])], 1)
    torch.testing.assert_close(output.logits, expected)


def test_spectral_convolution_trains_as_torchs_does() -> None:
    ours = SpectralConv2d(3, 4, 3, stride=2).double()
    theirs = spectral_norm(nn.Conv2d(3, 4, 3, 2).double())
    given = {"weight_orig": ours.weight, "weight_u": ours.spectral.u, "weight_v": ours.spectral.v, "bias": ours.bias}
    theirs.load_state_dict(given)
    optimizers = [torch.optim.SGD(module.parameters(), 0.1) for module in (ours, theirs)]
    for step in range(6):
        training = step != 3  # one step in evaluation mode must leave the vectors alone
        x = double(2, 3, 8, 8)
        for module, optimizer in zip((ours, theirs), optimizers, strict=True):
            module.train(training)
            optimizer.zero_grad()
            module(x).square().mean().backward()
            optimizer.step()
        torch.testing.assert_close(ours(x), theirs(x))
    state = theirs.state_dict()
    torch.testing.assert_close(ours.weight.data, state["weight_orig"])
    torch.testing.assert_close(ours.spectral.u, state["weight_u"])


def test_an_always_iterating_norm_keeps_its_vector_in_training_only() -> None:
    norm, weight = SpectralNorm(4, 6, "always").double(), double(4, 6)
    before = norm.u.clone()
    first = norm.eval()(weight)
    assert torch.equal(norm(weight), first)
    assert torch.equal(norm.u, before)
    for _ in range(200):
        norm.train()(weight)
    torch.testing.assert_close(norm(weight)[0], torch.linalg.matrix_norm(weight, 2))


def test_passes_are_calls_one_after_another() -> None:
    together, apart = SpectralConv2d(3, 4, 3).double(), SpectralConv2d(3, 4, 3).double()
    apart.load_state_dict(together.state_dict())
    x = double(4, 3, 6, 6)
    expected = torch.cat([apart(part) for part in x.chunk(2)])
    torch.testing.assert_close(together(x, passes=2), expected)
    torch.testing.assert_close(together.spectral.u, apart.spectral.u)
