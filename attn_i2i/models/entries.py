"""What plugins register as a value or as a file that tells it: cards and data sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..registry import Entry
from ..types import ModelError


class Named(Protocol):
    """A value that says what it is called."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


def declared(entry: Entry[Any], kind: type[T], read: Callable[[Path], T]) -> T:
    """The value of an entry, whose target is one, where to import one from, or the path of a TOML file to ``read``.

    Raises ModelError for a target of another ``kind``, or one that names itself otherwise.
    """
    if isinstance(entry.target, str) and entry.target.endswith(".toml"):
        raise ModelError(f"{entry.target!r} is text, which names a module: give a file as a pathlib.Path.")
    part = entry.load()
    value = read(part) if isinstance(part, Path) else part
    if not isinstance(value, kind):
        raise ModelError(f"it is of type {type(part).__name__}, expected a {kind.__name__} or the path of a TOML file.")
    if value.name != entry.name:
        raise ModelError(f"it is registered as {entry.name!r}, but names itself {value.name!r}.")
    return value
