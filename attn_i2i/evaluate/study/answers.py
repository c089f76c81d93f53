"""Answers of raters, read with suspicion, and which of them count."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from ...arguments import typed
from ...files import read_small
from ...types import ConfigError, UnreadableFileError
from .make import FORMAT

Choice = Literal["left", "right", "unsure"]
LARGEST = 20_000_000
"""Bytes: a hundred thousand answers. What is larger is no rater's."""


class Answer(NamedTuple):
    """One choice between the outputs of two models for one picture."""

    rater: str
    picture: str
    left: str
    right: str
    choice: Choice


@dataclass(frozen=True)
class Answers:
    """What the raters of one study said; ``excluded`` says who does not count, and why."""

    models: tuple[str, ...]
    question: str
    answers: tuple[Answer, ...]
    raters: tuple[str, ...]
    excluded: dict[str, str]
    notes: tuple[str, ...] = ()


@typed
def read_answers(paths: Sequence[str | Path]) -> Answers:
    """The answers of one study from the raters' JSON files; raters are left out by the rule that their page stated.

    A rater whose file is there twice counts once; one whose files disagree does not count. Raises UnreadableFileError
    for a file that is none of a study's, ConfigError for files of several studies, or none.
    """
    if not paths:
        raise ConfigError("No answers were given: name the JSON files that raters sent.")
    sheets: dict[str, tuple[Path, dict[str, Any]]] = {}
    notes, excluded = [], {}
    for path in map(Path, paths):
        sheet = _read(path)
        first, other = next(iter(sheets.values()), (path, sheet))
        if any(sheet[key] != other[key] for key in ("study", "models", "rule", "question")):
            raise ConfigError(f"{path} and {first} are of two studies: evaluate each by itself.")
        if sheet["rater"] in sheets:
            earlier, same = sheets[sheet["rater"]]
            if same["answers"] != sheet["answers"]:
                excluded[sheet["rater"]] = f"{earlier} and {path} are of one rater and disagree"
            else:
                notes.append(f"{path} is of a rater whose answers are in {earlier}: it counts once.")
            continue
        sheets[sheet["rater"]] = path, sheet
    excluded |= {rater: why for rater, (_, sheet) in sheets.items() if (why := _exclusion(sheet)) is not None}
    counted = [rater for rater in sheets if rater not in excluded]
    answers = [
        Answer(rater, each["picture"], each["left"], each["right"], each["choice"])
        for rater in counted
        for each in sheets[rater][1]["answers"]
        if each["kind"] == "trial"
    ]
    sheet = next(iter(sheets.values()))[1]
    return Answers(tuple(sheet["models"]), sheet["question"], tuple(answers), tuple(counted), excluded, tuple(notes))


def _exclusion(sheet: dict[str, Any]) -> str | None:
    """Why a rater does not count, by the rule of the page; None where the rater does."""
    rule, answers = sheet["rule"], sheet["answers"]
    controls = [each for each in answers if each["kind"] == "catch"]
    if len(answers) != rule["trials"]:
        return f"{len(answers)} of {rule['trials']} trials answered"
    if len(controls) != rule["catch"]:
        return f"{len(controls)} of {rule['catch']} controls answered"
    wrong = sum(each["choice"] != each["answer"] for each in controls)
    return f"{wrong} of {len(controls)} controls missed" if wrong > rule["allowed"] else None


def _read(path: Path) -> dict[str, Any]:
    try:
        sheet = json.loads(read_small(path, LARGEST).decode("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UnreadableFileError(
            f"{path} cannot be read as answers: it is no JSON file. Give the files that the raters sent."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
        raise UnreadableFileError(f"{path} cannot be read as answers: {why}.") from error
    problem = _problem(sheet)
    if problem is not None:
        raise UnreadableFileError(f"{path} is no rater's answers: {problem}.")
    return dict(sheet)


def _problem(sheet: Any) -> str | None:
    """What is wrong with a file's content; None where nothing is."""
    if not isinstance(sheet, dict) or sheet.get("format") != FORMAT:
        return f"its format is not {FORMAT!r}"
    for key, kind in (("study", str), ("rater", str), ("question", str), ("models", list), ("rule", dict)):
        if not isinstance(sheet.get(key), kind):
            return f"{key!r} is missing"
    if len(sheet["models"]) < 2 or not all(isinstance(name, str) for name in sheet["models"]):
        return "'models' are not two or more names"
    if not all(type(sheet["rule"].get(key)) is int for key in ("trials", "catch", "allowed")):
        return "'rule' is incomplete"
    if not isinstance(sheet.get("answers"), list):
        return "'answers' is missing"
    wrong = next((i for i, each in enumerate(sheet["answers"], 1) if not _valid(each, sheet["models"])), None)
    return None if wrong is None else f"answer {wrong} is not a choice between two of its models"


def _valid(answer: Any, models: list[str]) -> bool:
    if not isinstance(answer, dict) or answer.get("kind") not in ("practice", "trial", "catch"):
        return False
    left, right = answer.get("left"), answer.get("right")
    if answer["kind"] == "catch":  # the spoilt picture has no model, so that the other side is right
        fits = (left in models and right is None and answer.get("answer") == "left") or (
            right in models and left is None and answer.get("answer") == "right"
        )
    else:
        fits = left in models and right in models and left != right
    return fits and isinstance(answer.get("picture"), str) and answer.get("choice") in get_args(Choice)
