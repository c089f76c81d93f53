"""Having to stop: every process of the run is told, finishes its step and saves."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from torch.distributed import ProcessGroup

from ..types import UnreadableFileError


@dataclass
class Stop:
    """Why the run has to stop: the signal that asked it to, 0 while none has, or a picture that cannot be read."""

    received: int = 0
    unreadable: UnreadableFileError | None = None

    def agreed(self, group: ProcessGroup | None) -> bool:
        """Whether to stop here: any process of ``group`` decides for all, and all learn why.

        Every process must ask at the same places.
        """
        told = torch.tensor([self.received, self.unreadable is not None])
        if group is not None:
            torch.distributed.all_reduce(told, torch.distributed.ReduceOp.MAX, group)
            self.received = int(told[0]) or self.received  # a signal that came meanwhile counts at the next step
            if told[1]:
                self._share(group)
        return bool(told.any())

    def _share(self, group: ProcessGroup) -> None:
        """Give every process the first one's error."""
        errors: list[Any] = [None] * group.size()
        torch.distributed.all_gather_object(errors, self.unreadable and str(self.unreadable), group)
        self.unreadable = self.unreadable or UnreadableFileError(next(filter(None, errors)))

    def error(self) -> BaseException:
        """What tells the run's caller that it did not end."""
        if self.unreadable is not None:
            return self.unreadable
        return KeyboardInterrupt() if self.received == signal.SIGINT else SystemExit(128 + self.received)


def agreeing(processes: int) -> ProcessGroup | None:
    """The group of all processes for ``Stop.agreed``, on their CPUs, so that no device is waited for; None for one."""
    if processes == 1:
        return None
    group = torch.distributed.new_group(backend="gloo")
    assert isinstance(group, ProcessGroup)
    return group


ASKING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))  # Windows has one


@contextmanager
def noted_signals() -> Iterator[Stop]:
    """Note SIGTERM, a terminal that closes and the first Ctrl-C; a second Ctrl-C kills at once.

    What the process was told to ignore, as nohup tells it, stays ignored.
    """
    stop = Stop()

    def note(number: int, frame: FrameType | None) -> None:
        if stop.received == signal.SIGINT == number:
            raise KeyboardInterrupt
        stop.received = number

    try:
        asking = [number for number in ASKING if signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, note) for number in (*asking, signal.SIGINT)}
    except ValueError:  # not the main thread: signals are somebody else's
        before = {}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
