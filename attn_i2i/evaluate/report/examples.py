"""Which pictures a report shows: some spread over all, and the best and worst by each measure."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from PIL import Image

from ...images import contact_sheet
from ...images.draw import Tile
from ..evaluation import Evaluation
from ..run import Row
from ..subjects import BASELINE
from .tables import measured_names
from .thumbnails import small

SHOWN, EXTREMES = 8, 3
"""Rows of examples, and pictures at either end of a measure."""


class Extremes(NamedTuple):
    """The stems at both ends of a measure for one model, with their values: the best first, the worst first."""

    measure: str
    label: str
    best: list[tuple[str, float]]
    worst: list[tuple[str, float]]


def shown_stems(evaluation: Evaluation, count: int = SHOWN) -> list[str]:
    """Stems spread evenly over the inputs."""
    stems = list(evaluation.data.inputs)
    return stems if len(stems) <= count else [stems[i * len(stems) // count] for i in range(count)]


def models(evaluation: Evaluation) -> list[Row]:
    """The rows without the inputs' own."""
    return [row for row in evaluation.rows if row.label != BASELINE]


def extremes(evaluation: Evaluation) -> list[Extremes]:
    """The best and worst pictures of every model, by every measure of pictures that has a better side."""
    every = []
    for name in measured_names(evaluation):
        better = evaluation.measures[name].better
        if better is None or evaluation.measures[name].over != "pictures":
            continue
        for row in models(evaluation):
            pictures = row.measured.pictures.get(name, {})
            ordered = sorted(pictures.items(), key=lambda item: item[1], reverse=better == "higher")
            if ordered:
                every.append(Extremes(name, row.label, ordered[:EXTREMES], ordered[::-1][:EXTREMES]))
    return every


def columns(evaluation: Evaluation, stem: str) -> list[tuple[str, Path, bool]]:
    """What stands in a row of examples: its label, the file, and whether it is a mask."""
    data = evaluation.data
    cells: list[tuple[str, Path, bool]] = [("input", data.inputs[stem], False)]
    for row in models(evaluation):
        if row.outputs.attention is not None:
            cells.append((f"{row.label}: mask", row.outputs.attention[stem], True))
        cells.append((row.label, row.outputs.pictures[stem], False))
    if data.truth is not None:
        cells.append(("truth", data.truth[stem], False))
    return cells


def sheet(evaluation: Evaluation) -> Image.Image:
    """The examples as one picture, for a paper."""
    rows: list[list[Tile]] = [
        [(label, small(evaluation.data, path, mask=mask)) for label, path, mask in columns(evaluation, stem)]
        for stem in shown_stems(evaluation)
    ]
    return contact_sheet(rows, 192)
