"""The cards that this machine knows, and the models that lie on it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from ..arguments import typed
from ..files.swapping import mend
from ..plugins import zoo
from ..plugins._manager import usable, warn_of_part
from ..registry import Entry, suggestion
from ..types import ModelError, UnknownNameError
from .card import UNSTATED, Card, read_card
from .config import CONFIG, ModelConfig, read_config
from .entries import declared
from .mistaken import no_model_file, no_such_path
from .places import installed_folder, model_store, models_in, shipped_models

IN_DISTRIBUTIONS = {"photo2cartoon": "attn-i2i-photo2cartoon"}
"""Models that the repository's own distributions tell of, each with what to install."""


def cards() -> dict[str, Card]:
    """Every card by name, those of the package and those of plugins.

    A card that cannot be read is left out, and a PluginWarning names its plugin. Who registers a name or an alias first
    keeps it: the same holds for a card, or an alias, of a taken name.
    """
    table = usable(zoo().cards, read_entry)
    owners: dict[str, Entry[Any]] = {}
    for entry in zoo().cards:
        if entry.name not in table:
            continue
        if _taken(entry.name, entry, owners, "card"):
            del table[entry.name]
            continue
        card = table[entry.name]
        free = tuple(alias for alias in card.aliases if not _taken(alias, entry, owners, "alias of the card"))
        table[entry.name] = card if free == card.aliases else replace(card, aliases=free)
    return dict(sorted(table.items()))


def _taken(name: str, entry: Entry[Any], owners: dict[str, Entry[Any]], kind: str) -> bool:
    """Whether another card goes by ``name`` already, which is told; else ``entry`` goes by it from now on."""
    owner = owners.setdefault(name, entry)
    if owner is not entry:
        warn_of_part(kind, entry, f"{name!r} is already a name of the card {owner.name!r} of plugin {owner.plugin!r}")
    return owner is not entry


def read_entry(entry: Entry[Any]) -> Card:
    """The card of an entry, whose target is a Card, where to import one from, or the path of its TOML file."""
    return declared(entry, Card, _read_once)


_read_once = cache(read_card)


def known_models() -> dict[str, Card]:
    """``cards()``, and for models of this machine that have none a card of what their configuration says."""
    table = cards()
    for name in {*models_in(shipped_models()), *models_in(model_store())} - table.keys():
        with suppress(ModelError):  # a damaged one is named when it is loaded
            folder = installed_folder(name) or Path()
            table[name] = _card_of(name, read_config(folder), "A model of this machine that has no card")
    return dict(sorted(table.items()))


def describe_model(name: str) -> tuple[Card, str]:
    """The card of a zoo name, or one of what a model folder's configuration says; and where its weights are.

    Raises UnknownNameError or ModelError for what is no model.
    """
    path = Path(name)
    mend(path)
    if name and path.is_dir() and ((path / CONFIG).exists() or find_card(name) is None):
        card = _card_of(path.resolve().name, read_config(path), "A model folder")
        return card, f"folder {path}"
    if path.is_file():
        raise no_model_file(path)
    card = known_models().get(name) or get_card(name)
    return card, whereabouts(card)


def _card_of(name: str, config: ModelConfig, summary: str) -> Card:
    """A card of what a model's configuration says."""
    return Card(
        name,
        summary=summary,
        architecture=config.architecture,
        task="",
        directions={direction: direction for direction in config.directions},
        config=config.config,
        domains=tuple(config.domains) if config.domains else None,
        preprocessing=config.preprocessing,
        licence=config.licence or UNSTATED,
    )


def whereabouts(card: Card) -> str:
    """In a few words, where a model's weights are: on this machine, or which kind of place has them."""
    if (folder := installed_folder(card.name)) is not None:
        return "package" if folder.is_relative_to(shipped_models()) else "model store"
    if card.weights is not None and card.weights.repo is not None:
        return "Hub"
    living = [source for source in card.sources if source.state != "dead"]
    return living[0].label if living else "nowhere (dead)"


@typed
def find_card(name: str) -> Card | None:
    """The card of a name or alias."""
    table = cards()
    return table.get(name) or next((card for card in table.values() if name in card.aliases), None)


@typed
def get_card(name: str) -> Card:
    """The card of a name or alias; raises UnknownNameError with a suggestion."""
    card = find_card(name)
    if card is None and (error := no_such_path(name)):
        raise error
    if card is None:
        names = [*cards(), *(alias for card in cards().values() for alias in card.aliases)]
        if distribution := IN_DISTRIBUTIONS.get(name):
            raise UnknownNameError(f"The card of {name} comes with a plugin: pip install {distribution}.")
        raise UnknownNameError(f"No model is named {name!r}.{suggestion(name, names)} See attn-i2i list.")
    return card


@typed
def list_models(
    pattern: str = "*",
    *,
    architecture: str | None = None,
    task: str | None = None,
    licence: str | None = None,
    installed: bool | None = None,
) -> list[str]:
    """Names of the models that have a card or are on this machine, sorted.

    ``pattern`` and the filters may hold ``*``. ``installed`` chooses the models that are (True) or are not (False) on
    this machine, in the package or the model store.

    >>> list_models("ugatit-*", licence="CC-BY-NC*")
    []
    """
    chosen = []
    for name, card in known_models().items():
        asked = ((pattern, name), (architecture, card.architecture), (task, card.task), (licence, card.licence))
        if all(want is None or fnmatchcase(have.lower(), want.lower()) for want, have in asked) and (
            installed is None or installed == (installed_folder(name) is not None)
        ):
            chosen.append(name)
    return chosen
