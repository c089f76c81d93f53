"""What the statistics make of raters' answers, and which files are answers."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy import stats

from attn_i2i.evaluate.study import Answer, Answers, analyse, read_answers, result_text
from attn_i2i.evaluate.study.statistics import strengths, t_quantile
from attn_i2i.types import UnreadableFileError

from .helpers.raters import covered, simulated


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "x"}, "its format is not"),
        ({"models": ["a"]}, "two or more names"),
        ({"rule": {}}, "'rule' is incomplete"),
        ({"answers": [{"kind": "trial", "left": "better", "right": "better"}]}, "answer 1 is not a choice"),
        ({"answers": None}, "'answers' is missing"),
        (
            {"answers": [{"kind": "catch", "picture": "p", "left": None, "right": "better", "answer": "left"}]},
            "answer 1 is not a choice",
        ),
    ],
)
def test_files_of_others_are_named(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    rule = {"trials": 1, "catch": 0, "allowed": 0}
    sheet = {"format": "attn_i2i study 1", "study": "s", "rater": "r", "question": "q", "rule": rule}
    sheet |= {"models": ["better", "worse"], "answers": []}
    path = tmp_path / "x.json"
    path.write_text(json.dumps({**sheet, **change}), encoding="utf-8")
    with pytest.raises(UnreadableFileError, match=rf"x\.json is no rater's answers: .*{words}"):
        read_answers([path])
    path.write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(UnreadableFileError, match="cannot be read as answers"):
        read_answers([path])


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    assert 0.92 <= covered(100, 20, 30, tilt=0.5, spread=0.5, resamples=150) <= 0.98


def test_a_side_that_matters_is_shown() -> None:
    answers = simulated(15, 20, 0, tilt=0.0, spread=0.2)
    assert "the side mattered" not in result_text(analyse(answers))
    lazy = tuple(each._replace(choice="left") if i % 2 else each for i, each in enumerate(answers.answers))
    result = analyse(type(answers)(answers.models, "q", lazy, answers.raters, {}))
    assert result.left is not None
    assert result.left.low > 0.5
    assert "the side mattered" in result_text(result)


def test_who_was_not_sure_is_counted() -> None:
    answers = simulated(6, 8, 0, tilt=0.0, spread=0.2, unsure=0.25)
    unsure = [each.choice for each in answers.answers].count("unsure")
    result = analyse(answers)
    assert 0 < unsure < result.preferences[0].answers == len(answers.answers)
    assert result.preferences[0].unsure == unsure
    assert f"of {len(answers.answers)} ({unsure} not sure)" in result_text(result)


def test_strengths_are_bradley_and_terrys() -> None:
    true = torch.tensor([1.0, 0.0, -1.0], dtype=torch.float64)
    chances = torch.sigmoid(true[:, None] - true[None])
    wins = 10_000 * chances * (1 - torch.eye(3, dtype=torch.float64))
    torch.testing.assert_close(strengths(wins), true, atol=1e-3, rtol=0)


def test_strengths_that_the_answers_do_not_bound_say_so() -> None:
    """One model always wins, one was never shown: no interval is a guess of the prior."""
    answers = simulated(5, 8, 0, tilt=0.0, spread=0.2)
    best = [each._replace(left="best", right=each.right, choice="left") for each in answers.answers]
    result = analyse(Answers(("a", "b", "best", "never"), "q", (*answers.answers, *best), answers.raters, {}))
    assert result.strengths.keys() == {"a", "b", "best"}
    assert all(interval.low == -math.inf and interval.high == math.inf for interval in result.strengths.values())
    assert "Nobody compared a and never, nor b and never, nor best and never." in result.notes[0]
    assert "never lost" in result.notes[1]
    assert "[no bounds]" in result_text(result)
    apart = Answers(
        ("a", "b", "c", "d"),
        "q",
        (Answer("r", "p", "a", "b", "left"), Answer("r", "q", "c", "d", "unsure")),
        ("r",),
        {},
    )
    assert analyse(apart).strengths == {}
    assert "No strengths" in analyse(apart).notes[1]


def test_names_in_answers_steer_no_terminal() -> None:
    answers = simulated(2, 3, 0, tilt=0.0, spread=0.2)
    assert "\x1b" not in result_text(analyse(replace(answers, question="\x1b[2Jq", notes=("\x1b[31m",))))


@pytest.mark.parametrize("freedom", [3, 5, 9, 30, 200])
def test_students_quantile_is_scipys(freedom: int) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=2e-3)


def test_a_pipe_is_no_raters_answers_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(UnreadableFileError, match=r"cannot be read as answers: .* is not a regular file"):
        read_answers([tmp_path / "pipe.json"])
