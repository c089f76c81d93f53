"""The report of an evaluation: a page, tables and figures."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from ...arguments import typed
from ...files import atomic_path
from ...types import ConfigError
from ..evaluation import Evaluation
from ..measuring import Value
from .chart import Chart, Point, to_png
from .examples import sheet
from .page import page
from .tables import as_csv, as_json, as_latex, as_text, pictures_csv

# What stands for quality in the scatter plot: the first of these that two models have.
QUALITY = ("kid", "fid", "lpips", "foreground_l1", "l1", "structure")


@typed
def write_report(evaluation: Evaluation, folder: str | Path) -> Path:
    """Write the report into ``folder`` and return its page.

    ``index.html`` holds everything and asks nothing of the network; ``table.csv``, ``pictures.csv``, ``results.json``,
    ``table.tex``, ``examples.png`` and ``scatter.png`` are for programs and papers. Earlier ones are replaced. The
    outputs must be kept: by ``evaluate(report=folder)``. Raises ConfigError.
    """
    folder = Path(folder)
    gone = [path for row in evaluation.rows for path in row.outputs.pictures.values() if not path.is_file()]
    if gone:
        raise ConfigError(
            f"{len(gone)} outputs are not there any more, such as {gone[0].name}: give evaluate the folder too"
            " (report=FOLDER)."
        )
    folder.mkdir(parents=True, exist_ok=True)
    chart = scatter(evaluation)
    texts = {
        "table.csv": as_csv(evaluation),
        "pictures.csv": pictures_csv(evaluation),
        "results.json": as_json(evaluation),
        "table.tex": as_latex(evaluation),
        "index.html": page(evaluation, chart),
    }
    figures: dict[str, Image.Image] = {"examples.png": sheet(evaluation)}
    if chart is not None:
        figures["scatter.png"] = to_png(chart)
    for name, figure in figures.items():
        with atomic_path(folder / name, force=True) as temporary:
            figure.save(temporary, "PNG")
    for name, text in texts.items():
        with atomic_path(folder / name, force=True) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return folder / "index.html"


def scatter(evaluation: Evaluation) -> Chart | None:
    """Background against quality; None where not two models have both."""
    for quality in QUALITY:
        rows = [row for row in evaluation.rows if {"background_psnr", quality} <= row.measured.values.keys()]
        if len(rows) > 1:
            points = [
                Point(r.label, _ends(r.measured.values["background_psnr"]), _ends(r.measured.values[quality]))
                for r in rows
            ]
            better = evaluation.measures[quality].better
            return Chart(points, "background_psnr (dB, higher is better)", f"{quality} ({better} is better)")
    return None


def _ends(value: Value) -> tuple[float, float, float]:
    low = value.value if value.low is None else value.low
    return value.value, low, value.value if value.high is None else value.high


__all__ = ["as_csv", "as_json", "as_latex", "as_text", "pictures_csv", "scatter", "write_report"]
