"""Reading, computing and writing at once: files are decoded ahead and written behind, each in a thread of its own."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

import torch

T = TypeVar("T")

WAITING = 4  # results that may wait to be written: more take memory and no time away


def pays(device: torch.device) -> bool:
    """Whether a core is left for other threads: where PyTorch's fill all of them, overlapping costs a tenth."""
    return device.type != "cpu" or torch.get_num_threads() < (os.cpu_count() or 1)


def ahead(items: Iterator[T], overlapped: bool = True) -> Iterator[T]:
    """The same items; each is made while the one before it is used. What making one raises, taking it raises."""
    if not overlapped:
        yield from items
        return
    end: Any = object()
    with ThreadPoolExecutor(1, "attn-i2i read") as pool:
        following = pool.submit(next, items, end)
        while (item := following.result()) is not end:
            following = pool.submit(next, items, end)
            yield item


class Behind:
    """A context manager that makes calls one after another in a thread; all are done at its end.

    At most WAITING calls wait: a further one waits for the first. What a call raises is raised by a later one, or at
    the end. Where an exception ends the block, the call that runs is finished and those that wait are not made.
    Not ``overlapped``, each call is made at once.
    """

    def __init__(self, overlapped: bool = True) -> None:
        self.overlapped = overlapped
        self._pool = ThreadPoolExecutor(1, "attn-i2i write")
        self._waiting: deque[Future[Any]] = deque()

    def __enter__(self) -> Behind:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Make this call after the others."""
        if not self.overlapped:
            function(*arguments)
            return
        self._waiting.append(self._pool.submit(function, *arguments))
        while len(self._waiting) > WAITING:
            self._waiting.popleft().result()

    def finish(self) -> None:
        """Wait for all calls."""
        while self._waiting:
            self._waiting.popleft().result()
