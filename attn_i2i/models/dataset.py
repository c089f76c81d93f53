"""Data sets of the papers by name: where they can be had, and how their folders are laid out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..plugins import zoo
from ..plugins._manager import usable
from ..registry import Entry, suggestion
from ..types import ModelError, UnknownNameError
from .card import UNSTATED, from_table
from .entries import declared
from .source import Source, check_source


@dataclass(frozen=True)
class DataSet:
    """A data set. ``folders`` maps the folders of its archive, by their last names, to those that training reads.

    ``ask`` tells how to get one that nobody may hand on, and how to lay it out.
    """

    name: str
    summary: str
    licence: str = UNSTATED
    paper: str = ""
    ask: str = ""
    folders: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()


def read_dataset(path: Path) -> DataSet:
    """Read and check one TOML description; raises ModelError with one line that says what is wrong with it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as a data set: {error}.") from error
    sources = tuple(from_table(Source, table, f"{path}, sources") for table in raw.pop("sources", []))
    for source in sources:
        check_source(source, f"{path}, sources")
    if not sources and not raw.get("ask"):
        raise ModelError(f"{path}: it needs sources, or ask: nobody could get it.")
    return from_table(DataSet, {"name": path.stem, **raw, "sources": sources}, str(path))


def datasets() -> dict[str, DataSet]:
    """Every data set by name, those of the package and those of plugins.

    A description that cannot be read is left out with a PluginWarning that names its plugin.
    """
    return dict(sorted(usable(zoo().datasets, read_dataset_entry).items()))


def read_dataset_entry(entry: Entry[Any]) -> DataSet:
    """The data set of an entry, whose target is a DataSet, where to import one from, or the path of its TOML file."""
    return declared(entry, DataSet, _read_once)


_read_once = cache(read_dataset)


def get_dataset(name: str) -> DataSet:
    """The data set of a name; raises UnknownNameError with a suggestion."""
    table = datasets()
    if name not in table:
        raise UnknownNameError(f"No data set is named {name!r}.{suggestion(name, table)} See attn-i2i data list.")
    return table[name]
