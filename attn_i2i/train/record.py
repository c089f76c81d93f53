"""``run.json``: what a run was started with, so that it goes on as it began, and needs nothing said twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..files import atomic_path, read_small
from ..types import ConfigError, UnreadableFileError
from .differences import run_differences
from .options import TrainOptions

RUN = "run.json"


@dataclass(frozen=True)
class Record:
    """What run.json says.

    ``recipe_options`` are all that the recipe was built with, ``data`` is its pictures' ``identity``. ``arguments`` are
    those to call ``train`` with again: the pictures' folder, the table and its columns, the recipe's options as given,
    and the start. A value that JSON does not have makes ``arguments`` None. ``suppliers`` are the distributions of the
    plugins whose parts it needs, by the names of the parts; older runs tell none.
    """

    recipe: str
    recipe_options: Mapping[str, Any]
    data: Mapping[str, Any]
    options: Mapping[str, Any]
    arguments: Mapping[str, Any] | None
    suppliers: Mapping[str, str] = field(default_factory=dict)


def write_record(folder: Path, record: Record) -> None:
    """Write ``folder``/run.json, whole."""
    with atomic_path(folder / RUN, force=True) as temporary:
        temporary.write_text(_text(record), encoding="utf-8")


def read_record(folder: Path) -> Record | None:
    """What run.json of a folder says, None where there is none; raises UnreadableFileError or ConfigError."""
    path = folder / RUN
    try:
        raw = json.loads(read_small(path).decode("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableFileError(f"{path} cannot be read ({error}): choose another folder.") from error
    if not (isinstance(raw, dict) and _is_record(raw)):
        raise ConfigError(f"{path} is no record of a training: choose another folder.")
    record = Record(*(raw[name] for name in ("recipe", "recipe_options", "data", "options", "arguments")))
    told = raw.get("suppliers")
    return replace(record, suppliers=told) if isinstance(told, dict) else record


def _is_record(raw: Mapping[str, Any]) -> bool:
    objects = all(isinstance(raw.get(name), dict) for name in ("recipe_options", "data", "options"))
    arguments = raw.get("arguments", "missing")
    if not (objects and isinstance(raw.get("recipe"), str) and isinstance(arguments, dict | None)):
        return False
    return arguments is None or {"data", "attributes", "select", "recipe_options", "start"} <= arguments.keys()


def as_stored(record: Record) -> Record:
    """The record as it is read back: tuples are lists then."""
    return Record(**json.loads(_text(record)))


def check_same(folder: Path, before: Record, now: Record) -> None:
    """Raise ConfigError, with every difference, where ``now`` is another run than ``before``."""
    _refuse(folder, run_differences(before, as_stored(now)))


def check_options(folder: Path, before: Record, options: Mapping[str, Any]) -> None:
    """As ``check_same``, where no more than the engine's options is known yet."""
    _refuse(folder, run_differences(before, replace(before, options={**before.options, **options})))


def _refuse(folder: Path, different: Sequence[str]) -> None:
    if different:
        raise ConfigError(
            f"{folder} was trained with {', '.join(different)}: a resumed run goes on as it began; choose another"
            " folder for another run."
        )


def options_of(record: Record) -> dict[str, Any]:
    """The engine's options of a run; those that this version does not know are left out, as they did nothing here."""
    defaults = asdict(TrainOptions())
    return {name: value for name, value in record.options.items() if name in defaults}


def _text(record: Record) -> str:
    raw = asdict(record)
    try:
        arguments = json.dumps(raw["arguments"])
    except TypeError:  # an objective of the caller's own functions, say: only the caller can give it again
        arguments = "null"
    shown = raw | {"arguments": json.loads(arguments)}
    return json.dumps(shown, indent=2, sort_keys=True, default=_named) + "\n"


def _named(value: Any) -> str:
    """What stands for a value that JSON does not have, the same in every process."""
    return str(getattr(value, "__qualname__", None) or type(value).__qualname__)
