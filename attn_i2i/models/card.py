"""A card: what is known of a published model, and where its weights are."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from ..arguments import typed
from ..registry import suggestion
from ..types import ModelError
from .source import Source, check_source

UNSTATED = "unstated"  # the licence of weights of which nobody says anything


T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """A published measurement, as its source prints it."""

    measure: str
    value: str
    source: str
    direction: str | None = None


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
    sources: tuple[Source, ...] = ()
    weights: Weights | None = None

    @property
    def official(self) -> Source | None:
        """The authors' own place, else the first mirror; None where the weights are this package's own."""
        return next((source for source in self.sources if not source.mirror), next(iter(self.sources), None))

    @property
    def convert_command(self) -> str | None:
        """The command that turns the unpacked official files into this model."""
        return self.convert_line(self.official) if self.official else None

    def convert_line(self, source: Source) -> str:
        """The command that turns the unpacked files of ``source`` into this model."""
        layout = ("--as-layout", source.layout) if source.layout else ()
        return " ".join(("attn-i2i", "convert", *source.takes, "--as", self.name, *layout))

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


@typed
def read_card(path: str | Path) -> Card:
    """Read and check one TOML card; raises ModelError with one line that says what is wrong with it."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as a card: {error}.") from error
    return parse_card(text, path)


def parse_card(text: str, path: Path) -> Card:
    """The card that ``text`` would be in the file ``path``; raises as ``read_card`` does."""
    try:
        raw = tomllib.loads(text)
    except ValueError as error:
        raise ModelError(f"{path} cannot be read as a card: {error}.") from error
    figures = tuple(from_table(Figure, table, f"{path}, figures") for table in raw.pop("figures", []))
    sources = tuple(from_table(Source, table, f"{path}, sources") for table in raw.pop("sources", []))
    parts = {"weights": from_table(Weights, raw.pop("weights"), f"{path}, weights")} if "weights" in raw else {}
    card = from_table(Card, {"name": path.stem, **raw, **parts, "figures": figures, "sources": sources}, str(path))
    _check(card, path)
    return card


def from_table(kind: type[T], raw: object, where: str) -> T:
    """A dataclass from a TOML table; lists become tuples."""
    if not isinstance(raw, dict):
        raise ModelError(f"{where}: expected a table, not {raw!r}.")
    keys = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    for name in raw:
        if name not in keys:
            raise ModelError(f"{where}: no key is named {name!r}.{suggestion(name, keys)} Keys: {', '.join(keys)}.")
    for name, key in keys.items():
        if name not in raw and key.default is MISSING and key.default_factory is MISSING:
            raise ModelError(f"{where}: {name} is missing.")
        if name in raw and not _fits(raw[name], str(key.type)):
            raise ModelError(f"{where}: {name} is {raw[name]!r}, expected {key.type}.")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()})


def _fits(value: object, annotation: str) -> bool:
    """Whether a TOML value may fill a field of this annotation; what is no text, table or list was built here."""
    if annotation.startswith("Literal"):
        return repr(value).strip("'") in re.findall(r"'(\w+)'", annotation.replace('"', "'"))
    if annotation == "bool":
        return isinstance(value, bool)
    if annotation.startswith("int"):
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    if annotation.startswith("tuple[str"):
        return isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    if annotation == "Mapping[str, str]":
        return isinstance(value, dict) and bool(value) and all(isinstance(item, str) for item in value.values())
    if annotation.startswith("Mapping"):
        return isinstance(value, dict)
    return isinstance(value, str) if annotation.startswith("str") else True


def _check(card: Card, path: Path) -> None:
    """What one field alone cannot tell."""
    if card.name != path.stem:
        raise ModelError(f"{path}: the card names itself {card.name!r}, its file {path.stem!r}: they must agree.")
    for source in card.sources:
        check_source(source, f"{path}, sources")
    weights = card.weights
    if weights is None:
        if not card.sources:
            raise ModelError(f"{path}: it needs sources or weights: nobody could get this model.")
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
