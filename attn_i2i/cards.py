"""Zoo cards: what is known of a published model, and where its weights are."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from .local_zoo import installed_folder, local_zoo, models_in, shipped_zoo
from .model import read_config
from .registry import suggestion
from .types import ModelError, UnknownNameError

UNSTATED = "unstated"
T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """A published measurement, as its source prints it."""

    measure: str
    value: str
    source: str
    direction: str | None = None


@dataclass(frozen=True)
class Download:
    """The official file: ``sources`` are what lies on the disk once it is unpacked, as ``convert`` takes them."""

    url: str
    sources: tuple[str, ...]
    state: Literal["unchecked", "dead"] = "unchecked"
    note: str = ""


@dataclass(frozen=True)
class Weights:
    """Files of this library's format by SHA-256, and the Hub repository and 40-hex commit that hold them.

    Without a repository they ship with the package.
    """

    sha256: Mapping[str, str]
    repo: str | None = None
    revision: str | None = None


@dataclass(frozen=True)
class Card:
    """What is known of a model. ``directions`` maps the names of its weights to what each translates."""

    name: str
    summary: str
    architecture: str
    task: str
    directions: Mapping[str, str]
    config: Mapping[str, Any] = field(default_factory=dict)
    domains: tuple[str, ...] | None = None
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    licence: str = UNSTATED
    licence_note: str = ""
    paper: str = ""
    code: str = ""
    data: str = ""
    note: str = ""
    aliases: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    download: Download | None = None
    weights: Weights | None = None

    @property
    def convert_command(self) -> str | None:
        """The command that turns the unpacked official download into this model."""
        if self.download is None:
            return None
        return f"attn-i2i convert {' '.join(self.download.sources)} --as {self.name}"

    def direction(self, name: str) -> str:
        """The direction that ``name`` means: itself, or the one that the card says translates so."""
        return next((key for key, task in self.directions.items() if task == name), name)

    @property
    def needs_acceptance(self) -> bool:
        """Whether the licence forbids what a user may take for granted, so that it is asked about once."""
        return is_restricted(self.licence)


def is_restricted(licence: str | None) -> bool:
    """Whether a licence excludes commercial use."""
    return "nc" in re.split(r"[^a-z]+", (licence or "").lower())


def read_card(path: Path) -> Card:
    """Read and check one TOML card; raises ModelError with one line that says what is wrong with it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as a card: {error}.") from error
    figures = tuple(_table(Figure, one, f"{path}, figures") for one in raw.pop("figures", []))
    parts = {
        key: _table(kind, raw.pop(key), f"{path}, {key}")
        for key, kind in (("download", Download), ("weights", Weights))
        if key in raw
    }
    card = _table(Card, {"name": path.stem, **raw, **parts, "figures": figures}, str(path))
    _check(card, path)
    return card


def _table(kind: type[T], raw: object, where: str) -> T:
    """A dataclass from a TOML table; lists become tuples."""
    if not isinstance(raw, dict):
        raise ModelError(f"{where}: expected a table, not {raw!r}.")
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    for key in raw:
        if key not in known:
            raise ModelError(f"{where}: no key is named {key!r}.{suggestion(key, known)} Keys: {', '.join(known)}.")
    for name, one in known.items():
        if name not in raw and one.default is MISSING and one.default_factory is MISSING:
            raise ModelError(f"{where}: {name} is missing.")
        if name in raw and not _fits(raw[name], str(one.type)):
            raise ModelError(f"{where}: {name} is {raw[name]!r}, expected {one.type}.")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()})


def _fits(value: object, annotation: str) -> bool:
    """Whether a TOML value may fill a field of this annotation; what is no text, table or list was built here."""
    if annotation.startswith("Literal"):
        return repr(value).strip("'") in re.findall(r"'(\w+)'", annotation.replace('"', "'"))
    if annotation.startswith("tuple[str"):
        return isinstance(value, list) and all(isinstance(one, str) and one for one in value)
    if annotation == "Mapping[str, str]":
        return isinstance(value, dict) and bool(value) and all(isinstance(one, str) for one in value.values())
    if annotation.startswith("Mapping"):
        return isinstance(value, dict)
    return isinstance(value, str) if annotation.startswith("str") else True


