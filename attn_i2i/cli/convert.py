"""``attn-i2i convert``: a published checkpoint becomes a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..arguments import refuse_repeated
from ..models.places import target_for
from .wording import spelled


def convert(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE", help="Checkpoint files, a TensorFlow prefix, or a folder.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Model folder to write; either this or --as is needed.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="NAME", help="Put the model into the model store under this zoo name, instead of -o."
        ),
    ] = None,
    verify: Annotated[
        Path | None, typer.Option(help="Stored inputs and outputs (.safetensors) that the model must meet.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", "--license", help="Licence of the weights, for the model card.")
    ] = None,
    direction: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="A direction, such as A2B; several by commas, in the order of the files, or by networks, as in"
            " G_b=B2A,D_A=B.",
            show_default="told by the files' names",
        ),
    ] = None,
    domains: Annotated[str | None, typer.Option(help="Names of a multi-domain model's labels, by commas.")] = None,
    as_layout: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Read the files in a layout that no key tells (docs: Converting)."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="ema|raw", help="Averaged or raw weights of a file with both.", show_default="ema"),
    ] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A network or tensor to go without; repeatable.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Option of the generator that no tensor tells, such as heads=3; repeatable.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite an existing model folder.")] = False,
) -> None:
    """Convert a published checkpoint to a model. Nothing in the file is executed."""
    if (output is None) == (name is None):
        raise typer.BadParameter("say where the model goes: either -o FOLDER or --as NAME.", param_hint="'-o' / '--as'")
    from ..convert import convert as convert_checkpoint

    target = output or target_for(str(name))
    done = convert_checkpoint(
        sources,
        target,
        verify=verify,
        licence=licence,
        direction=_directions(direction),
        domains=None if domains is None else _names(domains),
        as_layout=as_layout,
        weights=weights,  # type: ignore[arg-type]  # convert refuses other words
        leave_out=leave_out or (),
        options=_options(set_ or []),
        force=force,
        card=name,
    )
    print(spelled(done.summary()))


def _options(assignments: list[str]) -> dict[str, object]:
    if not assignments:
        return {}
    from ..train.options import parse_assignments  # late: whoever only converts needs nothing of the training

    return parse_assignments(assignments)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _directions(text: str | None) -> str | list[str] | dict[str, str] | None:
    """A name, a list of them, or NAME=DIRECTION for single networks."""
    if text is None or not ("," in text or "=" in text):
        return text
    names = _names(text)
    if not all("=" in name for name in names):
        return names
    pairs = [name.rpartition("=")[::2] for name in names]
    refuse_repeated("--direction", [network.strip() for network, _ in pairs])
    return {network.strip(): direction.strip() for network, direction in pairs}
