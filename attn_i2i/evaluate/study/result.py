"""What a study says: who is preferred to whom, how surely, and whether the side mattered."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ...arguments import typed
from ...types import ConfigError
from .answers import Answer, Answers, read_answers
from .statistics import Interval, separated, share_interval, strength_intervals, win_table


class Preference(NamedTuple):
    """How often ``first`` was preferred to ``second``, a "not sure" counting half; and how many were sure."""

    first: str
    second: str
    share: Interval
    answers: int
    unsure: int


@dataclass(frozen=True)
class StudyResult:
    """The outcome of a study.

    ``strengths`` are Bradley-Terry's, for more than two models, of those that were shown. ``left`` is how often those
    who were sure chose the left side: if it is far from one half, the side mattered.
    """

    question: str
    preferences: tuple[Preference, ...]
    strengths: dict[str, Interval]
    left: Interval | None
    raters: int
    pictures: int
    excluded: dict[str, str]
    notes: tuple[str, ...]


@typed
def study_result(paths: Sequence[str | Path]) -> StudyResult:
    """The outcome of a study from the raters' JSON files. Raises UnreadableFileError, ConfigError."""
    return analyse(read_answers(paths))


def analyse(answers: Answers) -> StudyResult:
    """The outcome of a study from its answers. Raises ConfigError where no rater counts."""
    if not answers.answers:
        reasons = "; ".join(f"{rater[:8]}: {why}" for rater, why in answers.excluded.items())
        raise ConfigError(f"No rater's answers count ({reasons or 'no answers'}).")
    preferences = [
        preference
        for pair in combinations(answers.models, 2)
        if (preference := _preference(answers.answers, *pair)) is not None
    ]
    sure = [each for each in answers.answers if each.choice != "unsure"]
    left = share_interval(torch.tensor([each.choice == "left" for each in sure]), *_clusters(sure)) if sure else None
    strengths, notes = _strengths(answers) if len(answers.models) > 2 else ({}, [])
    return StudyResult(
        answers.question,
        tuple(preferences),
        strengths,
        left,
        len(answers.raters),
        len({each.picture for each in answers.answers}),
        answers.excluded,
        (*answers.notes, *_unshown(answers, preferences), *notes),
    )


def _unshown(answers: Answers, preferences: Sequence[Preference]) -> list[str]:
    """Pairs of models that no rater has compared."""
    compared = {(each.first, each.second) for each in preferences}
    missing = [" and ".join(pair) for pair in combinations(answers.models, 2) if pair not in compared]
    return [f"Nobody compared {', nor '.join(missing)}."] if missing else []


def _preference(answers: Sequence[Answer], first: str, second: str) -> Preference | None:
    chosen = [each for each in answers if {each.left, each.right} == {first, second}]
    if not chosen:
        return None
    wins = torch.tensor([_win(each, first) for each in chosen])
    unsure = sum(each.choice == "unsure" for each in chosen)
    return Preference(first, second, share_interval(wins, *_clusters(chosen)), len(chosen), unsure)


def _win(answer: Answer, model: str) -> float:
    if answer.choice == "unsure":
        return 0.5
    return float((answer.left if answer.choice == "left" else answer.right) == model)


def _clusters(answers: Sequence[Answer]) -> tuple[Tensor, Tensor]:
    return _numbered([each.rater for each in answers]), _numbered([each.picture for each in answers])


def _numbered(names: Sequence[str]) -> Tensor:
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return torch.tensor([numbers[name] for name in names])


def _strengths(answers: Answers) -> tuple[dict[str, Interval], list[str]]:
    """The strengths of the models that were shown, and what is to be said of them."""
    shown = {name for each in answers.answers for name in (each.left, each.right)}
    numbers = {name: number for number, name in enumerate(name for name in answers.models if name in shown)}
    left, right = (
        torch.tensor([numbers[getattr(each, side)] for each in answers.answers]) for side in ("left", "right")
    )
    wins = torch.tensor([_win(each, each.left) for each in answers.answers])
    table = win_table(left, right, wins, len(numbers))
    if separated(table + table.T):  # no chain of comparisons leads from some models to others
        return {}, ["No strengths: some models were not compared with the others, nor through third ones."]
    intervals = strength_intervals(left, right, wins, len(numbers), *_clusters(answers.answers))
    notes = []
    if separated(table):
        notes.append("A model, or a group of them, never lost to the others: strengths have no bounds, only an order.")
    return dict(zip(numbers, intervals, strict=True)), notes


def result_text(result: StudyResult) -> str:
    """The outcome in lines for a terminal."""
    lines = [f"{result.question}", f"{result.raters} raters, {result.pictures} pictures"]
    for each in result.preferences:
        share = f"{_percent(each.share.value)} [{_percent(each.share.low)}, {_percent(each.share.high)}]"
        lines.append(f"{each.first} preferred to {each.second}: {share} of {each.answers} ({each.unsure} not sure)")
    for model, interval in sorted(result.strengths.items(), key=lambda item: -item[1].value):
        ends = f"[{interval.low:+.2f}, {interval.high:+.2f}]" if math.isfinite(interval.low) else "[no bounds]"
        lines.append(f"strength of {model}: {interval.value:+.2f} {ends}")
    if result.left is not None:
        left = result.left
        ends = f"[{_percent(left.low)}, {_percent(left.high)}]"
        word = "" if left.low <= 0.5 <= left.high else ": the side mattered"
        lines.append(f"left side chosen: {_percent(left.value)} {ends}{word}")
    lines += [f"left out: rater {rater[:8]}, {why}" for rater, why in result.excluded.items()]
    return _printable("\n".join([*lines, *(f"note: {note}" for note in result.notes)]))


def _printable(text: str) -> str:
    """Text without what would steer a terminal: names come from the raters' files."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def result_json(result: StudyResult) -> str:
    """The outcome as valid JSON."""
    table = {
        "question": result.question,
        "raters": result.raters,
        "pictures": result.pictures,
        "preferences": [{**each._asdict(), "share": _ends(each.share)} for each in result.preferences],
        "strengths": {model: _ends(interval) for model, interval in result.strengths.items()},
        "left": None if result.left is None else _ends(result.left),
        "excluded": result.excluded,
        "notes": list(result.notes),
    }
    return json.dumps(table, indent=1, allow_nan=False)


def _ends(interval: Interval) -> dict[str, float | None]:
    return {key: value if math.isfinite(value) else None for key, value in interval._asdict().items()}


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
