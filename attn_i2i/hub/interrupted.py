"""What an interrupted download leaves behind, as a note on the interruption, wherever that is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

GOES_ON = "stopped: what has come so far is kept, and the same command goes on from there"


@contextmanager
def going_on() -> Iterator[None]:
    """Note on an interruption of the block that the next try goes on with what has come so far."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as interruption:
        interruption.add_note(GOES_ON)
        raise
