"""``attn-i2i load``: have a model on this machine before it is needed."""

from __future__ import annotations

from typing import Annotated

import typer


def load(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Zoo name, or hf-hub:owner/repo.")],
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit on the Hub.", show_default="the card's commit")
    ] = None,
    accept_license: Annotated[bool, typer.Option("--accept-license", help="Accept a restricted licence.")] = False,
    fetch: Annotated[
        bool | None,
        typer.Option(
            "--fetch/--no-fetch",
            help="Fetch the authors' file, or do not.",
            show_default="if it is pinned by a hash and at most 500 MB",
        ),
    ] = None,
) -> None:
    """Bring a model to this machine, and print its folder. It is fetched if need be, and every file is checked."""
    from ..hub import find_model

    print(find_model(name, revision=revision, accept_license=accept_license, fetch=fetch).folder)
