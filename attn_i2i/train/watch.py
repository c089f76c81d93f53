"""Who looks at a run whenever it is saved, and may end it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol


class Word(NamedTuple):
    """What is told of a model that was saved, and whether the training ends with it."""

    text: str
    ends: bool = False


class Watch(Protocol):
    """Called in the first process after each checkpoint, with the steps done and the model folder written.

    It is also called when a run is taken up again, with the step from which that goes on.
    """

    def __call__(self, step: int, model: Path) -> Word: ...
