"""Winograd's minimal filtering F(4x4, 3x3): a 3x3 convolution and its gradients in a quarter of the multiplications.

Lavin and Gray, arXiv:1509.09308, with the points 0, 1, 1/2, -2, -3/4 and infinity, which round less than theirs
(after Barabasz et al., arXiv:1803.10986). In float32 the answer differs from the direct one by about 2e-6 of its
deviation, against 2e-7 for the direct one's own rounding.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_input, conv2d_weight

TILE, TAPS = 4, 3  # F(4x4, 3x3): a quarter of the multiplications (Lavin and Gray 2016)
SIDE = TILE + TAPS - 1  # of the input that one tile of the output needs
CHANNELS_AT_ONCE = 64  # a choice: the intermediate tensors then mostly stay in the processor's cache
POINTS = (0.0, 1.0, 0.5, -2.0, -0.75)  # and infinity; see above for why these


def _polynomial(roots: list[float]) -> list[float]:
    """Coefficients of the product of (x - root), lowest power first."""
    coefficients = [1.0]
    for root in roots:
        shifted = [0.0, *coefficients]
        coefficients = [a - root * b for a, b in zip(shifted, [*coefficients, 0.0], strict=True)]
    return coefficients


def _transforms() -> tuple[Tensor, Tensor, Tensor]:
    """The transforms of tiles (36, 36), kernels (36, 9) and products (16, 36): Kronecker squares of Toom and Cook's."""
    others = [[q for q in POINTS if q != p] for p in POINTS]
    scales = [math.prod(p - q for q in rest) for p, rest in zip(POINTS, others, strict=True)]
    tiles = [[*_polynomial(rest), 0.0] for rest in others] + [_polynomial(list(POINTS))]
    kernels = [[p**j / scale for j in range(TAPS)] for p, scale in zip(POINTS, scales, strict=True)]
    kernels.append([0.0] * (TAPS - 1) + [1.0])
    products = [[p**i for p in POINTS] + [float(i == TILE - 1)] for i in range(TILE)]
    squares = [torch.tensor(rows, dtype=torch.float64, device="cpu") for rows in (tiles, kernels, products)]
    return torch.kron(squares[0], squares[0]), torch.kron(squares[1], squares[1]), torch.kron(squares[2], squares[2])


TILE_TRANSFORM, KERNEL_TRANSFORM, PRODUCT_TRANSFORM = _transforms()


