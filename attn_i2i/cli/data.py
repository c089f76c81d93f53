"""``attn-i2i data``: the data sets of the papers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..models.dataset import datasets, get_dataset
from .examples import examples
from .fetch import check_digest
from .wording import spelled

app = typer.Typer(help="Data sets of the papers: list them, fetch one.", epilog=examples("data"), no_args_is_help=True)


@app.command("list")
def list_data() -> None:
    """List the data sets. Each has its licence, where it comes from, and what it holds."""
    from ..hub.sources.policy import amount
    from ..hub.sources.progress import size_words

    rows = [("name", "licence", "from", "what")]
    for name, data in datasets().items():
        source = next(iter(data.sources), None)
        place = "on request" if source is None else f"{source.label}, {size_words(amount(source))}"
        rows.append((name, data.licence, place, data.summary))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command("fetch")
def fetch_data(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A data set that `attn-i2i data list` shows.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write.")],
    digest: Annotated[str | None, typer.Option("--sha256", help="SHA-256 of the archive, if you know it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would come from where; fetch nothing.")] = False,
    force: Annotated[bool, typer.Option("-f", "--force", help="Overwrite an existing folder.")] = False,
) -> None:
    """Fetch a data set into DIR, as trainA, trainB, testA and testB.

    For a data set that no program can fetch, the command says where a person gets it.
    """
    from ..hub.sources import data as room
    from ..hub.sources.plan import plan

    data, digest = get_dataset(name), check_digest(digest)
    if dry_run:
        print(f"{name}: {data.summary}. Licence: {data.licence}")
        print(spelled("\n".join([*plan(room.as_card(data), digest), f"  {room.by_hand(data)}"])))
        return
    counts = room.fetch_data(data, folder, digest=digest, force=force)
    print(f"{name}: " + ", ".join(f"{count} pictures in {folder / where}" for where, count in counts.items()))
