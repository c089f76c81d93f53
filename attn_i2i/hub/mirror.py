"""Put models of the zoo on the Hub: fetch, convert, verify, publish, and write each commit into its card."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..arguments import typed
from ..files import atomic_path
from ..models.card import UNSTATED, Card, parse_card
from ..models.cards import get_card
from ..types import AttnI2IError, ConfigError
from .account import require_account
from .locate import find_model
from .publish import Published, publish
from .sources.origin import require_origin_of
from .store import check_repo


class Mirrored(NamedTuple):
    """What became of one model: where it is now, or None, a sentence that says so, and whether part of it failed."""

    published: Published | None
    told: str
    failed: bool = False


@typed
def mirror_models(
    names: Sequence[str], owner: str, *, cards: Path | None = None, private: bool = False, accept_license: bool = False
) -> Iterator[tuple[str, Mirrored]]:
    """Mirror several models, each as ``mirror_model`` does; one that fails does not stop the others.

    What would fail for all of them is looked at before anything is fetched. Raises UnknownNameError for a name that no
    card has, and ConfigError for a card that is not in the folder ``cards``. Raises HubError without an account that
    may write for ``owner``.
    """
    models = list(dict.fromkeys(get_card(name).name for name in names))
    for name in models:
        check_repo(f"{owner}/{name}")
        _path_of(name, cards)
    if any(get_card(name).licence != UNSTATED for name in models):
        require_account(owner)
    return (
        (name, mirror_model(name, owner, cards=cards, private=private, accept_license=accept_license))
        for name in models
    )


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
    path = _path_of(card.name, cards)
    if card.licence == UNSTATED:
        return Mirrored(None, "left out: nobody says under what licence its weights may be handed on", failed=True)
    try:
        folder = find_model(card.name, accept_license=accept_license, fetch=True).folder
        require_origin_of(card, folder)
        done = publish(folder, f"{owner}/{card.name}", licence=card.licence, private=private, card=card.name)
    except (AttnI2IError, OSError) as error:
        return Mirrored(None, f"left out: {error}", failed=True)
    told = f"{'published as' if done.changed else 'is already'} {done.repo} at {done.commit}"
    if path is None:
        return Mirrored(done, told)
    try:
        write_weights(path, done)
    except (AttnI2IError, OSError) as error:
        return Mirrored(done, f"{told}, but {path} was not written: {error}", failed=True)
    return Mirrored(done, f"{told}; {path} names it")


def _path_of(name: str, cards: Path | None) -> Path | None:
    """The file of a card in the folder ``cards``; raises ConfigError where it is not there."""
    path = cards / f"{name}.toml" if cards is not None else None
    if path is not None and not path.is_file():
        raise ConfigError(f"{path} does not exist: give the folder that holds the cards.")
    return path


def write_weights(path: Path, published: Published) -> Card:
    """Put the [weights] of a publication into a card, in place of those it had; the card as it reads now.

    The rest of the file stays as it is, letter by letter. Raises ModelError for what would be no card, before
    anything is written.
    """
    text = path.read_text(encoding="utf-8")
    rest = re.sub(r"^\[weights(\.sha256)?\]\n(?:(?!\[).*\n?)*", "", text, flags=re.MULTILINE).rstrip("\n")
    new = f"{rest}\n\n{published.card_lines()}\n"
    card = parse_card(new, path)
    if new != text:
        with atomic_path(path, force=True) as temporary:
            temporary.write_text(new, encoding="utf-8")
    return card
