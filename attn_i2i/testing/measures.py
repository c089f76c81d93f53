"""What a measure promises."""

from __future__ import annotations

import inspect
import math

import torch
from torch import Tensor

from ..evaluate.needs import NEEDS
from ..interfaces import RGB, Measure
from .contract import ContractError, call, check_finite, check_shape, expect
from .unchanged import unchanged_inputs

OVER, BETTER = ("pictures", "set", "model", "video"), ("higher", "lower", None)
COUNT, SIDE = 2, 192  # pictures and their side; MS-SSIM needs 176 pixels
PICTURES, FEATURES = 12, 8  # of a set; more pictures than features, so that covariances have full rank


def check_measure(measure: Measure) -> None:
    """Raise ContractError unless ``measure`` can be run and read.

    Its needs have names, its function takes as many, and it says what it is over and which way is better. A measure
    that needs nothing but pictures, masks or features is run on random ones. It returns a finite number for each
    picture, which depends on no other picture, or one for a set. It changes no argument.
    """
    if not isinstance(measure, Measure):
        raise ContractError(f"The measure is of type {type(measure).__name__}, expected attn_i2i.interfaces.Measure.")
    unknown = [need for need in measure.needs if need not in NEEDS]
    if unknown or not measure.needs:
        problem = f"{unknown[0]!r} is" if unknown else "Nothing is"
        raise ContractError(f"{problem} named as what the measure needs: expected names of {', '.join(NEEDS)}.")
    try:
        inspect.signature(measure.function).bind(*measure.needs)
    except TypeError as error:
        raise ContractError(f"Its function does not take the {len(measure.needs)} needs: {error}.") from error
    if not measure.summary:
        raise ContractError("Its function has no docstring, and it has no summary: say in one line what it tells.")
    for name, kinds in (("over", OVER), ("better", BETTER)):
        value = getattr(measure, name)
        expect(value in kinds, f"{name} is {value!r}: expected one of {', '.join(map(repr, kinds))}.")
    samples = _samples()
    if all(need in samples for need in measure.needs):
        _run(measure, [samples[need] for need in measure.needs])


def _run(measure: Measure, arguments: list[object]) -> None:
    """The measure over ``arguments``, all of them and the first picture alone."""
    inputs = {need: value for need, value in zip(measure.needs, arguments, strict=True) if isinstance(value, Tensor)}
    with unchanged_inputs(inputs, "The measure"):
        values = call(measure.function, *arguments, doing=f"Calling it with {', '.join(measure.needs)}")
    if measure.over == "set":
        value = call(float, values, doing="Taking what it returned for a number")
        expect(math.isfinite(value), f"It returned {value} for random features: expected a finite number.")
        return
    check_shape("What it returned", values, (COUNT,), "one number a picture.")
    check_finite([("What it returned", values)], "for random pictures")
    first = [value[:1] if isinstance(value, Tensor) else value for value in arguments]
    alone = call(measure.function, *first, doing="Calling it with one picture")
    check_shape("What it returned for one picture", alone, (1,), "one number a picture.")
    same = torch.allclose(alone, values[:1], rtol=1e-3, atol=1e-5)
    expect(same, "The number of a picture depends on the others of its batch: reduce over the other dimensions only.")


def _samples() -> dict[str, object]:
    """Random values of what measures need, where those are tensors and numbers."""
    source = torch.Generator().manual_seed(0)
    light = torch.linspace(1, 0.5, COUNT)[:, None, None, None]  # no two pictures are of the same brightness
    shape = COUNT, RGB, SIDE, SIDE
    pictures = {name: light * torch.rand(shape, generator=source) for name in ("output", "source", "truth")}
    names = ("mask", "area", "attention")
    masks = {name: (2 * torch.rand(COUNT, 1, SIDE, SIDE, generator=source) - 1).relu() for name in names}
    sets = ("output_features", "target_features", "source_features")
    features = {name: torch.randn(PICTURES, FEATURES, generator=source) for name in sets}
    maps = {name: torch.randn(COUNT, FEATURES, 4, 4, generator=source) for name in ("output_maps", "source_maps")}
    cycled, true_mask = pictures["truth"].flip(0), masks["area"] > 0
    return {**pictures, **masks, **features, **maps, "cycled": cycled, "true_mask": true_mask, "threshold": 0.5}
