"""SHA256SUMS: what each file of a stored model must hash to."""

from __future__ import annotations

import hashlib
import re
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ..files import atomic_path, read_small, sha256
from ..types import AttnI2IError, ModelError
from .mistaken import EXPORTED, fact_of, mistaken_for

SUMS = "SHA256SUMS"
GRAPH_WEIGHTS = ".bin"  # what OpenVINO keeps beside its .xml
# A file that changed this recently may change again and keep its time: clocks of file systems tick in hundredths.
RACY_SECONDS = 2.0
MOST_REMEMBERED = 4096  # files; a process that opens more starts to remember anew

_remembered: dict[str, tuple[tuple[int, ...], str]] = {}


class ChecksumError(ModelError):
    """A file whose SHA-256 is not the one expected."""


def write_sums(folder: Path, digests: Mapping[str, str] | None = None) -> None:
    """Write SHA256SUMS, of all files in ``folder`` unless ``digests`` are given; ``sha256sum -c`` reads it."""
    if digests is None:
        digests = {path.name: sha256(path) for path in folder.iterdir() if path.is_file() and path.name != SUMS}
    with atomic_path(folder / SUMS, force=True) as temporary:
        temporary.write_text("".join(f"{digests[name]}  {name}\n" for name in sorted(digests)), encoding="utf-8")


def read_sums(folder: Path, hint: str) -> dict[str, str]:
    """Digests by file name; raises ChecksumError, ``hint`` as its advice, where SHA256SUMS is missing or damaged."""
    path = folder / SUMS
    try:
        lines = read_small(path).decode("utf-8").splitlines()
    except FileNotFoundError:
        raise ChecksumError(f"{folder} has no {SUMS}, so nothing says that it is whole: {hint}.") from None
    except (OSError, ValueError, AttnI2IError) as error:
        raise ChecksumError(f"{path} cannot be read ({error}): {hint}.") from error
    matches = [re.fullmatch(r"([0-9a-f]{64})  ([^/\\]+)", line) for line in lines]
    if not matches or None in matches:
        raise ChecksumError(f"{path} is damaged (expected a SHA-256 and a name in each line): {hint}.")
    return {match[2]: match[1] for match in matches if match}


def check_file(path: Path, expected: str, hint: str, told: Callable[[Path], str | None] = fact_of) -> None:
    """Raise ChecksumError unless the file hashes to ``expected``: 64 digits of SHA-256, or 40 of a git blob.

    ``hint`` is the advice that fits the place of the file, and ``told`` says what else the file is well known as.
    """
    try:
        actual = digest_of(path) if len(expected) == 64 else git_blob(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ChecksumError(f"{path} cannot be read: {error.strerror or error}.") from error
    if actual != expected:
        kind = "SHA-256" if len(expected) == 64 else "git hash"
        what = f" {fact}" if (fact := told(path)) else ""
        raise ChecksumError(f"{path.name} has the {kind} {actual[:12]}..., expected {expected[:12]}...: {hint}.{what}")


def check_beside(path: Path) -> None:
    """Hold a file of a model folder, or an exported graph, against the folder's SHA256SUMS, where that stands.

    Raises ChecksumError for a file that differs, or that it does not name.
    """
    folder = path.parent
    if not (folder / SUMS).exists():
        return
    graph = path.suffix.lower() in EXPORTED
    anew = f"write the sums anew (cd {folder} && sha256sum *.json *.safetensors > {SUMS})"
    sums = read_sums(folder, "export the model again" if graph else f"get the folder again, or {anew}")
    weights = path.with_suffix(GRAPH_WEIGHTS)
    for file in [path, weights] if graph and weights.exists() else [path]:
        if file.name not in sums:
            raise ChecksumError(
                f"Nothing says what {file} must hash to, so it is not loaded: {folder / SUMS} has no line."
            )
        changed = f"{file} was changed or damaged after {SUMS} was written."
        if graph:
            check_file(file, sums[file.name], f"{changed} Export the model again")
        else:
            hint = f"{changed} Get it again. If you changed it yourself, {anew}"
            check_file(file, sums[file.name], hint, mistaken_for)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file; one that has not changed since this process hashed it is not read again."""
    before = _identity(path)
    remembered = _remembered.get(str(path))
    if remembered is not None and remembered[0] == before:
        return remembered[1]
    digest = sha256(path)
    changed = max(before[-2:]) / 1e9
    if before == _identity(path) and time.time() - changed > RACY_SECONDS:
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        _remembered[str(path)] = (before, digest)
    return digest


def _identity(path: Path) -> tuple[int, ...]:
    """What changes when a file's bytes do: nobody can set the last, the time of the change, by hand."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ChecksumError(f"{path} is not a regular file, so it is not read.")
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def git_blob(path: Path) -> str:
    """The name git gives to the file's content, which is what the Hub states of small files."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
