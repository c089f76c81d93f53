"""An exported graph against its network: the same inputs, and how far the answers are apart."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..types import AttnI2IError, ModelError, ShapeError
from .assumed import Case
from .graph import Example, advice, example, reason_of

# Sizes that strides divide and that they do not, smaller than strides, and batches that are not the traced one.
# The example is wider than high, so a picture higher than wide is among them.
TRIALS = ((1, (64, 64)), (3, (83, 50)), (2, (5, 7)))
# Float32 answers of other orders of summation differ by some 1e-6 a layer; the benchmarks use the same bound.
TOLERANCE = 1e-4
SMALLEST = 32  # pixels: below, deep networks have features of one pixel, where graphs have cases of their own
# Norms over a handful of pixels magnify rounding: a network of width 64 is 5e-5 from its own float64 answer at 5x7, and
# 5e-6 at 64x64. A runtime that sums in another order was at three times that.
ROUNDINGS = 10
PSNR_CAP = 100.0  # decibels: what equal pictures count as


def trials(
    network: nn.Module, size: tuple[int, int] | None, also: Sequence[Case] = ()
) -> Iterator[tuple[Example, tuple[Tensor, ...]]]:
    """Inputs and what the network answers to them, for all sizes that the network itself takes."""
    cases = tuple((batch, size) for batch in (1, 3)) if size else TRIALS
    for seed, (batch, shape) in enumerate((*cases, *also)):
        inputs = example(network, batch, shape, seed)
        try:
            answer = answer_of(network, inputs)
        except (AttnI2IError, RuntimeError):
            continue  # too small a picture for this network, which the graph need not take either
        yield inputs, answer


@torch.no_grad()
def answer_of(network: nn.Module, inputs: Example) -> tuple[Tensor, ...]:
    """The parts of the network's answer, without what it does not give."""
    source = inputs.source.clone()  # a network may write into what it gets
    answer = network(source) if inputs.domain is None else network(source, inputs.domain)
    return tuple(part.float() for part in answer if part is not None)


def compare(
    network: nn.Module, other: nn.Module, size: tuple[int, int] | None, where: object, also: Sequence[Case] = ()
) -> dict[str, Any]:
    """The largest difference of each trial, relative to 1 or to the largest value where that is more.

    A graph may refuse pictures too small for what networks are for, which counts as None; it may not be wrong there.
    ``also`` are further trials, a batch and a (height, width) each, which a graph may refuse by a ShapeError. Raises
    ModelError where a difference is beyond 1e-4 (of a side below 32 pixels, and beyond ten times what float32 itself
    takes the network from its float64 answer), where an answer is not finite, or where the graph fails at a size that
    the network takes.
    """
    errors: dict[str, float | None] = {}
    for inputs, expected in trials(network, size, also):
        batch, _, height, width = inputs.source.shape
        name = f"{batch}x{height}x{width}"
        small = min(height, width) < SMALLEST
        if not all(part.isfinite().all() for part in expected):
            if small:  # such as the deviation of one pixel
                errors[name] = None
                continue
            raise ModelError(f"{where} is not kept: at {name} the network itself gives numbers that are not finite.")
        try:
            error = _difference(answer_of(other, inputs), expected)
        except (AttnI2IError, RuntimeError) as problem:
            # A program of PyTorch checks by itself what was assumed.
            refused = isinstance(problem, ShapeError) and (batch, (height, width)) in also
            if small or refused:
                errors[name] = None
                continue
            why = str(problem).rstrip(".")
            raise ModelError(f"{where} is not kept: its graph fails at {name}: {why}.{advice(size)}") from problem
        rounded = small and error > TOLERANCE and error <= ROUNDINGS * _rounding(network, inputs, expected)
        if not (error <= TOLERANCE or rounded):
            again = _difference(answer_of(network, inputs), expected)
            raise ModelError(_too_far(where, name, error, again))
        errors[name] = error
    compared = [error for error in errors.values() if error is not None]
    if not compared:
        raise ModelError(f"{where} is not kept: the network took no picture that it could be compared by.")
    return {"largest_error": max(compared), "trials": errors}


def _rounding(network: nn.Module, inputs: Example, expected: Sequence[Tensor]) -> float:
    """The largest difference of the network's answer from its own in float64; 0 of one that cannot run in float64."""
    try:
        exact = copy.deepcopy(network).double()
        wide = Example(*(None if part is None else part.double() for part in inputs))  # type: ignore[arg-type]
        return _difference(expected, answer_of(exact, wide))
    except (AttnI2IError, RuntimeError):
        return 0.0


def _too_far(where: object, name: str, error: float, again: float) -> str:
    """What to say of a difference; ``again`` is the one between two answers of the network itself."""
    random = "" if again <= TOLERANCE else " The network gives another answer each time: does it draw random numbers?"
    return (
        f"{where} is not kept: at {name} (batch, height, width) its graph differs from the network by {error:.1e}, more"
        f" than {TOLERANCE}.{random}"
    )


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
    errors = [(a - e).abs().max() / e.abs().max().clamp(min=1) for a, e in pairs if e.numel()]
    return float(torch.stack(errors).max()) if errors else 0.0  # of tensors, because max() of floats passes over nan


def psnr(network: nn.Module, other: nn.Module, pictures: Sequence[Example]) -> float:
    """Decibels of the other's images against the network's, over all ``pictures``, whose values span 2."""
    errors = []
    for inputs in pictures:
        try:
            answer, expected = (answer_of(each, inputs)[0].clamp(-1, 1) for each in (other, network))
            errors.append((answer - expected).square().mean())
        except RuntimeError as error:  # of a picture that is too small for the network
            size = "x".join(map(str, inputs.source.shape[-2:]))
            raise ModelError(f"A picture of {size} (height, width) cannot be compared: {reason_of(error)}.") from error
    mean = float(torch.stack(errors).mean())
    if mean != mean:  # no number at all
        return 0.0
    return PSNR_CAP if mean == 0 else min(PSNR_CAP, float(10 * torch.log10(4 / torch.tensor(mean))))
