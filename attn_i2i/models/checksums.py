"""SHA256SUMS: what each file of a stored model must hash to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from ..files import atomic_path, sha256
from ..types import ModelError

SUMS = "SHA256SUMS"


class ChecksumError(ModelError):
    """A file whose SHA-256 is not the one expected."""


def write_sums(folder: Path, digests: Mapping[str, str] | None = None) -> None:
    """Write SHA256SUMS, of all files in ``folder`` unless ``digests`` are given; ``sha256sum -c`` reads it."""
    if digests is None:
        digests = {path.name: sha256(path) for path in folder.iterdir() if path.is_file() and path.name != SUMS}
    with atomic_path(folder / SUMS, force=True) as temporary:
        temporary.write_text("".join(f"{digests[name]}  {name}\n" for name in sorted(digests)), encoding="utf-8")


def read_sums(folder: Path) -> dict[str, str]:
    """Digests by file name; raises ChecksumError where SHA256SUMS is missing or not what it should be."""
    path = folder / SUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ChecksumError(
            f"{folder} has no {SUMS}, so nothing says that it is whole: convert or save the model again."
        ) from None
    except (OSError, ValueError) as error:
        raise ChecksumError(f"{path} cannot be read: {error}.") from error
    matches = [re.fullmatch(r"([0-9a-f]{64})  ([^/\\]+)", line) for line in lines]
    if not matches or None in matches:
        raise ChecksumError(f"{path} is damaged: expected a SHA-256 and a name in each line.")
    return {match[2]: match[1] for match in matches if match}


def check_file(path: Path, expected: str, hint: str) -> None:
    """Raise ChecksumError unless the file hashes to ``expected``: 64 digits of SHA-256, or 40 of a git blob."""
    actual = sha256(path) if len(expected) == 64 else git_blob(path)
    if actual != expected:
        kind = "SHA-256" if len(expected) == 64 else "git hash"
        raise ChecksumError(f"{path.name} has the {kind} {actual[:12]}..., expected {expected[:12]}...: {hint}.")


def git_blob(path: Path) -> str:
    """The name git gives to the file's content, which is what the Hub states of small files."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
