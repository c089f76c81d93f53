"""The command ``attn-i2i emoji``: a thin skin over ``attn_i2i_emoji.make``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from .glyphs import Style


class Backgrounds(StrEnum):
    """How busy the backgrounds are."""

    calm = "calm"
    loud = "loud"


def emoji(
    folder: Annotated[Path, typer.Argument(help="The folder to make.", metavar="DIR")],
    size: Annotated[int, typer.Option(help="Height and width of the pictures; glyphs are drawn from 64 pixels.")] = 64,
    styles: Annotated[str, typer.Option(help="Two or more of flat, clay, noto, twemoji, in order.")] = "flat,clay",
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    backgrounds: Annotated[Backgrounds, typer.Option(help="How busy the backgrounds are.")] = Backgrounds.calm,
    per_glyph: Annotated[int, typer.Option(help="Training pictures of each glyph.")] = 4,
    workers: Annotated[int, typer.Option(help="Threads; they do not change the result.")] = 2,
    force: Annotated[bool, typer.Option("--force", help="Replace the folder if it exists.")] = False,
) -> None:
    """Make folders of emoji over random backgrounds for unpaired training, with masks and paired test truth."""
    from .folders import make

    with typer.progressbar(length=0, label="emoji") as bar:

        def report(total: int) -> None:
            bar.length = total
            bar.update(1)

        counts = make(
            folder,
            size=size,
            styles=cast("list[Style]", styles.replace(",", " ").split()),
            seed=seed,
            backgrounds=backgrounds.value,
            per_glyph=per_glyph,
            workers=workers,
            force=force,
            report=report,
        )
    typer.echo(f"{folder}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
