"""``attn-i2i demo``: see what the library does, without a download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# What to type next: a whole command, which a test tries.
NEXT = "attn-i2i translate apple.jpg -o orange.jpg -m attentiongan2-apple2orange-shop --attention"


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")] = Path("demo-out"),
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite an earlier demo.")] = False,
) -> None:
    """Translate the package's own pictures and show what changed."""
    from rich.progress import Progress

    from ..translate.demo import demo as run

    with Progress(transient=True) as progress:
        task = progress.add_task("translating", total=None)
        sheet = run(output, force=force, advance=lambda: progress.advance(task))
    print(f"pictures and masks: {output.resolve()}\nall on one sheet: {sheet.resolve()}")
    print(f"now your own: {NEXT}")
