"""In which range measures see pictures of more than 8 bits: one for all pictures and all models, and it is said."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from ..images.header import read_header
from ..images.ranges import Percentiles, Range, RangeLike, parse_range
from ..images.series import measure_range
from .data import Data
from .subjects import Subject


def settled_range(wanted: RangeLike, data: Data, subjects: Sequence[Subject]) -> Range | str | None:
    """The ``wanted`` range, measured where that is asked for; else that of all models, if they share one."""
    parsed = parse_range(wanted)
    if isinstance(parsed, Percentiles):
        return measure_range(chain(data.inputs.values(), (data.target or {}).values()), wanted)
    if parsed is not None:
        return parsed
    ranges = {parse_range(subject.translator.range) for subject in subjects if subject.translator is not None}
    shared = ranges.pop() if len(ranges) == 1 else None
    return shared if isinstance(shared, Range) else None


def seen_in(subjects: Sequence[Subject], data: Data) -> list[Subject]:
    """The subjects; models without a range of their own see pictures of more than 8 bits in that of the data."""
    if data.range is None or _dtype(data) == np.uint8:
        return list(subjects)
    return [_in_range(subject, data.range) for subject in subjects]


def _in_range(subject: Subject, range: Range | str) -> Subject:  # noqa: A002
    if subject.translator is None or subject.translator.range is not None:
        return subject
    identity = hashlib.sha256(f"{subject.identity} {range}".encode()).hexdigest()  # other outputs than without it
    return replace(subject, options=subject.options | {"range": range}, identity=identity)


def _dtype(data: Data) -> np.dtype[Any]:
    return read_header(next(iter(data.inputs.values()))).dtype


def range_note(data: Data) -> Iterator[str]:
    """What of the stored numbers is 0 and 1, where pictures have more than 8 bits."""
    dtype = _dtype(data)
    if dtype == np.uint8:
        return
    if not isinstance(data.range, Range):
        floats = f"{dtype} numbers from 0 to 1 as they are"
        seen = floats if dtype.kind == "f" else f"all that {dtype} can hold as 0 to 1"
        yield f"Measures see {seen}: range says which numbers are 0 and 1 (range='0,4095')."
    else:
        low, high = data.range
        yield f"Measures see the stored numbers {low:g} to {high:g} as 0 to 1 (range)."
