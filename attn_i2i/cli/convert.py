"""``attn-i2i convert``: a published checkpoint becomes a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def convert(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE", help="Checkpoint files, a TensorFlow prefix, or a folder.")
    ],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Model folder to write.")] = None,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Put the model into the model store under this zoo name.")
    ] = None,
    verify: Annotated[
        Path | None, typer.Option(help="Stored inputs and outputs (.safetensors) that the model must meet.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", "--license", help="Licence of the weights, for the model card.")
    ] = None,
    direction: Annotated[str | None, typer.Option(help="Name for the direction of a single generator.")] = None,
    domains: Annotated[str | None, typer.Option(help="Names of a multi-domain model's labels, by commas.")] = None,
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite an existing model folder.")] = False,
) -> None:
    """Convert a published checkpoint to a model. Nothing in the file is executed."""
    if (output is None) == (name is None):
        raise typer.BadParameter("say where the model goes: either -o FOLDER or --as NAME.", param_hint="'-o' / '--as'")
    from ..convert import convert as convert_checkpoint
    from ..models.places import target_for

    target = output or target_for(str(name))
    labels = None if domains is None else [name.strip() for name in domains.split(",")]
    done = convert_checkpoint(
        sources, target, verify=verify, licence=licence, direction=direction, domains=labels, force=force, card=name
    )
    print(done.summary())
