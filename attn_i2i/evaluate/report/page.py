"""The report as one page that holds everything: table, chart, pictures, and what lets them be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from itertools import groupby

from ..comparison import Comparison
from ..differences import shown
from ..evaluation import Evaluation
from ..subjects import BASELINE
from .chart import Chart, to_svg
from .examples import columns, extremes, models, shown_stems
from .tables import ARROWS, best_labels, group_of, measured_names, number, spread
from .thumbnails import Thumbnails

SURE = 0.05
"""The corrected p-value below which a difference is called one."""


def page(evaluation: Evaluation, chart: Chart | None) -> str:
    """The whole page as HTML, without a request to anywhere."""
    room = files(__package__)
    parts = {ending: [f"wipe.{ending}", f"page.{ending}"] for ending in ("css", "js")}
    style, script = ("".join((room / name).read_text(encoding="utf-8") for name in names) for names in parts.values())
    pictures = Thumbnails(evaluation.data)
    body = "\n".join(_sections(evaluation, chart, pictures))
    rows = [_wipe_row(evaluation, stem, pictures) for stem in shown_stems(evaluation)]
    data = f"{_data('pictures', pictures.addresses)}\n{_data('rows', rows)}"
    title = f"{', '.join(row.label for row in models(evaluation))} on {evaluation.data.root.resolve().name}"
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>\n{style}</style>\n<body>\n{body}\n"
        f"{data}\n<script>\n{script}</script>\n</body>\n</html>\n"
    )


def _text(text: str) -> str:
    """Text for a page: escaped, and without what no encoding of Unicode can write."""
    return escape(text.encode("utf-8", "backslashreplace").decode())


def _data(name: str, value: object) -> str:
    """Data for the script: JSON in which no tag can end early."""
    return f'<script type="application/json" id="{name}">{json.dumps(value).replace("<", chr(92) + "u003c")}</script>'


def _sections(evaluation: Evaluation, chart: Chart | None, pictures: Thumbnails) -> Iterator[str]:
    count, real = len(evaluation.data.inputs), evaluation.data.target
    of = f" and {len(real)} of the target domain" if real is not None else ""
    yield f"<h1>{_text(', '.join(row.label for row in models(evaluation)))}</h1>"
    yield f'<p class="soft">{count} inputs{of} in {_text(evaluation.data.root.resolve().name)}.</p>'
    warnings = [warning for row in evaluation.rows for warning in row.warnings]
    if warnings:
        lines = "".join(f'<li class="warn">{_text(warning)}</li>' for warning in warnings)
        yield f"<ul>{lines}</ul>"
    yield f"<h2>Numbers</h2>\n{_table(evaluation)}"
    yield (
        '<p class="soft">↑ more is better, ↓ less is better; the best model is bold. Brackets hold 95 % intervals over'
        f" the pictures. The row of the inputs, “{BASELINE}”, says what no translation would get.</p>"
    )
    if evaluation.tests:
        yield _tests(evaluation)
    if evaluation.differences:
        yield _differences(evaluation)
    if evaluation.notes:  # below the numbers: on a phone they fill several screens
        lines = "".join(f"<li>{_text(note)}</li>" for note in evaluation.notes)
        yield f"<h2>How it was measured</h2>\n<ul id='notes'>{lines}</ul>"
    if chart is not None:
        yield f"<h2>Background against quality</h2>\n{to_svg(chart)}"
    yield "<h2>Examples</h2>\n<p class='soft'>Choose an output to compare it with its input.</p>"
    strips = (_strip(evaluation, i, stem, pictures) for i, stem in enumerate(shown_stems(evaluation)))
    yield f'<div class="rows">{"".join(strips)}</div>'
    yield _wipe(evaluation)
    yield f"<h2>Best and worst</h2>\n{''.join(_extremes(evaluation, pictures))}"


def _table(evaluation: Evaluation) -> str:
    heads = "".join(f"<th>{_text(row.label)}</th>" for row in evaluation.rows)
    lines = [f"<thead><tr><th></th>{heads}</tr></thead><tbody>"]
    names = measured_names(evaluation)
    for group, members in groupby(names, key=lambda name: group_of(evaluation.measures[name])):
        lines.append(f'<tr class="group"><th colspan="{len(evaluation.rows) + 1}">{group}</th></tr>')
        lines += [_line(evaluation, name) for name in members]
    return f'<div class="scroll"><table id="numbers">{"".join(lines)}</tbody></table></div>'


def _line(evaluation: Evaluation, name: str) -> str:
    part, best = evaluation.measures[name], best_labels(evaluation, name)
    unit = f" ({part.unit})" if part.unit else ""
    cells = [f"<td>{_text(name)}{_text(unit)} {ARROWS[part.better]}<small>{_text(part.summary)}</small></td>"]
    for row in evaluation.rows:
        value = row.measured.values.get(name)
        if value is None:
            why = row.measured.missing.get(name, "not measured")
            cells.append(f'<td class="soft" title="{_text(why)}">–</td>')
            continue
        seen = f"{value.n} / {value.reals} pictures" if value.reals is not None else f"{value.n} pictures"
        mark = ' class="best"' if row.label in best else ""
        cells.append(f'<td{mark} title="{seen}">{number(value.value)}<small>{spread(value)}</small></td>')
    return f'<tr data-measure="{_text(name)}">{"".join(cells)}</tr>'


def _tests(evaluation: Evaluation) -> str:
    lines = "".join(_test(test) for test in evaluation.tests)
    head = "<tr><th>measure</th><th>model</th><th>minus</th><th>difference</th><th>p, corrected</th></tr>"
    return (
        f"<details><summary>Do the models differ? {len(evaluation.tests)} paired tests</summary>"
        '<p class="soft">Random signs of the differences picture by picture; p-values corrected by Holm’s method for'
        f" all tests of this page. Bold: below {SURE}.</p>"
        f'<div class="scroll"><table><thead>{head}</thead><tbody>{lines}</tbody></table></div></details>'
    )


def _test(test: Comparison) -> str:
    mark = ' class="best"' if test.corrected < SURE else ""
    ends = f"[{number(test.difference.low)}, {number(test.difference.high)}]"
    return (
        f"<tr><td>{_text(test.measure)}</td><td>{_text(test.first)}</td><td>{_text(test.second)}</td>"
        f"<td{mark}>{number(test.difference.mean)}<small>{ends}</small></td><td{mark}>{test.corrected:.3g}</td></tr>"
    )


def _differences(evaluation: Evaluation) -> str:
    """Which options the models differ in: what an ablation changed."""
    labels = list(evaluation.options)
    head = "".join(f"<th>{_text(label)}</th>" for label in labels)
    lines = []
    for option, values in evaluation.differences:
        cells = "".join(f"<td>{_text(shown(values[label])) if label in values else '–'}</td>" for label in labels)
        lines.append(f"<tr><td>{_text(option)}</td>{cells}</tr>")
    return (
        f"<details id='differences'><summary>How the models differ: {len(lines)} options</summary>"
        f'<div class="scroll"><table><thead><tr><th>option</th>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div></details>"
    )


def _figure(key: str, caption: str, alt: str) -> str:
    return f'<figure><img data-picture="{key}" alt="{_text(alt)}"><figcaption>{_text(caption)}</figcaption></figure>'


def _strip(evaluation: Evaluation, index: int, stem: str, pictures: Thumbnails) -> str:
    labels = [row.label for row in models(evaluation)]
    cells = []
    for label, path, mask in columns(evaluation, stem):
        caption = f"{label} {stem}" if label == "input" else label
        figure = _figure(pictures.key(path, mask=mask), caption, f"{label} of {stem}")
        if label in labels:
            opened = f'<button class="open" data-row="{index}" data-model="{labels.index(label)}">'
            image, rest = figure.removeprefix("<figure>").split("<figcaption>")
            figure = f"<figure>{opened}{image}</button><figcaption>{rest}"
        cells.append(figure)
    return f'<div class="strip">{"".join(cells)}</div>'


def _wipe_row(evaluation: Evaluation, stem: str, pictures: Thumbnails) -> dict[str, object]:
    outputs = [pictures.key(row.outputs.pictures[stem]) for row in models(evaluation)]
    return {"input": pictures.key(evaluation.data.inputs[stem]), "outputs": outputs}


def _wipe(evaluation: Evaluation) -> str:
    chosen = [f'<option value="{i}">{_text(row.label)}</option>' for i, row in enumerate(models(evaluation))]
    stems = [f'<option value="{i}">{_text(stem)}</option>' for i, stem in enumerate(shown_stems(evaluation))]
    return (
        '<h2>Input and output</h2>\n<div class="picks">'
        f'<label>Model <select id="wipe-model">{"".join(chosen)}</select></label>'
        f'<label>Picture <select id="wipe-picture">{"".join(stems)}</select></label></div>'
        '<div class="wipe" id="wipe"><img alt="input"><img class="over" alt="output"></div>'
        '<input type="range" id="wipe-at" min="0" max="100" value="50" aria-label="Where input ends and output begins">'
    )


def _extremes(evaluation: Evaluation, pictures: Thumbnails) -> Iterator[str]:
    rows = {row.label: row for row in models(evaluation)}
    for name, group in groupby(extremes(evaluation), key=lambda each: each.measure):
        parts = []
        for each in group:
            outputs = rows[each.label].outputs.pictures
            for word, stems in (("best", each.best), ("worst", each.worst)):
                cells = []
                for stem, value in stems:
                    cells.append(_figure(pictures.key(evaluation.data.inputs[stem]), f"input {stem}", f"input {stem}"))
                    cells.append(_figure(pictures.key(outputs[stem]), number(value), f"output for {stem}"))
                parts.append(f"<h3>{_text(each.label)}, {word}</h3><div class='strip'>{''.join(cells)}</div>")
        yield f'<details class="extremes"><summary>{_text(name)}</summary>{"".join(parts)}</details>'
