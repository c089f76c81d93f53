"""``attn-i2i doctor``: the state of this installation."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show the state of this installation, for a bug report. Versions, devices, models, plugins, the Hub."""
    from ..doctor import diagnose

    facts = diagnose()
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    for topic, lines in facts.items():
        print(topic)
        for name, text in lines.items():
            print(f"  {name:<20} {text}")
