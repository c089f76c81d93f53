"""``attn-i2i evaluate``: measure a translation against exact masks and paired truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    data: Annotated[Path, typer.Argument(help="Folder with testA, testB and masks, as `attn-i2i emoji` makes it.")],
    model: Annotated[str, typer.Option("-m", "--model", help="Model folder, zoo name or hf-hub:owner/repo.")],
    direction: Annotated[str | None, typer.Option(help="Direction of the model.")] = None,
    domain: Annotated[str | None, typer.Option(help="Target labels of a multi-domain model, by commas.")] = None,
    source: Annotated[str, typer.Option(help="Domain translated from: A, or a folder of test/.")] = "A",
    target: Annotated[str, typer.Option(help="Domain translated to.")] = "B",
    threshold: Annotated[float | None, typer.Option(help="Of the mask; else the best on training pictures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure translations of pictures whose truth is known. The figures are of background, foreground and mask."""
    from ..evaluate import evaluate_pairs, table_text, translating
    from ..translate.loading import load

    translate = translating(load(model, direction=direction), domain=domain)
    table = evaluate_pairs(translate, data, source=source, target=target, threshold=threshold)
    print(json.dumps(table, allow_nan=False) if as_json else table_text(table))
