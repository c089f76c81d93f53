"""``attn-i2i translate``: pictures in, pictures out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..translate.batch import Report


class DType(StrEnum):
    """Precisions a network can run in."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class Size(StrEnum):
    """What to do with pictures a network does not take at their own size."""

    fit = "fit"


Domain = Annotated[
    list[str] | None, typer.Option(help="Target labels of a multi-domain model: names or 0/1, with commas; repeatable.")
]
KeepBackground = Annotated[
    bool,
    typer.Option(
        "--keep-background", help="Keep the input where the mask is 0; exactly, unless it is written as JPEG."
    ),
]
Mask = Annotated[Path | None, typer.Option(help="Picture (white may change), or a folder of them by input name.")]
Threshold = Annotated[
    float | None, typer.Option(min=0, max=1, help="Make the attention mask 0 or 1, and composite by it.")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 ...", show_default="cuda if there is one")]
AcceptLicense = Annotated[bool, typer.Option("--accept-license", help="Accept the licence that the model asks you to.")]


def translate(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Pictures, folders, or quoted patterns.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write to; for one picture, also a name.")],
    model: Annotated[str, typer.Option("-m", "--model", help="Zoo name, hf-hub:owner/repo, or a model folder.")],
    direction: Annotated[str | None, typer.Option(help="Which way to translate, such as A2B.")] = None,
    domain: Domain = None,
    attention: Annotated[bool, typer.Option("--attention", help="Also write masks, overlays and one sheet.")] = False,
    keep_background: KeepBackground = False,
    mask: Mask = None,
    strength: Annotated[float, typer.Option(min=0, max=1, help="0 keeps the input, 1 is the full translation.")] = 1.0,
    threshold: Threshold = None,
    size: Annotated[Size | None, typer.Option(help="fit: resize to a fixed-size network, and back.")] = None,
    device: Device = None,
    dtype: Annotated[DType, typer.Option(help="Precision of the network.")] = DType.float32,
    compile: Annotated[bool, typer.Option("--compile", help="Compile the network: for many pictures.")] = False,  # noqa: A002
    batch_size: Annotated[int | None, typer.Option(min=1, help="Pictures of one size to run at once.")] = None,
    recursive: Annotated[bool, typer.Option("-r", "--recursive", help="Search subfolders too.")] = False,
    revision: Annotated[str | None, typer.Option(help="Revision of a model on the Hub.")] = None,
    accept_license: AcceptLicense = False,
    max_megapixels: Annotated[float, typer.Option(min=0, help="Refuse pictures larger than this.")] = 100,
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite existing files.")] = False,
) -> None:
    """Translate pictures, keeping their names and sizes.

    What its format cannot hold here becomes .png: an animation, or transparency under the name of a JPEG.
    A picture that cannot be read is named and skipped; the others are done, and the exit code is 1.
    """
    from ..translate.batch import translate_files
    from ..translate.domains import domain_of_options
    from ..translate.jobs import plan_jobs
    from ..translate.loading import load

    jobs = plan_jobs(inputs, output, recursive=recursive, attention=attention, force=force)
    translator = load(
        model,
        direction=direction,
        revision=revision,
        device=device,
        dtype=dtype.value,
        compile=compile,
        accept_license=accept_license,
    )
    with _progress(len(jobs)) as advance:
        report = translate_files(
            translator,
            jobs,
            attention=attention,
            mask=mask,
            max_pixels=int(max_megapixels * 1e6),
            force=force,
            advance=advance,
            domain=domain_of_options(domain),
            strength=strength,
            threshold=threshold,
            keep_background=keep_background,
            size="fit" if size else None,
            batch_size=batch_size,
        )
    _tell(report, len(jobs), output)
    if report.failed:
        raise typer.Exit(1)


def _tell(report: Report, total: int, output: Path) -> None:
    """What was skipped, and how many pictures are done."""
    for path, why in report.failed:
        print(f"skipped: {why}" if why.startswith(str(path)) else f"skipped: {path}: {why}", file=sys.stderr)
    count = f"{len(report.written)} of {total}" if report.failed else total
    print(f"{count} picture{'s' if total > 1 else ''} translated to {output}")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's standard error; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Translating", total=total)
        yield lambda count: bar.advance(task, count)
