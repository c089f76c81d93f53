"""What config.json of a model folder says, checked."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ..arguments import typed
from ..files import read_small
from ..registry import suggestion
from ..types import AttnI2IError, ModelError
from .checksums import check_beside
from .mistaken import no_model_file, no_model_folder, raise_mistaken
from .places import CONFIG as CONFIG

FORMAT = 1  # of config.json; a higher one is refused
MOST = 8192  # a choice: no option of a published network comes near it


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Which discriminators a model keeps: ``names`` are the domains they look at; ``own`` as for ``ModelConfig``."""

    architecture: str
    config: dict[str, Any]
    names: list[str]
    own: dict[str, dict[str, Any]] = field(default_factory=dict)

    def options(self, name: str) -> dict[str, Any]:
        """The options of one of the discriminators."""
        return {**self.config, **self.own.get(name, {})}


@dataclass(frozen=True)
class ModelConfig:
    """What ``config.json`` says. ``directions`` have one weights file each; ``domains`` name the label's entries.

    ``own`` holds the options of single directions that are not those of all, such as numbers of channels.
    """

    architecture: str
    config: dict[str, Any]
    directions: list[str]
    domains: list[str] | None = None
    discriminators: DiscriminatorConfig | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    licence: str | None = None
    preprocessing: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT
    own: dict[str, dict[str, Any]] = field(default_factory=dict)

    def options(self, direction: str) -> dict[str, Any]:
        """The options of one direction's generator."""
        return {**self.config, **self.own.get(direction, {})}

    def to_json(self) -> str:
        """Canonical JSON: the same model gives the same bytes."""
        raw = asdict(self)
        for part in (raw, raw["discriminators"] or {}):
            if not part.get("own"):
                part.pop("own", None)  # only few models have it, and versions before it read all others
        return json.dumps(raw, indent=2, sort_keys=True) + "\n"


@typed
def read_config(directory: str | Path) -> ModelConfig:
    """Read and check ``config.json``, held against SHA256SUMS where that stands beside it.

    Raises ModelError with one line on anything it cannot be, ChecksumError where it is not what it was.
    """
    directory = Path(directory)
    try:
        if not (directory / CONFIG).exists():
            raise no_model_folder(directory) if directory.is_dir() else no_model_file(directory)
        check_beside(directory / CONFIG)
    except OSError as error:
        raise ModelError(f"{error.filename or directory} cannot be read: {error.strerror or error}.") from error
    return parse_config(directory)


def parse_config(directory: Path) -> ModelConfig:
    """As ``read_config``, for a file that was held against another sum already."""
    path = directory / CONFIG
    try:
        raw = json.loads(read_small(path).decode("utf-8"))
    except (OSError, ValueError, RecursionError, AttnI2IError) as error:
        raise_mistaken(path, error)
        raise ModelError(f"{path} cannot be read as JSON ({error}): get it again.") from error
    return checked_config(raw, path)


def checked_config(raw: Any, path: str | Path) -> ModelConfig:
    """The configuration that ``raw``, as read from the JSON of ``path``, says; ModelError on anything it cannot be."""
    keys = {f.name for f in fields(ModelConfig)}
    if not isinstance(raw, dict) or not {"architecture", "config", "directions"} <= raw.keys():
        raise ModelError(f"{path} is not a model configuration: it needs architecture, config and directions.")
    if raw.get("format") != FORMAT:
        raise ModelError(
            f"{path} has format {raw.get('format')!r}, this version reads format {FORMAT}: upgrade"
            " attn-i2i, or write the model anew."
        )
    if unknown := sorted(raw.keys() - keys):
        raise ModelError(f"{path} has an unknown key {unknown[0]!r}.{suggestion(unknown[0], keys)}")
    for key, value in raw.items():
        if key in _FIELDS and not _FIELDS[key][0](value):
            raise ModelError(f"{path}: {key} is {reprlib.repr(value)}, expected {_FIELDS[key][1]}.")
    if (discriminators := raw.get("discriminators")) is not None:
        raw["discriminators"] = DiscriminatorConfig(**discriminators)
    return ModelConfig(**raw)


def is_plain(name: object) -> bool:
    """Whether a direction may have this name: it names a file beside the discriminators', in the same directory."""
    return isinstance(name, str) and name.replace("-", "_").isidentifier() and name != "discriminators"


def _are_directions(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_plain, value))


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _are_options(value: object) -> bool:
    """An object whose numbers, alone or in lists, no network would take for ever to be built from."""
    if not isinstance(value, dict):
        return False
    numbers = [item for option in value.values() for item in (option if isinstance(option, list) else [option])]
    return all(abs(number) <= MOST for number in numbers if isinstance(number, int | float))


def _are_own(value: object) -> bool:
    return isinstance(value, dict) and all(map(_are_options, value.values()))


def _are_discriminators(value: object) -> bool:
    return value is None or (
        isinstance(value, dict)
        and value.keys() | {"own"} == {f.name for f in fields(DiscriminatorConfig)}
        and _are_own(value.get("own", {}))
        and isinstance(value["architecture"], str)
        and _are_options(value["config"])
        and _are_texts(value["names"])
    )


def _is_provenance(value: object) -> bool:
    """An object whose entries that this library reads have their types; it may hold others."""
    if not isinstance(value, dict):
        return False
    maps = (value.get(key, {}) for key in ("source_files", "left_out", "suppliers"))
    verified = value.get("verified")
    return (
        all(isinstance(table, dict) and all(isinstance(text, str) for text in table.values()) for table in maps)
        and _are_texts(value.get("assumed", []))
        and (verified is None or _is_verified(verified))
    )


def _is_verified(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("file"), str)
        and _are_texts(value.get("outputs"))
        and all(isinstance(value.get(key), int | float) for key in ("float64_error", "float32_error"))
    )


_FIELDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "architecture": (lambda value: isinstance(value, str), "a name"),
    "config": (_are_options, f"an object with numbers of at most {MOST}"),
    "directions": (_are_directions, "a list of plain names"),
    "domains": (lambda value: value is None or _are_texts(value), "a list of names, or null"),
    "discriminators": (
        _are_discriminators,
        "an object of architecture (a name), config (an object) and names, or null",
    ),
    "own": (_are_own, "an object of objects of options"),
    "provenance": (_is_provenance, "an object whose entries are of the kinds that this library writes"),
    "licence": (lambda value: value is None or isinstance(value, str), "text, or null"),
    "preprocessing": (_is_object, "an object"),
}
