"""``attn-i2i study`` and ``study-result``: let people choose, and count what they chose."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

StudyModels = Annotated[
    list[str],
    typer.Argument(metavar="MODEL", help="Two or more zoo names, model folders, or folders of pictures."),
]
Post = Annotated[
    str | None, typer.Option(help="Web address that answers are sent to.", show_default="raters download a file")
]
StudySeconds = Annotated[
    float | None, typer.Option(min=0.1, help="Hide the pictures after this time.", show_default="never")
]
Allowed = Annotated[int, typer.Option(min=0, help="Control trials that a rater may miss; who misses more is left out.")]


def study(
    models: StudyModels,
    data: Annotated[Path, typer.Option("--data", help="Folder of testA, test/A, or pictures.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the study to write.")],
    question: Annotated[
        str | None, typer.Option(help="What raters are asked.", show_default="Which picture is the better result?")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Trials of each rater, control trials included.")] = 40,
    practice: Annotated[int, typer.Option(min=0, help="Practice trials before them, which do not count.")] = 3,
    catch: Annotated[int, typer.Option(min=0, help="Control trials, in which one of the two pictures is spoilt.")] = 4,
    allowed: Allowed = 1,
    seconds: StudySeconds = None,
    post: Post = None,
    direction: Annotated[
        str | None, typer.Option(help="Direction of the models, such as B2A.", show_default="each model's first")
    ] = None,
    domain: Annotated[str | None, typer.Option(help="Target labels of a multi-domain model, by commas.")] = None,
    source: Annotated[str | None, typer.Option(help="Domain translated from: a side such as A, or a folder.")] = None,
    images: Annotated[int, typer.Option(min=1, help="Show this many inputs, evenly spread.")] = 40,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, mps, xpu.", show_default="a GPU if there is one")
    ] = None,
    range: Annotated[  # noqa: A002
        str | None,
        typer.Option(
            help="Stored values shown as black and white: dtype, LOW,HIGH, or percentile:0.1,99.9.",
            show_default="the models', or dtype",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("-f", "--force", help="Replace an earlier folder.")] = False,
) -> None:
    """Write a page on which people choose between two models. It works from disk and from any server."""
    from ..evaluate.study import StudyOptions, make_study
    from ..evaluate.study.make import QUESTION

    options = StudyOptions(question or QUESTION, trials, practice, catch, allowed, seconds, post)
    page = make_study(
        models,
        data,
        output,
        options,
        direction=direction,
        domain=domain,
        source=source,
        limit=images,
        device=device,
        range=range,
        force=force,
    )
    print(f"page: {page.resolve()}")
    if post is None:
        print("raters send back a JSON file each: attn-i2i study-result FILE...", file=sys.stderr)


def study_result(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="The raters' JSON files.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which model raters prefer. Intervals are over raters and pictures. Raters who are left out are named."""
    from ..evaluate.study import result_json, result_text
    from ..evaluate.study import study_result as run

    result = run(files)
    print(result_json(result) if as_json else result_text(result))
