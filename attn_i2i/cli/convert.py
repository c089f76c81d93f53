"""``attn-i2i convert``: a published checkpoint becomes a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def convert(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="Checkpoint files, or their folder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Model folder to write.")],
    verify: Annotated[
        Path | None, typer.Option(help="Stored inputs and outputs (.safetensors) to compare with.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", "--license", help="Licence of the weights, for the model card.")
    ] = None,
    family: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Read as this family where several fit.")
    ] = None,
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite an existing model folder.")] = False,
) -> None:
    """Convert a published checkpoint to a model; nothing in the file is executed."""
    from ..convert import convert as convert_checkpoint

    convert_checkpoint(sources, output, verify=verify, force=force, licence=licence, family=family)
    print(f"model written to {output}; translate with: attn-i2i translate PICTURE -o OUT -m {output}")
