"""How far a picture is that is computed in parts: a large one takes minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

# Told the picture's name, and how many of its parts are done of how many.
PartsWatch: TypeAlias = "Callable[[str, int, int], None]"
_watch: ContextVar[PartsWatch] = ContextVar("watch", default=lambda name, done, total: None)


@contextmanager
def watched_by(watch: PartsWatch) -> Iterator[None]:
    """Inside, ``watch`` hears of the parts of each picture that this thread translates in strips or tiles."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def tell(name: str, done: int, total: int) -> None:
    """So many parts of a picture are done."""
    _watch.get()(name, done, total)
