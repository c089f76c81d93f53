"""The model that a training begins from, by whatever name it is given."""

from __future__ import annotations

import os
from pathlib import Path

from ..files.swapping import mend
from ..hub.locate import find_model
from ..images.formats import is_picture
from ..models.mistaken import refuse_mistaken, run_around
from ..models.places import CONFIG
from ..types import ConfigError
from .record import RUN
from .request import Location
from .rundir import MODEL

# Endings of foreign files, which are converted first.
CHECKPOINTS = frozenset({".pth", ".pt", ".ckpt", ".index", ".meta", ".bin", ".pkl", ".npz", ".safetensors"})


def locate(start: Location) -> Path:
    """The model folder of ``start``: itself, that of a run, or one of the zoo or the Hub, fetched if need be.

    Raises ConfigError, with the next step, for a checkpoint that is not converted yet; else as ``find_model`` does.
    """
    path = Path(start)
    for model in (path, path / MODEL):
        mend(model)
    if path.is_dir() and (path / CONFIG).is_file():
        return find_model(os.fspath(start)).folder
    if run := run_around(path):
        raise ConfigError(f"{path} is a part of the run {run}: a training begins from the run's model (start={run}).")
    if path.is_file() and (path.parent / CONFIG).is_file():
        raise ConfigError(
            f"{path} is a file of the model folder {path.parent}: give that folder (start={path.parent})."
        )
    if path.is_dir():
        return _inside(path)
    refuse_mistaken(path)
    if path.is_file() or path.with_name(f"{path.name}.index").is_file():
        raise ConfigError(_convert_first(path, path))
    return find_model(os.fspath(start)).folder


def _inside(folder: Path) -> Path:
    """The model of a run's folder; ConfigError for a folder that holds none, or checkpoints."""
    if (folder / MODEL / CONFIG).is_file():
        return folder / MODEL
    if (folder / RUN).is_file():
        raise ConfigError(f"{folder} is a run that has written no model yet: there is nothing to begin from.")
    names = sorted(entry.name for entry in folder.iterdir() if entry.suffix.lower() in CHECKPOINTS)
    if names:
        raise ConfigError(_convert_first(folder, folder / names[0]))
    raise ConfigError(f"{folder} is no model folder (it has no {CONFIG}) and no run: give one of them as start=MODEL.")


def _convert_first(source: Path, shown: Path) -> str:
    if is_picture(shown):
        return f"{shown} is a picture, and a training begins from a model folder: give start=MODEL."
    return (
        f"{shown} is a checkpoint, and a training begins from a model folder: convert it first (attn-i2i convert"
        f" {source} -o MODEL), then give start=MODEL."
    )
