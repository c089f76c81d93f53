"""``attn-i2i export``: a model for onnxruntime, OpenVINO, PyTorch's own exported programs, or a page in a browser."""

from __future__ import annotations

import io
import logging
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO, cast

import typer

if TYPE_CHECKING:
    from ..export import Facts


TRACERS = ("torch.export", "torch._guards", "torch._dynamo", "torch.fx.experimental.symbolic_shapes", "onnxscript")
"""What logs a network that cannot be traced, beside the error that is raised, and each step it does not simplify."""


class Format(StrEnum):
    """What an exported file is for."""

    onnx = "onnx"
    openvino = "openvino"
    torch_export = "torch-export"
    web = "web"


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Zoo name, hf-hub:owner/repo, or a model folder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write; for one direction, also a file.")],
    format: Annotated[Format, typer.Option(help="For which runtime; web writes a page for browsers.")] = Format.onnx,  # noqa: A002
    direction: Annotated[str | None, typer.Option(help="One direction only, such as A2B.", show_default="all")] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Compute in 8 bits: smaller, and faster on most CPUs.")] = False,
    calibrate: Annotated[
        Path | None, typer.Option(help="Folder of pictures that --int8 measures its ranges on.")
    ] = None,
    least_psnr: Annotated[
        float, typer.Option(help="PSNR to the network, in dB, below which an int8 graph is not kept.")
    ] = 35.0,
    size: Annotated[
        int | None,
        typer.Option(min=1, help="Fix both sides, in pixels, for a network that cannot be exported otherwise."),
    ] = None,
    ort: Annotated[
        Path | None,
        typer.Option(
            help="Folder or npm tarball with onnxruntime-web, for --format web.", show_default="fetched once from npm"
        ),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit on the Hub.", show_default="the card's commit")
    ] = None,
    accept_license: Annotated[bool, typer.Option("--accept-license", help="Accept a restricted licence.")] = False,
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite an earlier export.")] = False,
) -> None:
    """Export a model for ONNX, OpenVINO or a browser.

    One graph a direction, for pictures of any size. Each is compared with its network before it is kept.
    """
    from ..export import export_model

    with _without_graphs():
        done = export_model(
            model,
            output,
            format=format.value,
            direction=direction,
            int8=int8,
            calibrate=calibrate,
            least_psnr=least_psnr,
            size=size,
            revision=revision,
            accept_license=accept_license,
            ort=ort,
            force=force,
        )
    for facts in done:
        style = "; in its mean style alone" if facts.mean_style else ""
        print(f"{facts.direction}: {_compared(facts)}; {_size(facts)}{style}")
    print(f"exported to {output}")
    if format is Format.web:
        server = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(output), "8000"]
        print(f"look at it: {shlex.join(server)}")
        print("then open http://127.0.0.1:8000; any web server can hold this folder")


class _WithoutGraphs(io.TextIOBase):
    """A stream without the code of graphs, and without the end of line after it."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.dropped = stream, False

    def write(self, text: str) -> int:
        dropped, self.dropped = self.dropped, "def forward(self" in text
        return len(text) if self.dropped or (dropped and text == "\n") else self.stream.write(text)

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return self.stream.isatty()


@contextmanager
def _without_graphs() -> Iterator[None]:
    """Keep to one line for a network that cannot be traced: PyTorch logs it too, and prints hundreds of lines."""
    for name in TRACERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with redirect_stderr(cast(TextIO, _WithoutGraphs(sys.stderr))):
        yield


def _compared(facts: Facts) -> str:
    compared = facts.compared or {}
    trials = [error for error in compared["trials"].values() if error is not None]
    text = f"largest error {compared['largest_error']:.1e} in {len(trials)} comparisons"
    if facts.precision == "int8":
        text = f"int8, a PSNR of {compared['int8_psnr']:.1f} dB to the network on {compared['int8_pictures']} pictures"
    return text


def _size(facts: Facts) -> str:
    if facts.image_size is None:
        return f"any size, any batch{_refused(facts)}"
    height, width = facts.image_size
    return f"{width}x{height} pixels only, any batch"


def _refused(facts: Facts) -> str:
    """The usual sizes that a program of PyTorch does not take, because it checks what was assumed of its example."""
    trials = (facts.compared or {})["trials"]
    refused = [name for name, error in trials.items() if error is None and min(map(int, name.split("x")[1:])) >= 32]
    return f" but for some, such as {', '.join(refused)} (batch, height, width), which it refuses" if refused else ""
