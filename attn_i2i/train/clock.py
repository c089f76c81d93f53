"""How long a training took, over all its starts."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path

from ..files import atomic_path
from ..types import UnreadableFileError

TIME = "time.json"


class Clock:
    """Seconds of the wall clock and of this process's CPU, going on from those in the file ``path``, if it exists.

    It is a file of its own, because checkpoints of equal trainings are equal. What a killed run did after its last
    checkpoint is not in it, as it is done again. Raises UnreadableFileError for a damaged file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"wall": 0, "cpu": 0}
            self._wall, self._cpu = time.perf_counter() - before["wall"], time.process_time() - before["cpu"]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UnreadableFileError(f"{path} cannot be read ({error}): remove it, and its time is lost.") from error

    def seconds(self) -> dict[str, float]:
        """``wall`` and ``cpu``, up to now."""
        return {"wall": time.perf_counter() - self._wall, "cpu": time.process_time() - self._cpu}

    def save(self) -> None:
        """Write the file."""
        with atomic_path(self.path, force=True) as temporary:
            temporary.write_text(json.dumps(self.seconds(), indent=2) + "\n", encoding="utf-8")

    def __str__(self) -> str:
        wall, cpu = (timedelta(seconds=round(seconds)) for seconds in self.seconds().values())
        return f"{wall} ({cpu} of processor time)"
