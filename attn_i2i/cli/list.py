"""``attn-i2i list``: the models of the zoo."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from .. import models


def list_models(
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="Names to show; may hold *, in quotes.")] = "*",
    architecture: Annotated[str | None, typer.Option(help="Only this architecture; may hold *.")] = None,
    task: Annotated[str | None, typer.Option(help="Only this task, such as horse2zebra; may hold *.")] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", "--license", help="Only this licence of weights; may hold *.")
    ] = None,
    installed: Annotated[
        bool | None, typer.Option("--installed/--remote", help="Only models that are, or are not, on this machine.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask each source whether it answers, and show when it last did.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the models of the zoo. Each has its architecture, its licence, and where its weights are."""
    names = models.list_models(pattern, architecture=architecture, task=task, licence=licence, installed=installed)
    table = models.known_models()
    rows: list[tuple[str, ...]] = [
        (name, table[name].architecture, table[name].licence, models.whereabouts(table[name])) for name in names
    ]
    head: tuple[str, ...] = ("name", "architecture", "licence", "weights")
    if live:
        head, rows = (*head, "sources"), [(*row, text) for row, text in zip(rows, _standing(names), strict=True)]
    if as_json:
        print(json.dumps([dict(zip(head, row, strict=True)) for row in rows], indent=2))
        return
    if not rows:
        print("note: no model meets this; `attn-i2i list` alone shows all of them", file=sys.stderr)
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _standing(names: Sequence[str]) -> list[str]:
    """Of each model, which of its sources answer, and when they last did."""
    from ..hub.sources.live import ask_all

    table = models.known_models()
    counts = [len(table[name].sources) for name in names]
    answers = iter(ask_all(source for name in names for source in table[name].sources))
    return ["; ".join(str(next(answers)) for _ in range(count)) or "-" for count in counts]
