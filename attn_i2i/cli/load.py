"""``attn-i2i load``: have a model on this machine before it is needed."""

from __future__ import annotations

from typing import Annotated

import typer


def load(
    name: Annotated[str, typer.Argument(help="Zoo name, or hf-hub:owner/repo.")],
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit on the Hub.")] = None,
    accept_license: Annotated[bool, typer.Option("--accept-license", help="Accept a restricted licence.")] = False,
    fetch: Annotated[
        bool | None, typer.Option("--fetch/--no-fetch", help="Fetch the authors' file, whatever its size; or never.")
    ] = None,
) -> None:
    """Have a model on this machine. It is fetched if need be, every file is checked, and its folder printed."""
    from ..hub import find_model

    print(find_model(name, revision=revision, accept_license=accept_license, fetch=fetch).folder)
