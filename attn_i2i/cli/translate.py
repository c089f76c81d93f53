"""``attn-i2i translate``: pictures in, pictures out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..types import ConfigError
from .wording import spelled

if TYPE_CHECKING:
    from ..translate.jobs import JobList
    from ..translate.reading import Report


NAMED = 5  # files that are no pictures, by name; the rest is counted


class DType(StrEnum):
    """Precisions a network can run in."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class Runtime(StrEnum):
    """What runs a network."""

    torch = "torch"
    onnx = "onnx"
    openvino = "openvino"


class Size(StrEnum):
    """What to do with pictures a network does not take at their own size."""

    fit = "fit"


Domain = Annotated[
    list[str] | None, typer.Option(help="Target labels of a multi-domain model: names or 0/1, with commas; repeatable.")
]
Style = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE|seed:N",
        help="Style of a multimodal model: that of a picture, or one at random; several make a sheet.",
        show_default="the mean style",
    ),
]
KeepBackground = Annotated[
    bool,
    typer.Option("--keep-background", help="Keep the input where the mask is 0: exactly, unless the output is a JPEG."),
]
Mask = Annotated[
    Path | None,
    typer.Option(help="Where pictures may change (white): one picture, or a folder with one for each input."),
]
Threshold = Annotated[
    float | None, typer.Option(min=0, max=1, help="Make the attention mask 0 or 1 at this value, and composite by it.")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 ...", show_default="cuda if there is one")]
AcceptLicense = Annotated[bool, typer.Option("--accept-license", help="Accept a restricted licence.")]
Compile = Annotated[
    bool, typer.Option("--compile", help="Compile the network: the first picture takes longer, all others less.")
]
Range = Annotated[
    str | None,
    typer.Option(
        help="Stored values that stand for black and white: dtype, LOW,HIGH, or percentile:0.1,99.9 of all pictures.",
        show_default="the model's, or dtype",
    ),
]
Page = Annotated[
    str | None,
    typer.Option(
        metavar="N|all", help="Plane of a TIFF, or frame of an animation, from 0; all keeps every plane of a TIFF."
    ),
]
SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", help="Leave out pictures that are translated already: go on after a stop.")
]


