"""Whether a model that is stored is the one that a card, or a user's SHA-256, tells of."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from pathlib import Path

from ...models.card import Card
from ...models.config import ModelConfig, read_config
from ...plugins import zoo
from .errors import FetchError


def require_model_of(card: Card, config: ModelConfig) -> None:
    """Raise FetchError where a model is another than the card's."""
    if config.architecture != card.architecture:
        raise FetchError(
            f"the file holds a model of {config.architecture}, the card of {card.name} is of {card.architecture}"
        )
    if set(config.directions) != set(card.directions):
        raise FetchError(
            f"the file holds {', '.join(config.directions)}, but the card of {card.name} {', '.join(card.directions)}"
        )
    usual = signature(zoo().generators.load(config.architecture)).parameters
    for option, value in card.config.items():
        default = usual[option].default if option in usual else value  # an option left out has its usual value
        if (actual := config.config.get(option, default)) != value:
            raise FetchError(f"the file's {option} is {actual}, but the card of {card.name} says {value}")


def require_origin_of(card: Card, folder: Path) -> None:
    """Raise FetchError where a stored model is another than the card's, or was converted by hand from other files.

    What was fetched from a source of the card was held against it then.
    """
    config = read_config(folder)
    require_model_of(card, config)
    fetched = config.provenance.get("fetched")
    if isinstance(fetched, Mapping) and fetched.get("address") in {source.address for source in card.sources}:
        return
    stated = [digest for source in card.sources for digest in source.sha256.values()]
    files = recorded_files(config)
    if stated and not any(value.startswith(digest) for value in files.values() for digest in stated):
        raise FetchError(
            f"{folder} was made from {_listed(files)}, but the card of {card.name} tells of"
            f" {', '.join(f'{digest[:12]}...' for digest in stated)}"
        )


def require_digest(folder: Path, digest: str) -> None:
    """Raise FetchError unless a file that the stored model was made from has this SHA-256."""
    files = recorded_files(read_config(folder))
    if not files:
        raise FetchError(
            f"{folder} does not say which file it was made from, so the SHA-256 {digest[:12]}... cannot be held against"
            " it: ask for it without one"
        )
    if digest not in files.values():
        raise FetchError(
            f"{folder} was made from {_listed(files)}, not from a file with {digest[:12]}...: remove that folder to"
            " fetch the file anew"
        )


def _listed(files: Mapping[str, str]) -> str:
    return ", ".join(f"{name} with the SHA-256 {value[:12]}..." for name, value in sorted(files.items())) or "no file"


def recorded_files(config: ModelConfig) -> dict[str, str]:
    """SHA-256 by name of the files that a model was fetched as, and converted from, as its configuration records."""
    fetched = config.provenance.get("fetched")
    parts = (config.provenance.get("source_files"), fetched.get("files") if isinstance(fetched, Mapping) else None)
    return {str(name): str(value) for part in parts if isinstance(part, Mapping) for name, value in part.items()}
