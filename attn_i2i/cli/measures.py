"""``attn-i2i measures``: what ``evaluate`` can tell."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..plugins import zoo


def measures(
    as_json: Annotated[bool, typer.Option("--json", help="Print everything known as JSON.")] = False,
) -> None:
    """List the measures. Each has its unit, which way is better, and what it needs."""
    from ..evaluate.needs import in_words
    from ..evaluate.registered import registered_measures

    rows: list[dict[str, str | None]] = []
    for name, measure in registered_measures().items():
        rows.append(
            {
                "name": name,
                "unit": measure.unit,
                "better": measure.better,
                "over": measure.over,
                "needs": in_words(measure.needs),
                "summary": measure.summary,
                "plugin": zoo().measures[name].plugin,
            }
        )
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    head = ("name", "unit", "better", "needs")
    shown: list[dict[str, str | None]] = [{key: key for key in head}, *rows]
    widths = {key: max(len(str(row[key] or "-")) for row in shown) for key in head}
    for row in shown:
        print("  ".join(str(row[key] or "-").ljust(width) for key, width in widths.items()).rstrip())
