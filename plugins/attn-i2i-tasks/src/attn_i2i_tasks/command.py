"""The commands ``attn-i2i task NAME DIR``: a thin skin over the functions that make the folders."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

if TYPE_CHECKING:
    from .emoji.glyphs import GlyphStyle

tasks = typer.Typer(help="Make the folders of a task that ships: pictures to train on, to test on, and masks.")
Folder = Annotated[Path, typer.Argument(help="The folder to make.", metavar="DIR")]
Seed = Annotated[int, typer.Option(help="Seed of all that is drawn; the same seed gives the same bytes.")]
Workers = Annotated[int, typer.Option(help="Threads to work with; the result is the same.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the folder if it exists.")]


def _made(label: str, make: Callable[..., dict[str, int]], folder: Path, **options: Any) -> None:
    with typer.progressbar(length=0, label=label) as bar:

        def report(total: int) -> None:
            bar.length = total
            bar.update(1)

        counts = make(folder, report=report, **options)
    typer.echo(f"{folder}: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))


class Backgrounds(StrEnum):
    """How busy the backgrounds of emoji are."""

    calm = "calm"
    loud = "loud"


@tasks.command()
def emoji(
    folder: Folder,
    size: Annotated[
        int, typer.Option(help="Height and width in pixels; the drawings have 64, and larger sizes make them soft.")
    ] = 64,
    styles: Annotated[
        str, typer.Option(help="Two or more of flat, clay, noto, twemoji, by commas; of two the first is domain A.")
    ] = "flat,clay",
    seed: Seed = 0,
    backgrounds: Annotated[
        Backgrounds, typer.Option(help="Backgrounds; loud ones have strong colours, stripes, checks and dots.")
    ] = Backgrounds.calm,
    per_glyph: Annotated[int, typer.Option(help="Training pictures of each glyph.")] = 4,
    workers: Workers = 2,
    force: Force = False,
) -> None:
    """Emoji in drawing styles over random backgrounds, with exact masks and true pairs (MIT, Apache-2.0, CC BY 4.0)."""
    from .emoji import make_emoji

    names = cast("list[GlyphStyle]", styles.replace(",", " ").split())
    options = {"size": size, "styles": names, "seed": seed, "backgrounds": backgrounds.value, "per_glyph": per_glyph}
    _made("emoji", make_emoji, folder, **options, workers=workers, force=force)


@tasks.command()
def fruit(
    folder: Folder,
    size: Annotated[int, typer.Option(help="Height and width in pixels; the cut-outs have 128.")] = 128,
    seed: Seed = 0,
    per_fruit: Annotated[int, typer.Option(help="Training pictures of each cut-out.")] = 6,
    tests: Annotated[int, typer.Option(help="Test pictures of each domain, and as many for validation.")] = 100,
    count: Annotated[int, typer.Option(help="Fruits in a picture, at most.")] = 1,
    bars: Annotated[bool, typer.Option("--bars", help="Put a fence before the fruit.")] = False,
    fenced: Annotated[
        float, typer.Option(help="Share of training pictures, 0 to 1, with a fence; others stay as they are.")
    ] = 0.0,
    workers: Workers = 2,
    force: Force = False,
) -> None:
    """Apples and oranges over photographed textures, with exact masks (CC BY-SA 4.0)."""
    from .fruit import make_fruit

    options = {"size": size, "seed": seed, "per_fruit": per_fruit, "tests": tests, "count": count, "bars": bars}
    _made("fruit", make_fruit, folder, **options, fenced=fenced, workers=workers, force=force)


@tasks.command()
def shop(folder: Folder, workers: Workers = 2, force: Force = False) -> None:
    """Photographs of apples and oranges in shops, as they are (MIT)."""
    from .shop import make_shop

    _made("shop", make_shop, folder, workers=workers, force=force)


@tasks.command()
def nuclei(
    folder: Folder,
    seed: Seed = 0,
    per_picture: Annotated[int, typer.Option(help="Degraded training pictures of each field.")] = 4,
    workers: Workers = 2,
    force: Force = False,
) -> None:
    """Fluorescent nuclei in 16 bits, degraded and clean, with exact truth and masks (CC0)."""
    from .nuclei import make_nuclei

    _made("nuclei", make_nuclei, folder, seed=seed, per_picture=per_picture, workers=workers, force=force)