def translate(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Pictures, folders, or quoted patterns.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write to; for one picture, also a name.")],
    model: Annotated[
        str, typer.Option("-m", "--model", help="Zoo name, hf-hub:owner/repo, model folder, or exported file.")
    ],
    direction: Annotated[
        str | None, typer.Option(help="Which way to translate, such as A2B.", show_default="the model's first")
    ] = None,
    domain: Domain = None,
    style: Style = None,
    attention: Annotated[bool, typer.Option("--attention", help="Also write masks, overlays and one sheet.")] = False,
    keep_background: KeepBackground = False,
    mask: Mask = None,
    strength: Annotated[float, typer.Option(min=0, max=1, help="0 keeps the input, 1 is the full translation.")] = 1.0,
    threshold: Threshold = None,
    size: Annotated[
        Size | None, typer.Option(help="fit: resize to the one size that the network takes, and back.")
    ] = None,
    device: Device = None,
    dtype: Annotated[DType, typer.Option(help="Precision of the network.")] = DType.float32,
    runtime: Annotated[
        Runtime | None,
        typer.Option(help="What runs the network.", show_default="torch, or what an exported file is for"),
    ] = None,
    compile: Compile = False,  # noqa: A002
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Pictures of one size to run at once.", show_default="half a megapixel")
    ] = None,
    recursive: Annotated[bool, typer.Option("-r", "--recursive", help="Search subfolders too.")] = False,
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit on the Hub.", show_default="the card's commit")
    ] = None,
    accept_license: AcceptLicense = False,
    max_megapixels: Annotated[float, typer.Option(min=0, help="Refuse larger pictures, in million pixels.")] = 100,
    range: Range = None,  # noqa: A002
    page: Page = None,
    tile: Annotated[
        str,
        typer.Option(
            metavar="auto|off|N",
            help="Rows of a picture to compute at a time: auto takes them all if they fit into memory, off always.",
        ),
    ] = "auto",
    max_side: Annotated[
        int | None,
        typer.Option(min=1, help="Longest side that the network sees, in pixels; the answer is enlarged again."),
    ] = None,
    color: Annotated[
        bool, typer.Option("--color", help="Keep the colours that the network gives to grey pictures.")
    ] = False,
    skip_existing: SkipExisting = False,
    strip_metadata: Annotated[
        bool, typer.Option("--strip-metadata", help="Write no EXIF and no texts of the input.")
    ] = False,
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite existing files.")] = False,
) -> None:
    """Translate pictures. They keep their names, sizes, depth and channels.

    A picture becomes .png if its format cannot hold it: an animation, or transparency in a JPEG.
    A picture that cannot be read is named and skipped. The others are translated, and the exit code is 1.
    Files in a folder that are no pictures are named too, and do not change the exit code.
    """
    from ..images.formats import foreign
    from ..translate.batch import translate_files
    from ..translate.domains import domain_of_options
    from ..translate.jobs import plan_jobs
    from ..translate.loading import load
    from ..translate.reading import Report

    wanted_page = _page(page)
    plan = plan_jobs(
        inputs,
        output,
        recursive=recursive,
        attention=attention,
        force=force,
        skip_existing=skip_existing,
        styles=style or (),
    )
    if not plan.jobs and not plan.foreign:
        print(f"all {len(plan.done)} pictures are in {output} already")
        return
    translator = load(
        model,
        direction=direction,
        revision=revision,
        device=device,
        dtype=dtype.value,
        compile=compile,
        accept_license=accept_license,
        runtime=runtime.value if runtime else None,
    )
    report = Report(failed=[(path, f"{path} is {foreign(path)}.") for path in plan.foreign])
    with (
        _telling(report, plan, output),
        _progress(len(plan.jobs)) as advance,
    ):
        translate_files(
            translator,
            plan.jobs,
            report=report,
            attention=attention,
            mask=mask,
            max_pixels=int(max_megapixels * 1e6),
            range=range,
            page=wanted_page,
            color=color,
            tile=int(tile) if tile.isdecimal() else tile,
            max_side=max_side,
            force=force,
            replace_attention=skip_existing,
            metadata=not strip_metadata,
            advance=advance,
            domain=domain_of_options(domain),
            strength=strength,
            threshold=threshold,
            keep_background=keep_background,
            size="fit" if size else None,
            batch_size=batch_size,
        )
    if report.failed:
        raise typer.Exit(1)


def _page(text: str | None) -> int | Literal["all"] | None:
    """What --page says."""
    if text is None or text == "all":
        return None if text is None else "all"
    if not text.isdecimal():
        raise ConfigError(f"page={text} was given: expected a number from 0 on, or all.")
    return int(text)


@contextmanager
def _telling(report: Report, plan: JobList, output: Path) -> Iterator[None]:
    """Say in the end what was done, also where an interruption or an error is the end."""
    try:
        yield
    except Exception:
        if report.written:
            _tell(report, plan, output)
        raise
    except BaseException:
        print("interrupted: what is done stays, and --skip-existing goes on from there", file=sys.stderr)
        _tell(report, plan, output)
        raise
    _tell(report, plan, output, plan.others)


def _tell_others(others: Sequence[Path]) -> None:
    if others:
        names = ", ".join(map(str, others[:NAMED])) + (
            f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        )
        what = "1 file that is no picture" if len(others) == 1 else f"{len(others)} files that are no pictures"
        print(f"left out: {what}: {names}", file=sys.stderr)


def _tell(report: Report, plan: JobList, output: Path, others: Sequence[Path] = ()) -> None:
    """What was skipped, and how many pictures are done."""
    for path, why in report.failed:
        why = why if why.startswith(str(path)) else f"{path}: {why}"
        print(f"skipped: {spelled(why)}", file=sys.stderr)
    _tell_others(others)
    total = len(plan.jobs) + len(plan.foreign)
    count = total if len(report.written) == total else f"{len(report.written)} of {total}"
    before = f"; {len(plan.done)} were there already" if plan.done else ""
    print(f"{count} picture{'s' if total > 1 else ''} translated to {output}{before}")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal's standard error; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Translating", total=total)
        yield lambda count: bar.advance(task, count)
