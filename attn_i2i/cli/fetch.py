"""``attn-i2i fetch``: the authors' files of models, fetched and converted."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from ..models.cards import get_card
from ..models.places import installed_folder
from ..types import AttnI2IError
from .wording import spelled

if TYPE_CHECKING:
    from pathlib import Path

    from ..models.card import Card


def fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Zoo names of models.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would come from where; fetch nothing.")] = False,
    accept_license: Annotated[bool, typer.Option("--accept-license", help="Accept a restricted licence.")] = False,
    digest: Annotated[
        str | None, typer.Option("--sha256", help="SHA-256 of the one file to fetch, if you know it.")
    ] = None,
) -> None:
    """Fetch and convert models by name. The authors' file is downloaded, verified, unpacked, converted and stored."""
    cards = [get_card(name) for name in names]
    if digest is not None and len(cards) > 1:
        raise typer.BadParameter("it is of one file: give one NAME.", param_hint="'--sha256'")
    digest = check_digest(digest)
    failed = False
    for card in cards:
        if dry_run:
            print("\n".join(_plan(card, digest)))
            continue
        try:
            print(_fetched(card, accept_license or _asked(card), digest))
        except AttnI2IError as error:
            if len(cards) == 1:
                raise
            print(f"error: {spelled(str(error))}", file=sys.stderr)
            failed = True
    if failed:
        raise typer.Exit(1)


def check_digest(digest: str | None) -> str | None:
    """A SHA-256 that the user gave, in lower case."""
    if digest is not None and not re.fullmatch(r"[0-9a-f]{64}", digest.lower()):
        raise typer.BadParameter(f"{digest!r} is no SHA-256: expected 64 hexadecimal digits.", param_hint="'--sha256'")
    return digest.lower() if digest else None


def _fetched(card: Card, accept_license: bool, digest: str | None) -> str:
    from ..hub import find_model
    from ..hub.sources import fetch_model

    if (here := installed_folder(card.name)) or card.weights:
        if digest is not None:
            _hold(card, here, digest)
        return f"{card.name}: {find_model(card.name, accept_license=accept_license).folder}"
    folder = fetch_model(card, accept_license=accept_license, fetch=True, digest=digest)
    return f"{card.name}: fetched and converted to {folder}"


def _hold(card: Card, here: Path | None, digest: str) -> None:
    """Hold a SHA-256 against what is here, or against the hashes by which the card's own weights come."""
    from ..hub.sources import FetchError
    from ..hub.sources.origin import require_digest

    weights = card.weights.sha256 if card.weights else {}
    if digest in weights.values():
        return
    if here is None:
        raise FetchError(
            f"{card.name} comes from the Hub as {', '.join(sorted(weights))}, and the card knows none of them by"
            f" {digest[:12]}...: fetch it without a hash of your own."
        )
    require_digest(here, digest)


def _asked(card: Card) -> bool:
    """Ask about a restricted licence where somebody sits at the terminal."""
    if not card.needs_acceptance or not sys.stdin.isatty():
        return False
    return typer.confirm(f"{card.name} is under {card.licence}. {card.licence_note} Accept it?", err=True)


def _plan(card: Card, digest: str | None) -> Iterator[str]:
    """What fetching a model would do, line by line; nobody is asked for it."""
    from ..hub.sources.fetch import by_hand
    from ..hub.sources.plan import plan
    from ..hub.sources.policy import usable

    if (folder := installed_folder(card.name)) is not None:
        if digest is not None:
            _hold(card, folder, digest)
        yield f"{card.name}: is here already ({folder})"
        return
    yield f"{card.name}: licence {card.licence}{', to be accepted first' if card.needs_acceptance else ''}"
    if card.weights and card.weights.repo:
        yield f"  1. Hub, in this library's format: {card.weights.repo} at {card.weights.revision}"
        return
    yield from map(spelled, plan(card, digest))
    if not usable(card, digest):
        yield f"  no source that a program can use. {spelled(by_hand(card))}"
