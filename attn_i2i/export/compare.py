"""An exported graph against its network: the same inputs, and how far the answers are apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..types import AttnI2IError, ModelError
from .graph import Example, example

# Sizes that strides divide and that they do not, smaller than strides, and batches that are not the traced one.
TRIALS = ((1, (64, 64)), (3, (50, 83)), (2, (5, 7)))
# Float32 answers of other orders of summation differ by some 1e-6 a layer; the benchmarks use the same bound.
TOLERANCE = 1e-4
SMALLEST = 32  # pixels: below, deep networks have features of one pixel, where graphs have cases of their own
PSNR_CAP = 100.0  # decibels: what equal pictures count as


def trials(network: nn.Module, size: tuple[int, int] | None) -> Iterator[tuple[Example, tuple[Tensor, ...]]]:
    """Inputs and what the network answers to them, for all sizes that the network itself takes."""
    cases = tuple((batch, size) for batch in (1, 3)) if size else TRIALS
    for seed, (batch, shape) in enumerate(cases):
        inputs = example(network, batch, shape, seed)
        try:
            answer = answer_of(network, inputs)
        except (AttnI2IError, RuntimeError):
            continue  # too small a picture for this network, which the graph need not take either
        yield inputs, answer


@torch.no_grad()
def answer_of(network: nn.Module, inputs: Example) -> tuple[Tensor, ...]:
    """The parts of the network's answer, without what it does not give."""
    answer = network(inputs.source) if inputs.domain is None else network(inputs.source, inputs.domain)
    return tuple(part for part in answer if part is not None)


def compare(network: nn.Module, other: nn.Module, size: tuple[int, int] | None, where: object) -> dict[str, Any]:
    """The largest difference of each trial, relative to 1 or to the largest value where that is more.

    A graph may refuse pictures too small for what networks are for, which counts as None; it may not be wrong there.
    Raises ModelError where a difference is beyond 1e-4, or where the graph fails at a size that the network takes.
    """
    errors: dict[str, float | None] = {}
    for inputs, expected in trials(network, size):
        batch, _, height, width = inputs.source.shape
        name = f"{batch}x{height}x{width}"
        try:
            error = _difference(answer_of(other, inputs), expected)
        except (AttnI2IError, RuntimeError) as problem:
            if min(height, width) < SMALLEST:
                errors[name] = None
                continue
            raise ModelError(f"{where} is not kept: its graph fails at {name}: {problem}") from problem
        if not error <= TOLERANCE:
            raise ModelError(
                f"{where} is not kept: at {name} (batch, height, width) its graph differs from the network by"
                f" {error:.1e}, more than {TOLERANCE}."
            )
        errors[name] = error
    compared = [error for error in errors.values() if error is not None]
    if not compared:
        raise ModelError(f"{where} is not kept: the network took no picture that it could be compared by.")
    return {"largest_error": max(compared), "trials": errors}


def same_shapes(network: nn.Module, other: nn.Module, size: tuple[int, int] | None, where: object) -> None:
    """Raise ModelError where the graph's answers are of other shapes than the network's."""
    for inputs, expected in trials(network, size):
        if [part.shape for part in answer_of(other, inputs)] != [part.shape for part in expected]:
            raise ModelError(f"{where} is not kept: its answers to {tuple(inputs.source.shape)} have other shapes.")


def _difference(answer: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    if [part.shape for part in answer] != [part.shape for part in expected]:
        shapes = [tuple(part.shape) for part in answer], [tuple(part.shape) for part in expected]
        raise ModelError(f"the graph gives shapes {shapes[0]}, the network {shapes[1]}.")
    pairs = zip(answer, expected, strict=True)
    return max(float((a - e).abs().max() / e.abs().max().clamp(min=1)) for a, e in pairs)


def psnr(network: nn.Module, other: nn.Module, pictures: Sequence[Example]) -> float:
    """Decibels of the other's images against the network's, over all ``pictures``, whose values span 2."""
    errors = [
        (answer_of(other, inputs)[0].clamp(-1, 1) - answer_of(network, inputs)[0].clamp(-1, 1)).square().mean()
        for inputs in pictures
    ]
    mean = float(torch.stack(errors).mean())
    if mean != mean:  # no number at all
        return 0.0
    return PSNR_CAP if mean == 0 else min(PSNR_CAP, float(10 * torch.log10(4 / torch.tensor(mean))))
