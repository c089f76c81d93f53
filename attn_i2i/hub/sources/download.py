"""One file over http: resumed where it broke off, no larger than the disk, and what its hash says."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ...files import DiskFullError, atomic_path, sha256
from .errors import FetchError, TransientFetchError, is_page, page_words
from .progress import Listener, size_words
from .web import BROKEN, ask

PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds before a new try; they start anew whenever some bytes came."""
CHUNK = 2**18  # bytes between two steps of the progress bar
NUMBER = "[0-9]{1,18}"
"""A size in a header; Python takes other digits too, and refuses to read thousands of them."""
SLOW_SECONDS, SLOW_BYTES = 60.0, 60_000
"""A line that gives less than a kilobyte a second for a minute would need a day for 100 MB: it has stalled."""
SPARE = 64 * 2**20
"""Room that is left on a disk, for the system and for other programs."""


@dataclass(frozen=True)
class Remote:
    """A file to fetch: where, and all that is known of it. ``hosts`` are those that redirects may lead to."""

    name: str
    url: str
    hosts: tuple[str, ...] = ()
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The name it gets on this machine."""
        return self.name.rpartition("/")[2]


def download(remote: Remote, folder: Path, report: Listener) -> Path:
    """Bring a file into ``folder`` and check it; a part that is there already is gone on with.

    The part is checked against a file that changed at its source by If-Range. Raises FetchError, after which nothing
    but a part that can be resumed is left, or DiskFullError before anything is written.
    """
    target, part = folder / remote.base, folder / f"{remote.base}.part"
    if target.is_file():
        with suppress(FetchError):
            check_download(target, remote)
            return target
        target.unlink()
    _patiently(remote, part, report)
    try:
        check_download(part, remote)
    except FetchError:
        forget(part)
        raise
    part.rename(target)
    _note(part).unlink(missing_ok=True)
    return target


def check_download(path: Path, remote: Remote) -> None:
    """Raise FetchError unless the file has the size and the hashes that are known."""
    size = path.stat().st_size
    if remote.size is not None and size != remote.size:
        raise FetchError(f"{remote.base} has {size} bytes, expected {remote.size}: it was thrown away")
    if remote.sha256 and not (digest := sha256(path)).startswith(remote.sha256):
        raise FetchError(
            f"{remote.base} has the SHA-256 {digest[:12]}..., expected {remote.sha256[:12]}...: other or damaged bytes,"
            " which were thrown away"
        )
    if remote.md5:
        with path.open("rb") as stream:
            actual = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if actual != remote.md5:
            raise FetchError(
                f"{remote.base} has the MD5 {actual[:12]}..., expected {remote.md5[:12]}...: other or damaged bytes,"
                " which were thrown away"
            )


def require_room(folder: Path, size: int, what: str) -> None:
    """Raise DiskFullError where ``size`` bytes more do not fit on the disk of ``folder``."""
    free = shutil.disk_usage(folder).free
    if size + SPARE > free:
        raise DiskFullError(
            f"{what} needs {size_words(size)}, but the disk of {folder} has {size_words(free)} free: make room, or set"
            " ATTN_I2I_HOME to a folder on another disk; nothing was downloaded."
        )


def forget(part: Path) -> None:
    """Remove a part and what is noted of it."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _patiently(remote: Remote, part: Path, report: Listener) -> None:
    """Go on after each break, until no new try comes farther than those before."""
    pauses, farthest = iter(PAUSES), 0
    while True:
        try:
            return _continue(remote, part, report)
        except TransientFetchError as error:
            size = part.stat().st_size if part.exists() else 0
            if size > farthest:
                pauses, farthest = iter(PAUSES), size
            pause = next(pauses, None)
            if pause is None:
                raise error
            time.sleep(pause)


