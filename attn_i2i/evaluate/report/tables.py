"""An evaluation as text, CSV, JSON and LaTeX."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from ...hub.redact import visible
from ...interfaces import Measure
from ..differences import shown
from ..evaluation import Evaluation
from ..measuring import Value
from ..run import Row
from ..subjects import BASELINE

ARROWS = {"higher": "↑", "lower": "↓", None: ""}  # which way is better, beside a measure's name
LONGEST = 32
"""Letters of an option's value in a terminal: names of files and lists may be long."""
# The order of a table: what is asked of a model first comes first.
GROUPS = ("Distribution", "Against the truth", "Background", "Masks", "There and back", "Content", "Cost")


def group_of(measure: Measure) -> str:
    """The heading that a measure stands under, told by what it needs."""
    needs = set(measure.needs)
    if measure.over in ("set", "model"):
        return "Distribution" if measure.over == "set" else "Cost"
    by_need = {"truth": 1, "cycled": 4, "attention": 3, "mask": 2, "area": 2}
    return next((GROUPS[group] for need, group in by_need.items() if need in needs), "Content")


def measured_names(evaluation: Evaluation) -> list[str]:
    """Measures that at least one model has, by heading."""
    names = [n for n in evaluation.measures if any(n in row.measured.values for row in evaluation.rows)]
    return sorted(names, key=lambda name: GROUPS.index(group_of(evaluation.measures[name])))


def number(value: float) -> str:
    """Four digits that count, without an exponent where that is short."""
    if value == 0:
        return "0"
    size = abs(value)
    for limit, letter in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if limit <= size < 1e12:
            return f"{value / (limit if limit > 1e4 else 1e3):.4g}{letter}"
    return f"{value:.4g}" if 1e-4 <= size < 1e4 else f"{value:.2e}"


def spread(value: Value) -> str:
    """The interval in brackets, or nothing."""
    return "" if value.low is None or value.high is None else f"[{number(value.low)}, {number(value.high)}]"


def best_labels(evaluation: Evaluation, name: str) -> set[str]:
    """The models with the best value; none where no side is better, or where a model is alone."""
    better = evaluation.measures[name].better
    values = {
        row.label: row.measured.values[name].value
        for row in evaluation.rows
        if name in row.measured.values and row.label != BASELINE
    }
    if better is None or len(values) < 2:
        return set()
    best = (max if better == "higher" else min)(values.values())
    return {label for label, value in values.items() if value == best}


def as_text(evaluation: Evaluation) -> str:
    """Measures down, models across, for a terminal."""
    lines = [["", *(row.label for row in evaluation.rows)]]
    for name in measured_names(evaluation):
        part = evaluation.measures[name]
        head = " ".join(filter(None, (name, ARROWS[part.better], part.unit)))
        lines.append([head, *(_cell(row, name) for row in evaluation.rows)])
    table = _aligned(lines)
    if not evaluation.differences:
        return table
    labels = list(evaluation.options)
    differing = [["how they differ", *labels]]
    for option, values in evaluation.differences:
        differing.append([option, *(_short(shown(values[label])) if label in values else "-" for label in labels)])
    return f"{table}\n\n{_aligned(differing)}"


def _short(text: str) -> str:
    """At most LONGEST letters, for a terminal."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _aligned(lines: list[list[str]]) -> str:
    lines = [[visible(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join(rows)


def _cell(row: Row, name: str) -> str:
    value = row.measured.values.get(name)
    return "-" if value is None else f"{number(value.value)} {spread(value)}".rstrip()


def as_csv(evaluation: Evaluation) -> str:
    """One line a number: model, measure, value, interval, unit, better, pictures, real pictures, features."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("model", "measure", "value", "low", "high", "unit", "better", "pictures", "reals", "features"))
    for row in evaluation.rows:
        for name in measured_names(evaluation):
            if (value := row.measured.values.get(name)) is None:
                continue
            part = evaluation.measures[name]
            ends = ("" if end is None else repr(end) for end in (value.low, value.high))
            reals = "" if value.reals is None else value.reals
            seen = (evaluation.features or "") if _looks(part) else (evaluation.lpips or "") if _compares(part) else ""
            cells = (repr(value.value), *ends, part.unit, part.better or "", value.n, reals, seen)
            writer.writerow((_plain(row.label), name, *cells))
    return stream.getvalue()


