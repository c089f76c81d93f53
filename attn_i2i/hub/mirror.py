"""Put a model of the zoo on the Hub: fetch, convert, verify, publish, and write the commit into its card."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from ..files import atomic_path
from ..models.card import UNSTATED, Card, parse_card
from ..models.cards import get_card
from ..registry import typed
from ..types import AttnI2IError, ConfigError
from .locate import find_model
from .publish import Published, publish


class Mirrored(NamedTuple):
    """What became of one model: where it is now, or None, and a sentence that says so."""

    published: Published | None
    told: str


@typed
def mirror_model(
    name: str, owner: str, *, cards: Path | None = None, private: bool = False, accept_license: bool = False
) -> Mirrored:
    """Put the model ``name`` into the repository ``owner``/``name`` if its licence allows to hand it on.

    ``cards`` is a folder of cards: the [weights] of ``name``.toml there becomes what was published. A model is left
    out, and the answer says why, if it cannot be had or if nobody allowed to hand it on. A folder without the card is a
    ConfigError.
    """
    card = get_card(name)
    path = cards / f"{card.name}.toml" if cards is not None else None
    if path is not None and not path.is_file():
        raise ConfigError(f"{path} does not exist: give the folder that holds the cards.")
    if card.licence == UNSTATED:
        return Mirrored(None, "left out: nobody says under what licence its weights may be handed on")
    try:
        folder = find_model(card.name, accept_license=accept_license, fetch=True).folder
        done = publish(folder, f"{owner}/{card.name}", licence=card.licence, private=private)
    except AttnI2IError as error:
        return Mirrored(None, f"left out: {error}")
    if path is not None:
        write_weights(path, done)
    return Mirrored(done, f"published as {done.repo} at {done.commit}{f'; {path} names it' if path else ''}")


def write_weights(path: Path, published: Published) -> Card:
    """Put the [weights] of a publication into a card, in place of those it had; the card as it reads now.

    The rest of the file stays as it is, letter by letter. Raises ModelError for what would be no card, before
    anything is written.
    """
    text = path.read_text(encoding="utf-8")
    kept = re.sub(r"^\[weights(\.sha256)?\]\n(?:(?!\[).*\n?)*", "", text, flags=re.MULTILINE).rstrip("\n")
    new = f"{kept}\n\n{published.card_lines()}\n"
    card = parse_card(new, path)
    with atomic_path(path, force=True) as temporary:
        temporary.write_text(new, encoding="utf-8")
    return card
