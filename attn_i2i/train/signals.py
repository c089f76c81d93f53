"""Being asked to stop: the run is told, finishes its step and saves."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Stop:
    """The signal that asked the run to stop, 0 while none has."""

    received: int = 0


@contextmanager
def noted_signals() -> Iterator[Stop]:
    """Note SIGTERM and the first Ctrl-C instead of dying of them; a second Ctrl-C kills at once."""
    stop = Stop()

    def note(number: int, frame: FrameType | None) -> None:
        if stop.received == signal.SIGINT == number:
            raise KeyboardInterrupt
        stop.received = number

    try:
        before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    except ValueError:  # not the main thread: signals are somebody else's
        before = {}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
