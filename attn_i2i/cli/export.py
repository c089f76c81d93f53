"""``attn-i2i export``: a model for onnxruntime, OpenVINO, PyTorch's own exported programs, or a page in a browser."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..export import Facts


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
        print(f"{facts.direction}: {_compared(facts)}; {_size(facts)}")
    print(f"exported to {output}")
    if format is Format.web:
        server = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(output), "8000"]
        print(f"look at it: {shlex.join(server)}")
        print("then open http://127.0.0.1:8000; any web server can hold this folder")


def _compared(facts: Facts) -> str:
    compared = facts.compared or {}
    text = f"largest error {compared['largest_error']:.1e} in {len(compared['trials'])} comparisons"
    if facts.precision == "int8":
        text = f"int8, a PSNR of {compared['int8_psnr']:.1f} dB to the network on {compared['int8_pictures']} pictures"
    return text


def _size(facts: Facts) -> str:
    if facts.image_size is None:
        return "any size, any batch"
    height, width = facts.image_size
    return f"{width}x{height} pixels only, any batch"
