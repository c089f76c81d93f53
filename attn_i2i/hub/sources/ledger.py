"""What this machine remembers of sources: hashes trusted at first use, and which answered last, and when."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...files import atomic_path
from ...models.places import model_store
from ...models.source import Source
from .errors import FetchError


def remembered(source: Source) -> dict[str, Any]:
    """What is noted of a source: ``files`` (SHA-256 by name), ``answered``, ``failed`` and ``why``."""
    try:
        noted = json.loads(_note(source).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def note_answer(source: Source) -> None:
    """The source answered as it should, now."""
    _write(source, {"answered": _now()})


def note_failure(source: Source, why: str) -> None:
    """The source did not answer as it should, now."""
    _write(source, {"failed": _now(), "why": why[:200]})


def hold_to_first_use(source: Source, name: str, digest: str) -> bool:
    """Remember a file's SHA-256; True where this is its first use.

    Raises FetchError where it was another before, unless the card itself knows beforehand what will come.
    """
    files = remembered(source).get("files")
    files = dict(files) if isinstance(files, dict) else {}
    before = files.get(name)
    if before not in (None, digest) and not source.pinned:
        raise FetchError(
            f"{name} has the SHA-256 {digest[:12]}..., but had {str(before)[:12]}... when it was first fetched on this"
            f" machine: somebody changed it. If that is meant, remove {_note(source)}"
        )
    _write(source, {"files": {**files, name: digest}})
    return before is None


def _write(source: Source, news: dict[str, Any]) -> None:
    noted = {"kind": source.kind, "address": source.address, **remembered(source), **news}
    path = _note(source)
    with suppress(OSError):  # where nothing can be stored, nothing is remembered
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path, force=True) as temporary:
            temporary.write_text(json.dumps(noted, indent=1, sort_keys=True), encoding="utf-8")


def _note(source: Source) -> Path:
    key = sha256(f"{source.kind} {source.repo_type} {source.address}".encode()).hexdigest()[:16]
    return model_store() / ".sources" / f"{key}.json"


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime()) + " UTC"
