"""``attn-i2i evaluate``: measure models on a folder of data, and write a report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..types import ConfigError
from .wording import spelled

if TYPE_CHECKING:
    from ..evaluate import Evaluation

EvaluateModels = Annotated[
    list[str],
    typer.Argument(metavar="MODEL", help="Zoo names, model folders, exported files, or folders of other pictures."),
]
EvaluateData = Annotated[
    Path | None, typer.Option("--data", help="Folder of testA and testB, of test/A and test/B, or of pictures.")
]
Report = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Folder to write a report to; the same command goes on there after a stop."),
]
Masks = Annotated[
    Path | None, typer.Option(help="Folder with a mask for each input.", show_default="DATA/masks, if it is there")
]
EvaluatePairs = Annotated[
    bool | None,
    typer.Option(
        "--pairs/--no-pairs", help="Pictures of one name in both domains are, or are not, an input and its truth."
    ),
]
Features = Annotated[
    str | None,
    typer.Option(
        help="Network for FID, KID and their like: inception, timm:NAME, FILE.pth, FILE.pt, FILE.onnx.",
        show_default="inception, if it is on this machine",
    ),
]
Lpips = Annotated[
    str | None,
    typer.Option(help="Network for LPIPS: alex, vgg, or NAME@FILE.", show_default="alex, if it is on this machine"),
]
Measures = Annotated[
    str | None, typer.Option(help="Only these, by commas; `attn-i2i measures` lists them.", show_default="all")
]
EvaluateThreshold = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Where a measure needs a mask of 0 and 1, cut it here.", show_default="0.5"),
]
EvaluateRange = Annotated[
    str | None,
    typer.Option(
        help="Stored values that are 0 and 1 to measures: dtype, LOW,HIGH, or percentile:0.1,99.9 of all pictures.",
        show_default="the models', or dtype",
    ),
]
Model = Annotated[
    str | None, typer.Option("-m", "--model", help="Older form, for paired data: evaluate DATA -m MODEL.")
]


# What the older form, with -m, takes: the rest says how many models are measured on any data.
OLDER = frozenset({"models", "model", "direction", "domain", "source", "target", "threshold", "device", "as_json"})


def evaluate(
    context: typer.Context,
    models: EvaluateModels,
    data: EvaluateData = None,
    output: Report = None,
    direction: Annotated[
        str | None, typer.Option(help="Direction of the models, such as B2A.", show_default="each model's first")
    ] = None,
    domain: Annotated[str | None, typer.Option(help="Target labels of a multi-domain model, by commas.")] = None,
    source: Annotated[str | None, typer.Option(help="Domain translated from: a side such as A, or a folder.")] = None,
    target: Annotated[str | None, typer.Option(help="Domain translated to: a side such as B, or a folder.")] = None,
    masks: Masks = None,
    pairs: EvaluatePairs = None,
    features: Features = None,
    lpips: Lpips = None,
    measures: Measures = None,
    threshold: EvaluateThreshold = None,
    range: EvaluateRange = None,  # noqa: A002
    images: Annotated[
        int | None, typer.Option(min=1, help="Measure this many inputs, evenly spread.", show_default="all")
    ] = None,
    cycle: Annotated[bool, typer.Option("--cycle/--no-cycle", help="Also translate there and back.")] = True,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, mps, xpu.", show_default="a GPU if there is one")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    force: Annotated[bool, typer.Option("-f", "--force", help="Measure anew what an earlier report has.")] = False,
    model: Model = None,
) -> None:
    """Measure models on a folder of data.

    Every measure that the data allow is printed as a table, with 95 % intervals. -o also writes a report.
    """
    if model is not None:
        _check_older(context, models, model)
        _paired(models[0], model, direction, domain, device, as_json, source, target, threshold)
        return
    if data is None:
        names = " ".join(models)
        raise ConfigError(f"No data was given: write `attn-i2i evaluate {names} --data DIR`.")
    from ..evaluate import as_json as json_of
    from ..evaluate import as_text, write_report
    from ..evaluate import evaluate as run
    from ..tuning.heap import keep_freed_memory

    keep_freed_memory()
    with _progress() as progress:
        evaluation = run(
            models,
            data,
            report=output,
            direction=direction,
            domain=domain,
            source=source,
            target=target,
            masks=masks,
            pairs=pairs,
            features=features,
            lpips=lpips,
            measures=None if measures is None else [name.strip() for name in measures.split(",")],
            threshold=0.5 if threshold is None else threshold,
            limit=images,
            cycle=cycle,
            device=device,
            range=range,
            force=force,
            progress=progress,
        )
        page = None if output is None else write_report(evaluation, output)
    print(json_of(evaluation) if as_json else as_text(evaluation))
    _tell(evaluation, page)
    if evaluation.failed:
        raise typer.Exit(1)
    if measures is not None and not any(row.measured.values for row in evaluation.rows):
        raise ConfigError("Nothing of what was asked for can be measured here; the notes say what is missing.")


def _tell(evaluation: Evaluation, page: Path | None) -> None:
    """What is worth saying beside the numbers, on standard error."""
    for row in evaluation.rows:
        for warning in row.warnings:
            print(f"warning: {spelled(warning)}", file=sys.stderr)
    for note in evaluation.notes:
        print(f"note: {spelled(note)}", file=sys.stderr)
    if page is not None:
        print(f"report: {page.resolve()}", file=sys.stderr)


def _check_older(context: typer.Context, folders: list[str], model: str) -> None:
    """Raise ConfigError for what -m would leave unheeded."""
    given = (
        p
        for p in context.command.params
        if getattr(context.get_parameter_source(p.name or ""), "name", "") != "DEFAULT"
    )
    others = [max(option.opts, key=len) for option in given if option.name not in OLDER]
    if others or len(folders) != 1:
        what = f", without {' and '.join(others)}" if others else ""
        raise ConfigError(
            f"-m goes with one folder of paired data (evaluate DATA -m MODEL){what}: for all else write"
            f" `attn-i2i evaluate {model} --data DIR`."
        )


def _paired(
    folder: str,
    model: str,
    direction: str | None,
    domain: str | None,
    device: str | None,
    as_json: bool,
    source: str | None,
    target: str | None,
    threshold: float | None,
) -> None:
    """The table of one model against paired truth, from the network's own numbers."""
    from ..evaluate import evaluate_pairs, table_text, translating
    from ..translate.loading import load

    translator = load(model, direction=direction, device=device)
    if translator.direction == "B2A" and source is None and target is None:
        source, target = "B", "A"
    translate = translating(translator, domain=domain)
    table = evaluate_pairs(translate, folder, source=source or "A", target=target or "B", threshold=threshold)
    finite = {key: None if value != value else value for key, value in table.items()}
    print(json.dumps(finite, allow_nan=False) if as_json else table_text(table))


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal's standard error; elsewhere a line when another thing is begun."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, object] = {}

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                for old in bar.task_ids:
                    bar.remove_task(old)
                tasks[what] = bar.add_task(what, total=total or None)
                if not console.is_terminal:
                    print(spelled(what), file=sys.stderr)
            bar.update(tasks[what], completed=done)  # type: ignore[arg-type]

        yield advance
