"""What a training says beside its figures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class TrainingWarning(UserWarning):
    """A training that goes on, although it may be of no use, or not what was meant."""


def notify(notes: Iterable[str]) -> None:
    """Warn of each."""
    for note in notes:
        warnings.warn(note, TrainingWarning, stacklevel=3)


_wording: ContextVar[Callable[[str], str]] = ContextVar("wording", default=str)


@contextmanager
def worded(wording: Callable[[str], str]) -> Iterator[None]:
    """Inside, what a training of this thread tells on the terminal is told in the words of ``wording``."""
    token = _wording.set(wording)
    try:
        yield
    finally:
        _wording.reset(token)


def in_words(text: str) -> str:
    """``text``, which names Python's arguments, as whoever reads it calls them."""
    return _wording.get()(text)
