"""What was fetched becomes a model: converted inertly, held against its card, stored whole or not at all."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...convert import convert
from ...convert.directions import Chosen
from ...files import atomic_dir
from ...models.card import Card
from ...models.checksums import write_sums
from ...models.config import CONFIG, ModelConfig, read_config
from ...models.places import target_for
from ...models.readme import model_card
from ...models.source import Source
from ...types import ConversionError, UnreadableFileError
from .bring import Brought
from .errors import FetchError
from .origin import require_model_of


def settle(card: Card, source: Source, brought: Brought, work: Path) -> Path:
    """Convert what ``brought`` holds and put it under the card's name; the folder. ``work`` is empty before.

    Raises FetchError where the files are not the model that the card tells of.
    """
    try:
        if brought.parts:
            folders = [
                _converted(card, source, [path], work / f"model-{direction}", direction)
                for direction, path in brought.parts.items()
            ]
        else:
            single = next(iter(card.directions)) if len(card.directions) == 1 and not card.domains else None
            chosen = dict(source.networks) or single
            folders = [_converted(card, source, list(brought.files), work / "model", chosen)]
    except (ConversionError, UnreadableFileError) as error:
        raise FetchError(f"what came is not the model ({error})".rstrip(".")) from error
    config = _joined(folders, brought.record)
    require_model_of(card, config)
    target = target_for(card.name)
    with atomic_dir(target, force=(target / CONFIG).is_file()) as temporary:
        for folder in folders:
            for path in folder.glob("*.safetensors"):
                shutil.move(path, temporary / path.name)
        (temporary / CONFIG).write_text(config.to_json(), encoding="utf-8")
        write_sums(temporary)
        (temporary / "README.md").write_text(model_card(card.name, config, card), encoding="utf-8")
    return target


def _converted(card: Card, source: Source, files: list[Path], out: Path, direction: Chosen) -> Path:
    convert(files, out, card=card.name, licence=card.licence, direction=direction, as_layout=source.layout)
    return out


def _joined(folders: list[Path], record: Any) -> ModelConfig:
    """One configuration of several models that differ in their direction alone, with the origin recorded."""
    configs = [read_config(folder) for folder in folders]
    first = configs[0]
    if any((config.architecture, config.config) != (first.architecture, first.config) for config in configs):
        raise FetchError("the directions that came are not of one model")
    files = {name: digest for config in configs for name, digest in config.provenance.get("source_files", {}).items()}
    directions = [direction for config in configs for direction in config.directions]
    provenance = {**first.provenance, "source_files": files, "fetched": dict(record)}
    return replace(first, directions=directions, provenance=provenance)
