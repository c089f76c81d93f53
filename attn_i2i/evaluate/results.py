"""The folder of an evaluation: outputs and numbers of each model, kept so that a stop costs little."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import TargetExistsError, atomic_path
from .measuring import Measured, Value
from .subjects import Subject

MARK, WORK = "evaluation.json", "work"
"""The file that says whose folder this is, and the folder of what each model has so far."""


@dataclass(frozen=True)
class Workshop:
    """The folder ``root`` of an evaluation of the data with ``digest`` under ``settings``."""

    root: Path
    digest: str
    settings: Mapping[str, object]

    @classmethod
    def at(cls, root: Path, digest: str, settings: Mapping[str, object], *, force: bool) -> Workshop:
        """The folder of a new evaluation, or of an earlier one of the same data.

        With ``force`` what an earlier one has made goes. Raises TargetExistsError for a folder of anything else.
        """
        mark = root / MARK
        if root.exists() and not root.is_dir():
            raise TargetExistsError(f"{root} is a file: the report needs a folder.")
        if root.is_dir() and any(root.iterdir()):
            if not mark.is_file():
                raise TargetExistsError(f"{root} holds other things than an evaluation: choose another folder.")
            if force:
                shutil.rmtree(root / WORK, ignore_errors=True)
            elif _read(mark).get("data") != digest:
                raise TargetExistsError(
                    f"{root} is an evaluation of other data: choose another folder, or ask to measure anew"
                    " (force=True)."
                )
        root.mkdir(parents=True, exist_ok=True)
        _write(mark, {"data": digest, "settings": dict(settings)})
        return cls(root, digest, settings)

    def folder(self, subject: Subject) -> Path:
        """The folder of a subject's outputs, emptied where they are those of another model or of other data."""
        folder = self.root / WORK / _safe(subject.label)
        identity = {"data": self.digest, "identity": subject.identity, "label": subject.label}
        if _read(folder / "identity.json") != identity:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _write(folder / "identity.json", identity)
        return folder

    def finished(self, subject: Subject) -> Measured | None:
        """The numbers of a subject that was finished under the same settings."""
        stored = _read(self.folder(subject) / "numbers.json")
        if stored.get("settings") != json.loads(json.dumps(dict(self.settings))):
            return None
        try:
            values = {name: Value(*numbers) for name, numbers in stored["values"].items()}
            return Measured(values, stored["pictures"], stored["missing"], stored["notes"])
        except (KeyError, TypeError, AttributeError):  # a file that was changed: measured anew
            return None

    def finish(self, subject: Subject, measured: Measured) -> None:
        """Keep the numbers of a subject."""
        values = {name: list(value) for name, value in measured.values.items()}
        table = {"settings": dict(self.settings), "values": values, "pictures": measured.pictures}
        table |= {"missing": measured.missing, "notes": measured.notes}
        _write(self.folder(subject) / "numbers.json", table)


def _safe(label: str) -> str:
    """A folder's name for a label: readable, and no two labels share one."""
    digest = hashlib.sha256(label.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '_', label)[:60].strip('.') or 'model'}-{digest}"


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(path: Path, content: Mapping[str, object]) -> None:
    with atomic_path(path, force=True) as temporary:
        # ASCII, so that names which are no UTF-8 come back as they were
        temporary.write_text(json.dumps(content, allow_nan=False), encoding="ascii")
