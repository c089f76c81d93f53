"""The folder of a run: which run it belongs to, and where its parts are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import atomic_path
from ..types import ConfigError
from . import checkpoint

RUN = "run.json"
MODEL = "model"
SAMPLES = "samples"


def claim(folder: Path, binding: Mapping[str, Any], resume: bool) -> None:
    """Make ``folder`` this run's, or make sure that it is. Raises ConfigError for another run's, or one not resumed."""
    path = folder / RUN
    if path.exists():
        if not resume and checkpoint.latest(folder) is not None:
            raise ConfigError(f"{folder} holds a training already: continue with --resume, or choose another folder.")
        if resume:
            _check_same(folder, json.loads(path.read_text(encoding="utf-8")), binding)
            return
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, force=True) as temporary:
        temporary.write_text(json.dumps(binding, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _check_same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    now = json.loads(json.dumps(now))
    for name in now.keys() | before.keys():
        if now.get(name) != before.get(name):
            raise ConfigError(
                f"{folder} was trained with {name}={before.get(name)!r}, not {now.get(name)!r}: a resumed run goes on"
                " as it began; choose another folder for another run."
            )
