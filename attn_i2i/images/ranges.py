"""Which stored values stand for 0 and 1: explicit, the same for a whole series, and inverted on the way out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ..types import ConfigError
from .values import strips

Numbers: TypeAlias = "np.ndarray[Any, Any]"
DTYPE = "dtype"  # the word for all that a type can hold
EXAMPLES = "range='dtype', range='0,4095' or range='percentile:0.1,99.9'"
USUAL = "range='0,4095'"  # of a camera of 12 bits, where a picture itself gives no better example
SAMPLES = 2**18  # numbers of a picture that stand for all, where they are too many kinds to be counted


class Range(NamedTuple):
    """The stored values that stand for 0 and for 1; ``low`` may be the larger one, where white is stored as 0."""

    low: float
    high: float

    def unit(self, numbers: Numbers) -> Tensor:
        """Stored numbers as float32, 0 at ``low`` and 1 at ``high``; those beyond lie outside [0, 1]."""
        result = torch.empty(numbers.shape, dtype=torch.float32)
        for rows in strips(numbers.shape):  # float64 is large
            part = (numbers[rows].astype(np.float64) - self.low) / (self.high - self.low)
            result[rows] = torch.from_numpy(part)
        return result

    def numbers(self, unit: Tensor, dtype: np.dtype[Any]) -> Numbers:
        """The inverse of ``unit``: integers are rounded, and held within what ``dtype`` can store."""
        result = np.empty(unit.shape, dtype)
        for rows in strips(unit.shape):
            values = unit[rows].detach().cpu().double().numpy() * (self.high - self.low) + self.low
            result[rows] = values if dtype.kind == "f" else _as_integers(values, dtype)
        return result


def _as_integers(values: Numbers, dtype: np.dtype[Any]) -> Numbers:
    """Rounded float64, held within what ``dtype`` can store."""
    limits = np.iinfo(dtype)
    rounded = np.rint(values)
    high = rounded >= limits.max  # apart, because float64 cannot hold the largest 64-bit integers
    result = np.where(high, 0, rounded.clip(limits.min)).astype(dtype)
    result[high] = limits.max
    return result


RangeLike: TypeAlias = "str | tuple[float, float] | list[float] | Range | None"


class Percentiles(NamedTuple):
    """Percentiles to measure over a series."""

    low: float
    high: float


def dtype_range(dtype: np.dtype[Any]) -> Range:
    """All that integers of a type can be, and 0 to 1 for floats."""
    if dtype.kind in "fb":
        return Range(0.0, 1.0)
    limits = np.iinfo(dtype)
    return Range(float(limits.min), float(limits.max))


def parse_range(value: RangeLike) -> Range | Percentiles | str | None:
    """A range from text or two numbers: fixed, to be measured, "dtype", or None where nothing was asked for.

    Raises ConfigError, which shows how a range is written.
    """
    if value is None or value == DTYPE or isinstance(value, Range):
        return value
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    if text == "min,max":
        return Percentiles(0.0, 100.0)
    kind, _, rest = text.rpartition(":")
    try:
        low, high = (float(part) for part in rest.split(","))
        if kind == "percentile" and 0 <= low < high <= 100:
            return Percentiles(low, high)
        if kind == "" and np.isfinite([low, high]).all() and low != high:
            return Range(low, high)
    except ValueError:
        pass
    raise ConfigError(f"range={value!r} was given: expected such as {EXAMPLES}.")


def range_of(numbers: Numbers, wanted: Range | str | None) -> Range:
    """The range of a picture: the ``wanted`` one, or its type's; raises ConfigError where the type has no usual one."""
    if isinstance(wanted, Range):
        return wanted
    dtype = numbers.dtype
    if wanted is None and dtype.kind in "iu" and dtype.itemsize > 2:
        low, high = float(numbers.min()), float(numbers.max())
        raise ConfigError(
            f"it holds {dtype} numbers from {low:.6g} to {high:.6g}, which have no usual range: give that of the whole"
            f" series, such as {_example(low, high)}."
        )
    if wanted is None and dtype.kind == "f":
        low, high = float(numbers.min()), float(numbers.max())
        if low < 0 or high > 1:
            raise ConfigError(
                f"it holds {dtype} numbers from {low:.6g} to {high:.6g}, and floats are taken to lie in [0, 1]: give"
                f" the range of the whole series, such as {_example(low, high)}."
            )
    return dtype_range(dtype)


def _example(low: float, high: float) -> str:
    """A range that shows such numbers; that of their type would show them as one grey, or cut off."""
    first, last = (str(int(edge)) if edge.is_integer() else f"{edge:.6g}" for edge in (low, high))
    return f"range='{first},{last}' or range='percentile:0.1,99.9'" if first != last else USUAL


def measure(series: Iterable[Numbers], percentiles: Percentiles) -> Range:
    """The percentiles of all numbers of a series; exact for integers of up to 16 bits, else from samples.

    Raises ConfigError where all numbers are equal, or where there are none.
    """
    counts: dict[int, int] = {}
    samples: list[Numbers] = []
    low, high = np.inf, -np.inf
    for numbers in series:
        low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
        if numbers.dtype.kind in "iu" and numbers.dtype.itemsize <= 2:
            for value, count in _counted(numbers):
                counts[value] = counts.get(value, 0) + count
        else:
            flat = numbers.reshape(-1)
            samples.append(flat[:: max(1, len(flat) // SAMPLES)].astype(np.float64))
    if not low < high:
        raise ConfigError(
            f"A range cannot be measured: all numbers are equal, or there are no pictures. Give two numbers ({USUAL})."
        )
    if samples:
        weights = [np.repeat(float(value), count) for value, count in counts.items()]
        first, last = np.percentile(np.concatenate([*samples, *weights]), percentiles)
    else:
        first, last = _percentiles(counts, percentiles)
    first, last = (low if percentiles.low == 0 else first), (high if percentiles.high == 100 else last)
    return Range(float(first), float(last)) if first < last else Range(low, high)


def _counted(numbers: Numbers) -> Iterable[tuple[int, int]]:
    """Values of up to 16 bits and how often each is there, without sorting them."""
    least = int(np.iinfo(numbers.dtype).min)
    found = np.bincount((numbers.reshape(-1).astype(np.int32) - least).astype(np.int64))
    present = np.flatnonzero(found)
    return zip((present + least).tolist(), found[present].tolist(), strict=True)


def _percentiles(counts: dict[int, int], percentiles: Percentiles) -> tuple[float, float]:
    values = np.array(sorted(counts), np.float64)
    places = np.cumsum([counts[int(value)] for value in values])
    positions = [percentile / 100 * (places[-1] - 1) for percentile in percentiles]
    first, last = (float(values[np.searchsorted(places, position, side="right")]) for position in positions)
    return first, last
