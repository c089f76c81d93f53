"""The folder of a run: which run it belongs to, and where its parts are."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..files import atomic_path
from ..swapping import mend
from ..types import ConfigError, UnreadableFileError
from . import checkpoint
from .clock import TIME
from .monitor import LOSSES
from .options import FREE_ON_RESUME

RUN = "run.json"
MODEL = "model"
SAMPLES = "samples"
# The temporary names that attn_i2i.files gives to a run's own files, and no others.
FILES = "|".join(map(re.escape, (RUN, MODEL, LOSSES, TIME)))
LEFT = re.compile(rf"\.({FILES}|step-\d{{8}}(\.png)?)\.[0-9a-f]{{8}}\.(tmp|old)")


def claim(folder: Path, binding: Mapping[str, Any], resume: bool) -> None:
    """Make ``folder`` this run's, or make sure that it is; raises as ``check_claim`` does."""
    check_claim(folder, binding, resume)
    if resume and (folder / RUN).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / RUN, force=True) as temporary:
        temporary.write_text(json.dumps(binding, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def check_claim(folder: Path, binding: Mapping[str, Any], resume: bool) -> None:
    """Make sure that ``folder`` can be this run's; nothing is written.

    Raises ConfigError for another run's, for one that should not be resumed or cannot be, and for a folder where
    files that no run wrote would be replaced.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file: choose a folder for the run.")
    path, saved = folder / RUN, checkpoint.latest(folder) is not None
    if not path.exists():
        taken = [name for name in (MODEL, checkpoint.FOLDER, SAMPLES, LOSSES, TIME) if (folder / name).exists()]
        if taken:
            raise ConfigError(
                f"{folder} holds {' and '.join(taken)}, but no {RUN} that says which training made it: choose another"
                " folder."
            )
    else:
        before = _read(path)
        if saved and not resume:
            raise ConfigError(f"{folder} holds a training already: continue with --resume, or choose another folder.")
        if not saved and (folder / MODEL).exists():
            raise ConfigError(
                f"{folder} holds a model, but no checkpoint to continue from: choose another folder (and begin from"
                " that model with --from)."
            )
        if resume:
            _check_same(folder, before, json.loads(json.dumps(binding)))


def sweep(folder: Path) -> None:
    """Remove what a killed process left half-written of this run; a model that it had moved aside comes back."""
    mend(folder / MODEL)
    for parent in (folder, folder / checkpoint.FOLDER, folder / SAMPLES):
        for left in parent.iterdir() if parent.is_dir() else ():
            if LEFT.fullmatch(left.name):
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


def _read(path: Path) -> Mapping[str, Any]:
    try:
        binding = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableFileError(f"{path} cannot be read ({error}): choose another folder.") from error
    if not (isinstance(binding, dict) and all(isinstance(binding.get(k), dict) for k in ("options", "recipe_options"))):
        raise ConfigError(f"{path} is no record of a training: choose another folder.")
    return binding


def _check_same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    if different := sorted(set(_differences(before, now))):
        raise ConfigError(
            f"{folder} was trained with {', '.join(different)}: a resumed run goes on as it began; choose another"
            " folder for another run."
        )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Every option whose value is another, both values told; what runs may change is left out."""
    for group, free in (("options", FREE_ON_RESUME), ("recipe_options", frozenset())):
        old, new = before[group], now[group]
        for name in (old.keys() | new.keys()) - free:
            if old.get(name) != new.get(name):
                yield f"{name}={old.get(name)!r} (now {new.get(name)!r})"
    if before.get("recipe") != now["recipe"]:
        yield f"recipe={before.get('recipe')!r} (now {now['recipe']!r})"
    if before.get("data") != now["data"]:
        yield "other pictures (their names or labels differ)"
