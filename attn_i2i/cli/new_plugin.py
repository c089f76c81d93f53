"""``attn-i2i new-plugin``: a plugin that works, to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def new_plugin(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What the plugin and its generator are called, such as my-gan.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder to write.", show_default="attn-i2i-NAME")
    ] = None,
    force: Annotated[bool, typer.Option("-f", "--force", help="Replace this plugin's folder.")] = False,
) -> None:
    """Write a plugin to start from. It has an entry point, a generator, a test and a README, and passes its tests."""
    from ..plugins.scaffold import new_plugin as write

    folder = write(name, output, force=force)
    print(f"plugin written to {folder}; next: pip install -e '{folder}[test]' && pytest {folder}")