def _check(card: Card, path: Path) -> None:
    """What one field alone cannot tell."""
    if card.name != path.stem:
        raise ModelError(f"{path}: the card names itself {card.name!r}, its file {path.stem!r}: they must agree.")
    weights = card.weights
    if weights is None:
        if card.download is None:
            raise ModelError(f"{path}: it needs a download or weights: nobody could get this model.")
        return
    for name, digest in weights.sha256.items():
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ModelError(f"{path}, weights: the sha256 of {name} is {digest!r}, expected 64 hexadecimal digits.")
    needed = {"config.json", *(f"{direction}.safetensors" for direction in card.directions)}
    if missing := sorted(needed - weights.sha256.keys()):
        raise ModelError(f"{path}, weights: the sha256 of {missing[0]} is missing.")
    if (weights.repo is None) != (weights.revision is None):
        raise ModelError(f"{path}, weights: give repo and revision both, or neither for a model of the package.")
    if weights.revision is not None and not re.fullmatch(r"[0-9a-f]{40}", weights.revision):
        raise ModelError(f"{path}, weights: revision is {weights.revision!r}, expected a commit of 40 digits.")


@cache
def _own_cards() -> dict[str, Card]:
    return {path.stem: read_card(path) for path in sorted(shipped_zoo().glob("*.toml"))}


def cards() -> dict[str, Card]:
    """Every card by name: those of the package, then those of plugins."""
    from .plugins import zoo

    return dict(sorted({**{entry.name: entry.load() for entry in zoo().cards}, **_own_cards()}.items()))


def known_models() -> dict[str, Card]:
    """``cards()``, and for models of this machine that have none a card of what their configuration says."""
    known = cards()
    for name in {*models_in(shipped_zoo()), *models_in(local_zoo())} - known.keys():
        with suppress(ModelError):  # a damaged one is named when it is loaded
            config = read_config(installed_folder(name) or Path())
            known[name] = Card(
                name,
                summary="A model of this machine that has no card",
                architecture=config.architecture,
                task="",
                directions={one: one for one in config.directions},
                config=config.config,
                domains=tuple(config.domains) if config.domains else None,
                licence=config.licence or UNSTATED,
            )
    return dict(sorted(known.items()))


def whereabouts(card: Card) -> str:
    """In a few words, where a model's weights are: on this machine, on the Hub, or only in the authors' file."""
    if (folder := installed_folder(card.name)) is not None:
        return "package" if folder.is_relative_to(shipped_zoo()) else "local zoo"
    if card.weights is not None and card.weights.repo is not None:
        return "Hub"
    return "official file (dead)" if card.download and card.download.state == "dead" else "official file"


def find_card(name: str) -> Card | None:
    """The card of a name or alias."""
    known = cards()
    return known.get(name) or next((card for card in known.values() if name in card.aliases), None)


def get_card(name: str) -> Card:
    """The card of a name or alias; raises UnknownNameError with a suggestion."""
    card = find_card(name)
    if card is None:
        names = [*cards(), *(alias for one in cards().values() for alias in one.aliases)]
        raise UnknownNameError(f"No model is named {name!r}.{suggestion(name, names)} See attn-i2i list.")
    return card


def list_models(
    pattern: str = "*",
    *,
    architecture: str | None = None,
    task: str | None = None,
    licence: str | None = None,
    installed: bool | None = None,
) -> list[str]:
    """Names of the models that have a card or are on this machine, sorted.

    ``pattern`` and the filters may hold ``*``; ``installed`` chooses those that are (True) or are not (False) on this
    machine, in the package or the local zoo.

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
