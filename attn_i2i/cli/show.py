"""``attn-i2i show``: all that is known of one model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ..models.cards import describe_model
from ..models.places import installed_folder

if TYPE_CHECKING:
    from ..models.card import Card
    from ..models.source import Source


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Zoo name of the model, or a model folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a model's card, and how to get its weights."""
    card, where = describe_model(name)
    if as_json:
        told = asdict(card) | {"convert_command": card.convert_command, "where": where}
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    print(f"{card.summary}\n")
    for label, text in _lines(card, where):
        print(f"{label + ':' if label else '':<15}{text}")


def _lines(card: Card, where: str) -> Iterator[tuple[str, str]]:
    """Labels and what stands beside them; parts that the card leaves out are left out."""
    yield "Name", ", ".join((card.name, *card.aliases))
    yield "Architecture", card.architecture
    options = (f"{key}={value}" for key, value in card.config.items())
    yield "Configuration", ", ".join(options) or "read off the file at conversion"
    yield "Directions", ", ".join(f"{key} ({what})" for key, what in card.directions.items())
    facts = (
        ("Domains", ", ".join(card.domains or ())),
        ("Pictures", ", ".join(f"{key} {value}" for key, value in card.preprocessing.items())),
        ("Licence", f"{card.licence}. {card.licence_note}".strip()),
        ("Paper", card.paper),
        ("Code", card.code),
        ("Data", card.data),
        ("Note", card.note),
        *(("Figure", f"{f.direction or ''} {f.measure}: {f.value} [{f.source}]".strip()) for f in card.figures),
    )
    yield from ((label, text) for label, text in facts if text)
    folder = None if where.startswith("folder") else installed_folder(card.name)
    yield "Weights", where + (f", {folder}" if folder else "")
    if not where.startswith("folder"):
        yield from _ways(card)


def _ways(card: Card) -> Iterator[tuple[str, str]]:
    """Where the weights come from."""
    if card.weights and card.weights.repo:
        yield "Hub", f"{card.weights.repo} at {card.weights.revision}"
    from ..hub.sources.policy import amount
    from ..hub.sources.progress import size_words

    for source in card.sources:
        yield "Source", f"{source.label}, {size_words(amount(source))}: {source.page} ({_standing(source)})"
        yield from (("", text) for text in (source.evidence, source.note) if text)
    if any(source.state == "unchecked" for source in card.sources):
        yield "Fetch", f"attn-i2i fetch {card.name}"
    if card.sources:
        yield "By hand", str(card.convert_command)


def _standing(source: Source) -> str:
    """What is known of a source in a few words."""
    whose = "a mirror" if source.mirror else "the authors'"
    certainty = "hash known" if source.pinned else "part of its hash known" if source.sha256 else "no hash known"
    way = ["plain http: needs --sha256"] if source.open_way and not source.pinned else []
    return ", ".join((whose, source.state, certainty, *way))