@torch.library.custom_op("attn_i2i::winograd_conv2d", mutates_args=())
def winograd_conv2d(padded: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """What ``conv2d(padded, weight, bias)`` gives: (B, I, H+2, W+2) and (O, I, 3, 3) to (B, O, H, W).

    Meant for float32 and float64. It works on CHANNELS_AT_ONCE channels at a time, because the intermediate tensors
    then mostly stay in the cache. For a moment it holds some 2.3 times the input besides.

    >>> winograd_conv2d(torch.ones(1, 2, 7, 9), torch.ones(4, 2, 3, 3), None).shape
    torch.Size([1, 4, 5, 7])
    """
    return winograd_forward(padded, weight, bias)


def winograd_forward(padded: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """As ``winograd_conv2d``, without gradients. An operator's first call imports PyTorch's compiler; this does not."""
    batch, height, width = padded.shape[0], padded.shape[2] - 2, padded.shape[3] - 2
    down, across = -(-height // TILE), -(-width // TILE)
    tiles = _transformed_tiles(padded, height, width)
    output = padded.new_empty(batch, len(weight), down, TILE, across, TILE)
    to_pixels = PRODUCT_TRANSFORM.to(tiles)
    for start in range(0, len(weight), CHANNELS_AT_ONCE):
        some = slice(start, start + CHANNELS_AT_ONCE)
        products = torch.bmm(_transformed_kernels(weight[some]), tiles).flatten(1)
        pixels = (to_pixels @ products).view(TILE, TILE, -1, batch, down, across).permute(3, 2, 4, 0, 5, 1)
        if bias is None:
            output[:, some] = pixels
        else:
            torch.add(pixels, bias[some, None, None, None, None], out=output[:, some])
    return output.view(batch, len(weight), down * TILE, across * TILE)[..., :height, :width].contiguous()


@winograd_conv2d.register_fake
def _(padded: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return padded.new_empty(len(padded), len(weight), padded.shape[2] - 2, padded.shape[3] - 2)


@torch.library.custom_op("attn_i2i::winograd_weight_gradient", mutates_args=())
def _weight_gradient(padded: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of the (O, I, 3, 3) kernel from that of the (B, O, H, W) output: the transposed algorithm."""
    height, width = gradient.shape[2:]
    outer = _transformed(_squares(gradient, height, width, TILE), PRODUCT_TRANSFORM.T)
    to_kernels = KERNEL_TRANSFORM.to(outer).T
    answer = padded.new_empty(gradient.shape[1], padded.shape[1], TAPS, TAPS)
    for start in range(0, padded.shape[1], CHANNELS_AT_ONCE):
        some = slice(start, start + CHANNELS_AT_ONCE)
        products = torch.bmm(outer, _transformed_tiles(padded[:, some], height, width).transpose(1, 2)).flatten(1)
        answer[:, some] = (to_kernels @ products).view(TAPS, TAPS, len(answer), -1).permute(2, 3, 0, 1)
    return answer


@_weight_gradient.register_fake
def _(padded: Tensor, gradient: Tensor) -> Tensor:
    return padded.new_empty(gradient.shape[1], padded.shape[1], TAPS, TAPS)


def _keep_for_backward(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:2])


def _backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """The input's gradient is a convolution as well; both are torch's own where they will be differentiated again."""
    padded, weight = ctx.saved_tensors
    to_input = to_weight = to_bias = None
    twice = torch.is_grad_enabled()
    if ctx.needs_input_grad[0] and twice:
        to_input = conv2d_input(padded.shape, weight, gradient)
    elif ctx.needs_input_grad[0]:
        to_input = winograd_conv2d(F.pad(gradient, (2, 2, 2, 2)), weight.flip(2, 3).transpose(0, 1), None)
    if ctx.needs_input_grad[1]:
        to_weight = conv2d_weight(padded, weight.shape, gradient) if twice else _weight_gradient(padded, gradient)
    if ctx.needs_input_grad[2]:
        to_bias = gradient.sum((0, 2, 3))
    return to_input, to_weight, to_bias


winograd_conv2d.register_autograd(_backward, setup_context=_keep_for_backward)


def _transformed_kernels(weight: Tensor) -> Tensor:
    """(36, O, I): the transform of (O, I, 3, 3) kernels."""
    return (KERNEL_TRANSFORM.to(weight) @ weight.flatten(2).flatten(0, 1).T).unflatten(1, weight.shape[:2])


def _transformed_tiles(padded: Tensor, height: int, width: int) -> Tensor:
    """(36, I, tiles): the transform of the 6x6 pixels that each 4x4 pixels of the (height, width) output see."""
    return _transformed(_squares(padded, height, width, SIDE), TILE_TRANSFORM)


def _squares(image: Tensor, height: int, width: int, side: int) -> Tensor:
    """Squares of ``side`` pixels, a tile apart, that cover (height, width): (side, side, C, B, down, across)."""
    if height % TILE or width % TILE:
        image = F.pad(image, (0, -width % TILE, 0, -height % TILE))
    return image.unfold(2, side, TILE).unfold(3, side, TILE).permute(4, 5, 1, 0, 2, 3)


def _transformed(squares: Tensor, transform: Tensor) -> Tensor:
    """A transform (N, side * side) of squares to (N, C, tiles), some channels at a time."""
    channels = squares.shape[2]
    answer = squares.new_empty(len(transform), squares[0, 0].numel())
    transform = transform.to(squares)
    for some, columns in zip(
        squares.split(CHANNELS_AT_ONCE, 2), answer.split(CHANNELS_AT_ONCE * squares[0, 0, 0].numel(), 1), strict=True
    ):
        torch.mm(transform, some.reshape(transform.shape[1], -1), out=columns)
    return answer.unflatten(1, (channels, -1))
