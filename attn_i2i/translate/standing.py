"""What stands of a job that failed: its pictures of attention are written before its translation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

MOST_NAMED = 3  # files by name in a message of one line: the mask, overlay and heatmap of one picture


class Standing:
    """Files beside a translation, remembered before it, so that those which this run wrote can be told afterwards."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.before = {path: _identity(path) for path in paths}

    def told(self, message: str = "") -> str:
        """``message``, and behind it the files written since, where there are some."""
        new = [path for path, before in self.before.items() if _identity(path) not in (None, before)]
        more = f" and {len(new) - MOST_NAMED} more" if len(new) > MOST_NAMED else ""
        if not new:
            return message
        return f"{message.rstrip('.')}; written before that: {', '.join(map(str, new[:MOST_NAMED]))}{more}"


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from the one that replaces it; None for no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
