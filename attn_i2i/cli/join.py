"""``attn-i2i join``: models of single directions become one model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..files.swapping import mend
from ..models.places import installed_folder


def join(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER", help="Model folders, or zoo names that are here.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Model folder to write.")],
    direction: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Names of the directions by commas, in the order of the folders.",
            show_default="their own",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite an existing model folder.")] = False,
) -> None:
    """Make one model of several models of one direction each."""
    from ..convert import join as join_models

    for folder in folders:
        mend(folder)
    places = [folder if folder.exists() else installed_folder(str(folder)) or folder for folder in folders]
    names = None if direction is None else [name.strip() for name in direction.split(",")]
    config = join_models(places, output, directions=names, force=force)
    print(f"{config.architecture}, {', '.join(config.directions)}: written to {output}")
