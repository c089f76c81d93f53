"""How far a download is: the size and the time left are shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from ..redact import visible


class Listener(Protocol):
    """Told how many of ``total`` bytes are here; None where the size is not known."""

    def __call__(self, done: int, total: int | None) -> None: ...


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def heard_by(report: Listener) -> Iterator[None]:
    """Inside, downloads of this thread tell ``report`` how far they are, and show no bar."""
    token = _listener.set(report)
    try:
        yield
    finally:
        _listener.reset(token)


def size_words(size: int | None) -> str:
    """Bytes as people write them: 45.6 MB."""
    if size is None:
        return "size not known"
    amount, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.3g} {unit}"


@contextmanager
def shown_progress(title: str) -> Iterator[Listener]:
    """A bar with size, speed and time left on a terminal's standard error; nothing where that is no terminal."""
    if (listener := _listener.get()) is not None:
        yield listener
        return
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn(escape(visible(title))),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
