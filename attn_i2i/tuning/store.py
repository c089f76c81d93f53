"""What was measured, on the disk: one file a machine and version of torch, whole or not there."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..blocks.convolution import METHODS
from ..files import atomic_path, read_small
from ..models.places import model_store
from ..models.trust import StoreError, refuse_links
from ..types import AttnI2IError, ConfigError
from .machine import Machine, this_machine

FOLDER = ".tuning"
SWITCH = "ATTN_I2I_TUNE"
MOST_BYTES = 2**20  # a shape takes some 150 bytes, a network has a handful of them
MOST_SECONDS = 10.0  # that another process may hold the lock: it reads and writes some kilobytes meanwhile
LARGEST = 1e6  # of any number here: days, or a million times as fast; a whole number may be too large for a float
FORMAT = 2  # the first counted imports as time of Winograd's, which then was never taken


class TuningWarning(UserWarning):
    """Measured times that could not be read or kept."""


def wanted() -> bool:
    """Whether ``ATTN_I2I_TUNE`` leaves measuring on, as it is where nothing is set. Raises ConfigError."""
    value = os.environ.get(SWITCH, "").strip().lower()
    if value not in ("", "on", "off"):
        raise ConfigError(f"{SWITCH} is {value!r}, expected on, off, or nothing.")
    return value != "off"


@dataclass
class Remembered:
    """Seconds of the ways of each work, and what was found of precisions, by their texts."""

    works: dict[str, dict[str, float]] = field(default_factory=dict)
    precisions: dict[str, dict[str, Any]] = field(default_factory=dict)


def file_of(machine: Machine) -> Path:
    """Where the times of a machine are kept."""
    return model_store() / FOLDER / f"{machine.digest}.json"


def read(machine: Machine | None = None) -> Remembered:
    """What is remembered for a machine, by default this one; nothing, with a warning, of a file that is no such."""
    machine = machine or this_machine()
    try:
        return _read(machine)
    except StoreError:  # there is no folder to keep files in, which ``write`` says
        return Remembered()
    except (OSError, ValueError, RecursionError, AttnI2IError) as error:
        path = file_of(machine)
        why = str(error).partition("\n")[0].replace(str(path), "it") or type(error).__name__
        warnings.warn(f"{path} is ignored, and its times are measured anew: {why}", TuningWarning, stacklevel=2)
        return Remembered()


def _read(machine: Machine) -> Remembered:
    try:
        return _checked(json.loads(read_small(file_of(machine), MOST_BYTES)), machine)
    except (FileNotFoundError, NotADirectoryError):
        return Remembered()


def write(remembered: Remembered, machine: Machine | None = None, *, without: str | None = None) -> None:
    """Add what was measured to the file; what other processes write there at the same time stays.

    Precisions whose texts begin with ``without`` go. A folder that cannot be written to is a warning: everything is
    measured again in the next process.
    """
    machine = machine or this_machine()
    try:
        path = file_of(machine)
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _locked(path):
            _add(remembered, path, machine, without)
    except (OSError, AttnI2IError) as error:
        message = (
            f"what was measured is not kept ({str(error).rstrip('.')}): set ATTN_I2I_HOME to a folder of yours, or"
            f" {SWITCH}=off."
        )
        warnings.warn(message, TuningWarning, stacklevel=2)


def _add(remembered: Remembered, path: Path, machine: Machine, without: str | None) -> None:
    before = Remembered()
    with suppress(OSError, ValueError, RecursionError, AttnI2IError):  # what cannot be read was said, and goes
        before = _read(machine)
    if without is not None:
        before.precisions = {key: table for key, table in before.precisions.items() if not key.startswith(without)}
    raw = {
        "format": FORMAT,
        "processor": machine.processor,
        "flags": list(machine.flags),
        "torch": machine.torch,
        "seconds": before.works | remembered.works,
        "precisions": before.precisions | remembered.precisions,
    }
    with atomic_path(path, force=True) as temporary:
        temporary.write_text(json.dumps(raw, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time: two that read before either has written would lose what the first one adds.

    Raises OSError where there is no lock to have.
    """
    from huggingface_hub.utils import WeakFileLock

    lock = path.with_suffix(".lock")
    refuse_links(lock)
    with WeakFileLock(lock, timeout=MOST_SECONDS):
        yield


def _checked(raw: Any, machine: Machine) -> Remembered:
    """The contents of a file, none of an older version's; ValueError for another machine's, and for what is none."""
    if isinstance(raw, dict) and raw.get("format") in range(1, FORMAT):
        return Remembered()
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise ValueError("it is no file of measured times of this version.")
    if (raw.get("processor"), raw.get("flags"), raw.get("torch")) != (
        machine.processor,
        list(machine.flags),
        machine.torch,
    ):
        raise ValueError("it is about another machine.")
    works, precisions = raw.get("seconds"), raw.get("precisions")
    if not (isinstance(works, dict) and all(map(_is_timed, works.values()))):
        raise ValueError("its seconds are none.")
    if not (isinstance(precisions, dict) and all(map(_is_precision, precisions.values()))):
        raise ValueError("its precisions are none.")
    return Remembered({key: dict(seconds) for key, seconds in works.items()}, precisions)


def _is_timed(seconds: Any) -> bool:
    """Whether these are seconds by way, the direct one among them."""
    if not isinstance(seconds, Mapping) or "direct" not in seconds or not METHODS.keys() >= seconds.keys():
        return False
    return all(type(value) in (int, float) and 0 < value < LARGEST for value in seconds.values())


def _is_precision(table: Any) -> bool:
    """Whether this is what ``attn_i2i.tuning.precision`` writes."""
    if not isinstance(table, Mapping) or table.keys() != {"dtype", "faster", "decibels"}:
        return False
    numbers = [table["faster"], table["decibels"]]
    is_dtype = isinstance(table["dtype"], str) and re.fullmatch("float32|bfloat16", table["dtype"])
    return bool(is_dtype) and all(type(value) in (int, float) and abs(value) < LARGEST for value in numbers)
