"""What a training says beside its figures."""

from __future__ import annotations

import warnings
from collections.abc import Iterable


class TrainingWarning(UserWarning):
    """A training that goes on, although it may be of no use, or not what was meant."""


def notify(notes: Iterable[str]) -> None:
    """Warn of each."""
    for note in notes:
        warnings.warn(note, TrainingWarning, stacklevel=3)
