"""Convolutions and norms take short cuts; the answer and its gradients are torch's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attn_i2i.blocks import ResBlock, allow_winograd, convolution
from attn_i2i.blocks.convolution import Conv2d, ConvTranspose2d, UpConv2d, conv2d_by_columns
from attn_i2i.blocks.instance_norm import InstanceNorm2d
from attn_i2i.blocks.winograd import winograd_conv2d


def double(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


@pytest.fixture
def rounding_allowed() -> Iterator[None]:
    torch.set_float32_matmul_precision("high")
    yield
    torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize(("batch", "height", "width"), [(1, 4, 4), (2, 8, 12), (3, 1, 7), (1, 9, 6)])
def test_winograd_is_a_convolution_at_any_size(batch: int, height: int, width: int) -> None:
    x, weight, bias = double(batch, 3, height + 2, width + 2), double(5, 3, 3, 3), double(5)
    torch.testing.assert_close(winograd_conv2d(x, weight, bias), F.conv2d(x, weight, bias), rtol=0, atol=1e-11)
    torch.testing.assert_close(winograd_conv2d(x, weight, None), F.conv2d(x, weight), rtol=0, atol=1e-11)


@pytest.mark.parametrize(("height", "width"), [(8, 4), (5, 7)])
def test_winograd_has_a_convolutions_gradients(height: int, width: int) -> None:
    given = [double(*shape).requires_grad_() for shape in ((2, 2, height + 2, width + 2), (3, 2, 3, 3), (3,))]
    assert torch.autograd.gradcheck(winograd_conv2d, given)
    assert torch.autograd.gradgradcheck(winograd_conv2d, given, fast_mode=True)


def test_winograd_is_traced_by_its_shape_alone() -> None:
    arguments = [double(*shape).requires_grad_() for shape in ((2, 3, 7, 10), (4, 3, 3, 3), (4,))]
    answers = torch.library.opcheck(winograd_conv2d, arguments, test_utils=("test_schema", "test_faketensor"))
    assert answers == {"test_schema": "SUCCESS", "test_faketensor": "SUCCESS"}


def test_each_gradient_of_winograd_can_be_asked_for_alone() -> None:
    given = [double(*shape) for shape in ((2, 3, 7, 10), (4, 3, 3, 3), (4,))]
    for number in range(3):
        parts = [part.clone().requires_grad_(place == number) for place, part in enumerate(given)]
        ours, torchs = (torch.autograd.grad(f(*parts).sin().sum(), parts[number]) for f in (winograd_conv2d, F.conv2d))
        torch.testing.assert_close(ours, torchs)


@pytest.mark.parametrize(
    ("batch", "height", "width", "quick"), [(4, 16, 16, True), (3, 16, 16, False), (1, 29, 32, True)]
)
@pytest.mark.usefixtures("rounding_allowed")
def test_winograd_is_for_many_tiles(batch: int, height: int, width: int, quick: bool) -> None:
    method = Conv2d(128, 128, 3)._method(torch.empty(batch, 128, height, width))
    assert (method is winograd_conv2d) == quick


def test_winograd_rounds_little_in_float32() -> None:
    given = double(1, 128, 34, 34), double(64, 128, 3, 3)
    single = [part.float().requires_grad_() for part in given]
    ours, expected = winograd_conv2d(*single, None), F.conv2d(*[part.requires_grad_() for part in given])
    weights = torch.randn_like(expected)
    gradients = torch.autograd.grad(ours, single, weights.float()), torch.autograd.grad(expected, given, weights)
    for one, other in zip((ours, *gradients[0]), (expected, *gradients[1]), strict=True):
        assert (one - other).std() / other.std() < 3e-6


def test_columns_make_the_convolution() -> None:
    x, weight, bias = double(2, 5, 150, 13), double(3, 5, 7, 7), double(3)
    torch.testing.assert_close(conv2d_by_columns(x, weight, bias), F.conv2d(x, weight, bias))
    torch.testing.assert_close(conv2d_by_columns(x, weight), F.conv2d(x, weight))


@pytest.mark.parametrize("mode", ["zeros", "reflect"])
@pytest.mark.parametrize(("inputs", "outputs", "kernel"), [(4, 3, 7), (128, 128, 3), (4, 5, 1), (4, 27, 7)])
@pytest.mark.usefixtures("rounding_allowed")
def test_conv2d_answers_as_torch_does(mode: str, inputs: int, outputs: int, kernel: int) -> None:
    ours = Conv2d(inputs, outputs, kernel, padding_mode=mode).double()  # type: ignore[arg-type]
    torchs = nn.Conv2d(inputs, outputs, kernel, padding="same", padding_mode=mode).double()
    torchs.load_state_dict(ours.state_dict())
    x = double(1, inputs, 32, 33)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), torchs(x), rtol=0, atol=1e-11)
    expected = torch.autograd.grad(torchs(x).square().sum(), list(torchs.parameters()))
    torch.testing.assert_close(torch.autograd.grad(ours(x).square().sum(), list(ours.parameters())), expected)


@torch.no_grad()
def test_float32_rounds_as_torch_does_unless_more_is_allowed() -> None:
    block, x = ResBlock(128), torch.randn(1, 128, 32, 32)
    conv, padded = block.first.conv, F.pad(x, (1, 1, 1, 1), mode="reflect")
    expected = F.conv2d(padded, conv.weight, conv.bias)
    assert torch.equal(conv(x), expected)
    allow_winograd(block)
    assert torch.equal(conv(x), winograd_conv2d(padded, conv.weight, conv.bias))
    assert not torch.equal(conv(x), expected)
    allow_winograd(block, None)
    assert torch.equal(conv(x), expected)
    torch.set_float32_matmul_precision("high")
    try:
        assert not torch.equal(conv(x), expected)
        allow_winograd(block, False)
        assert torch.equal(conv(x), expected)
    finally:
        torch.set_float32_matmul_precision("highest")


@torch.no_grad()
@pytest.mark.usefixtures("rounding_allowed")
def test_short_cuts_are_not_taken_in_half_precision_or_exports() -> None:
    conv = Conv2d(128, 128, 3)
    x = torch.randn(1, 128, 32, 32)
    half = conv.to(torch.bfloat16)(x.bfloat16())
    assert torch.equal(half, F.conv2d(x.bfloat16(), conv.weight, conv.bias, padding=1))
    graph = torch.export.export(conv.float(), (x,)).graph
    operators = {str(node.target) for node in graph.nodes if node.op == "call_function"}
    assert operators == {"aten.conv2d.default"}


@pytest.mark.parametrize("kernel", [1, 3, 7])
@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 9)])
def test_up_conv_is_doubling_padding_and_convolution(kernel: int, height: int, width: int) -> None:
    up, x = UpConv2d(3, 2, kernel).double(), double(2, 3, height, width).requires_grad_()
    pad = kernel // 2
    padded = F.pad(F.interpolate(x, scale_factor=2, mode="nearest"), (pad,) * 4, mode="reflect")
    expected = F.conv2d(padded, up.weight, up.bias)
    torch.testing.assert_close(up(x), expected)
    given = [x, *up.parameters()]
    torch.testing.assert_close(
        torch.autograd.grad(up(x).square().sum(), given), torch.autograd.grad(expected.square().sum(), given)
    )


def test_up_conv_takes_a_single_pixel() -> None:
    up, x = UpConv2d(3, 2, 3).double(), double(1, 3, 1, 1)
    expected = F.conv2d(x.expand(1, 3, 4, 4), up.weight, up.bias)
    torch.testing.assert_close(up(x), expected)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("outputs", [1, 5])
def test_transposed_convolution_by_halves_is_torchs(outputs: int, bias: bool) -> None:
    ours = ConvTranspose2d(3, outputs, 4, 2, 1, bias=bias).double()
    x = double(2, 3, 5, 6)
    expected = F.conv_transpose2d(x, ours.weight, ours.bias, 2, 1)
    torch.testing.assert_close(ours(x), expected)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), expected)


@pytest.mark.parametrize("affine", [False, True])
def test_instance_norm_is_torchs(affine: bool) -> None:
    ours, torchs = InstanceNorm2d(6, affine=affine).double(), nn.InstanceNorm2d(6, affine=affine).double()
    if affine:
        nn.init.normal_(ours.weight)
        nn.init.normal_(ours.bias)
    torchs.load_state_dict(ours.state_dict())
    x = (double(2, 6, 5, 7) + 3).requires_grad_()
    torch.testing.assert_close(ours(x), torchs(x))
    torch.testing.assert_close(
        torch.autograd.grad(ours(x).pow(3).sum(), x), torch.autograd.grad(torchs(x).pow(3).sum(), x)
    )


def test_the_compiler_takes_the_precision_for_a_constant() -> None:
    marked = torch.compiler.assume_constant_result(lambda: None)
    assert vars(marked).keys() == vars(convolution._rounding_allowed).keys()