def _looks(part: Measure) -> bool:
    return any(need.endswith(("_features", "_maps")) for need in part.needs)


def _compares(part: Measure) -> bool:
    return "perceptual" in part.needs


def pictures_csv(evaluation: Evaluation) -> str:
    """One line a model and picture, a column a measure; empty where there is no number."""
    names = [name for name in measured_names(evaluation) if evaluation.measures[name].over == "pictures"]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("model", "picture", *names))
    for row in evaluation.rows:
        for stem in evaluation.data.inputs:
            cells = [row.measured.pictures.get(name, {}).get(stem) for name in names]
            writer.writerow((_plain(row.label), _plain(stem), *("" if cell is None else repr(cell) for cell in cells)))
    return stream.getvalue()


def as_json(evaluation: Evaluation) -> str:
    """Everything that is known, as valid JSON: what is not known is null."""
    table = {
        "data": {"folder": _plain(evaluation.data.root.resolve().name), "inputs": len(evaluation.data.inputs)},
        "settings": dict(evaluation.settings),
        "features": evaluation.features,
        "lpips": evaluation.lpips,
        "measures": {name: _measure(part) for name, part in evaluation.measures.items()},
        "models": [_model(row, evaluation.options.get(row.label)) for row in evaluation.rows],
        "differences": [row._asdict() for row in evaluation.differences],
        "tests": [
            {
                "measure": t.measure,
                "model": t.first,
                "against": t.second,
                **t.difference._asdict(),
                "p_holm": t.corrected,
            }
            for t in evaluation.tests
        ],
        "notes": list(evaluation.notes),
        "failed": dict(evaluation.failed),
    }
    return json.dumps(_finite(table), indent=1, allow_nan=False)


def _measure(part: Measure) -> dict[str, object]:
    return {"unit": part.unit, "better": part.better, "over": part.over, "summary": part.summary}


def _model(row: Row, options: Mapping[str, Any] | None) -> dict[str, object]:
    values = {name: value._asdict() for name, value in row.measured.values.items()}
    pictures = {
        name: {_plain(stem): value for stem, value in rows.items()} for name, rows in row.measured.pictures.items()
    }
    missing = dict(row.measured.missing)
    return {
        "label": row.label,
        "options": None if options is None else dict(options),
        "values": values,
        "pictures": pictures,
        "missing": missing,
        "warnings": list(row.warnings),
    }


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _plain(text: str) -> str:
    """Text that every encoding of Unicode can write."""
    return text.encode("utf-8", "backslashreplace").decode()


def as_latex(evaluation: Evaluation) -> str:
    """A booktabs table: models down, measures across, the best in bold; paste it into a paper."""
    names = [name for name in measured_names(evaluation) if group_of(evaluation.measures[name]) != "Cost"]
    arrows = {"higher": r" $\uparrow$", "lower": r" $\downarrow$", None: ""}
    best = {name: best_labels(evaluation, name) for name in names}
    heads = [f"{_tex(name)}{arrows[evaluation.measures[name].better]}" for name in names]
    lines = [
        "% Needs \\usepackage{booktabs}.",
        *(f"% {' '.join(_plain(note).split())}" for note in _eyes(evaluation)),
        f"\\begin{{tabular}}{{l{'r' * len(names)}}}",
        "\\toprule",
        " & ".join(["", *heads]) + r" \\",
        "\\midrule",
    ]
    for row in evaluation.rows:
        cells = [_tex_cell(row, name, best[name]) for name in names]
        lines.append(" & ".join([_tex(row.label), *cells]) + r" \\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def _eyes(evaluation: Evaluation) -> list[str]:
    """Through which networks, at how many pictures: what must stand beside the numbers."""
    return [note for note in evaluation.notes if " through " in note or note.startswith("The KID is of")]


def _tex_cell(row: Row, name: str, best: set[str]) -> str:
    value = row.measured.values.get(name)
    if value is None:
        return "--"
    text = _tex(number(value.value))
    return f"\\textbf{{{text}}}" if row.label in best else text


def _tex(text: str) -> str:
    special = {c: f"\\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {"\\": r"\textbackslash{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    special |= {"\n": " "}
    return "".join(special.get(c, c) for c in _plain(text))