def _continue(remote: Remote, part: Path, report: Listener) -> None:
    """One request: from where the part ends, or from the start where the server, or the file, wants it so."""
    note = _read_note(part)
    have = part.stat().st_size if part.exists() else 0
    if have and (note.get("url") != remote.url or not (note.get("validator") or remote.sha256)):
        have = 0  # of another address, or nothing could tell whether the file has changed since
    asked = dict(remote.headers)
    if have:
        asked["Range"] = f"bytes={have}-"
        if note.get("validator"):
            asked["If-Range"] = note["validator"]
    try:
        answer = ask(remote.url, hosts=remote.hosts, headers=asked)
    except FetchError as error:
        if have and error.status == 416:  # nothing behind the part: it is whole, or of another file
            if have == remote.size:
                return
            forget(part)
            raise TransientFetchError(str(error)) from error
        raise
    with answer:
        start, total = _extent(answer, have)
        _check_total(remote, total)
        require_room(part.parent, (total or remote.size or 0) - start, remote.base)
        with atomic_path(_note(part), force=True) as temporary:  # never through a link that stands there
            temporary.write_text(json.dumps({"url": remote.url, "validator": _validator(answer)}), encoding="utf-8")
        try:
            with _opened(part, start) as stream:
                _receive(answer, stream, remote, start, total, report)
        except FetchError as error:
            if not isinstance(error, TransientFetchError):
                forget(part)
            raise


def _extent(answer: http.client.HTTPResponse, have: int) -> tuple[int, int | None]:
    """Where the answer begins, and the size of the whole file where it is told."""
    if (answer.headers.get("Content-Encoding") or "identity") != "identity":
        raise FetchError("it answered with a compressed copy, although the file as it is was asked for")
    if answer.status == 206:
        span = re.fullmatch(rf"bytes ({NUMBER})-{NUMBER}/({NUMBER}|\*)", answer.headers.get("Content-Range") or "")
        if not have or span is None or int(span[1]) != have:
            raise FetchError("it answered with another part of the file than was asked for")
        return have, None if span[2] == "*" else int(span[2])
    length = answer.headers.get("Content-Length") or ""
    return 0, int(length) if re.fullmatch(NUMBER, length) else None


def _check_total(remote: Remote, total: int | None) -> None:
    if remote.size is not None and total is not None and total != remote.size:
        raise FetchError(f"{remote.base} has {total} bytes there, expected {remote.size}: it was not downloaded")


def _receive(
    answer: http.client.HTTPResponse,
    stream: BinaryIO,
    remote: Remote,
    start: int,
    total: int | None,
    report: Listener,
) -> None:
    done, most = start, total if total is not None else remote.size
    head = b""
    for chunk in chunks_of(answer):
        if start == 0 and done < 1024:
            head += chunk
            refuse_page(head, answer)
        if most is not None and done + len(chunk) > most:
            raise FetchError(f"{remote.base} goes on beyond its {most} bytes: it was thrown away")
        stream.write(chunk)
        done += len(chunk)
        report(done, most)
    if total is not None and done < total:
        raise TransientFetchError(f"{remote.base} broke off after {done} of {total} bytes")


def chunks_of(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The bytes of an answer as they come; a break, or a line that stands still, is a TransientFetchError."""
    mark, came = time.monotonic(), 0
    while True:
        try:
            chunk = answer.read1(CHUNK)
        except BROKEN as error:
            raise TransientFetchError(f"the connection broke off ({str(error) or type(error).__name__})") from error
        if not chunk:
            return
        yield chunk
        came += len(chunk)
        if time.monotonic() - mark > SLOW_SECONDS:
            if came < SLOW_BYTES:
                raise TransientFetchError(f"only {came} bytes came in {SLOW_SECONDS:.0f} seconds")
            mark, came = time.monotonic(), 0


def refuse_page(head: bytes, answer: http.client.HTTPResponse) -> None:
    """Raise FetchError for a web page: its own words say what went wrong."""
    if not is_page(head):
        return
    with suppress(*BROKEN):
        head += answer.read(2**18)
    raise FetchError(f"instead of the file came {page_words(head.decode('utf-8', 'replace'))}")


def _validator(answer: http.client.HTTPResponse) -> str | None:
    """What tells this version of the file from a later one: a strong ETag, else the time of its last change."""
    etag = answer.headers.get("ETag")
    return etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified")


def _opened(part: Path, start: int) -> BinaryIO:
    """The part from ``start`` on, never through a link that somebody else has put there."""
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
    stream = os.fdopen(descriptor, "r+b")
    stream.truncate(start)
    stream.seek(start)
    return stream


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_note(part: Path) -> dict[str, str]:
    try:
        noted = json.loads(_note(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}
