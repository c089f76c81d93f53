"""Models against the first of them, picture by picture: paired tests, corrected for how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from ..interfaces import Measure
from .confidence import Difference, holm, paired_test
from .run import Row


class Comparison(NamedTuple):
    """A measure of two models over the same pictures: their difference, and its p-value corrected by Holm's method."""

    measure: str
    first: str
    second: str
    difference: Difference
    corrected: float


def compare(rows: Sequence[Row], measures: Mapping[str, Measure]) -> tuple[Comparison, ...]:
    """Each model against the first, by every measure of pictures that has a better side."""
    tests: list[tuple[str, str, str, Difference]] = []
    for row in rows[1:]:
        for name, measure in measures.items():
            first, second = (each.measured.pictures.get(name, {}) for each in (rows[0], row))
            stems = [stem for stem in first if stem in second]
            if measure.better is None or len(stems) < 2:
                continue
            ours, theirs = (
                torch.tensor([values[stem] for stem in stems], dtype=torch.float64) for values in (second, first)
            )
            tests.append((name, row.label, rows[0].label, paired_test(ours, theirs)))
    corrected = holm([difference.p for *_, difference in tests])
    return tuple(Comparison(*test, p) for test, p in zip(tests, corrected, strict=True))
