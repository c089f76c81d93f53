"""``attn-i2i publish``: a model folder onto the Hub."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def publish(
    directory: Annotated[Path, typer.Argument(metavar="FOLDER", help="Model folder.")],
    repo: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Repository on the Hub; made if it is not there.")],
    licence: Annotated[
        str | None, typer.Option("--licence", "--license", help="Licence of the weights, if the model states none.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Publish what is listed without asking.")] = False,
) -> None:
    """Publish a model on the Hub. Its files are checked and listed, then go up in one commit with a model card."""
    from ..hub import publish as publish_model
    from ..hub.redact import visible

    def confirm(listing: str) -> bool:
        print(visible(listing))
        if not yes and not sys.stdin.isatty():
            raise typer.BadParameter("nobody is there to ask: look at the list, then add --yes.", param_hint="'--yes'")
        return yes or typer.confirm("Publish this?", err=True)

    done = publish_model(directory, repo, licence=licence, private=private, confirm=confirm)
    print(f"published; load it with hf-hub:{done.repo}, or for good with hf-hub:{done.repo}@{done.commit}")
    print(f"\nfor a zoo card:\n\n{done.card_lines()}")
