"""In which range measures see pictures of more than 8 bits: one for all pictures and all models, and it is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from ..images.header import read_header
from ..images.ranges import Measure, Range, RangeLike, parse_range
from ..images.series import measure_range
from .data import Data
from .subjects import Subject


def settled_range(wanted: RangeLike, data: Data, subjects: Sequence[Subject]) -> Range | None:
    """The ``wanted`` range, measured where that is asked for; else that of all models, if they share one."""
    parsed = parse_range(wanted)
    if isinstance(parsed, Measure):
        return measure_range(chain(data.inputs.values(), (data.target or {}).values()), wanted)
    if parsed is not None:
        return parsed if isinstance(parsed, Range) else None
    ranges = {parse_range(subject.translator.range) for subject in subjects if subject.translator is not None}
    shared = ranges.pop() if len(ranges) == 1 else None
    return shared if isinstance(shared, Range) else None


def range_note(data: Data) -> Iterator[str]:
    """What of the stored numbers is 0 and 1, where pictures have more than 8 bits."""
    dtype = read_header(next(iter(data.inputs.values()))).dtype
    if dtype == np.uint8:
        return
    if data.range is None:
        yield f"Measures see all that {dtype} can hold as 0 to 1: range says which numbers are (range='0,4095')."
    else:
        low, high = data.range
        yield f"Measures see the stored numbers {low:g} to {high:g} as 0 to 1 (range)."
