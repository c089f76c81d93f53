"""One training a folder: a lock that the system lets go of when its process ends, however it ends."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from ..types import ConfigError
from .notices import notify

LOCK = "run.lock"
# How systems say that another process has the lock, and that a file system knows no locks.
BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)

_held: set[Path] = set()
_guard = Lock()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold an existing folder for one training; raises ConfigError where another one, here or elsewhere, holds it.

    A record lock, not ``flock``: processes that are forked later do not share it, so it ends with the process that
    took it. It does not keep threads of one process apart, so that those are counted here.
    """
    key = folder.resolve()
    with _guard:
        if key in _held:
            raise ConfigError(_refusal(folder, "this process"))
        _held.add(key)
    try:
        descriptor = _take(folder)
        try:
            yield
        finally:
            _give_back(folder / LOCK, descriptor)
    finally:
        with _guard:
            _held.discard(key)


def _take(folder: Path) -> int:
    """An open descriptor of the lock file, locked; another process may just have removed the file that was opened."""
    path = folder / LOCK
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            _lock(descriptor)
        except OSError as error:
            holder = os.read(descriptor, 200).decode(errors="replace").strip() if os.name != "nt" else ""
            os.close(descriptor)
            if error.errno in BUSY:
                raise ConfigError(_refusal(folder, holder or "another process")) from None
            if error.errno not in NO_LOCKS:
                raise
            notify([f"{folder} lies on a file system without locks ({error.strerror}): see to it that no other"
                    " training writes into it."])  # fmt: skip
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if _same_file(descriptor, path):
            os.truncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
            return descriptor
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _give_back(path: Path, descriptor: int) -> None:
    """Remove the file while it is held; Windows removes no open file, and a file without a lock is no lock."""
    with suppress(OSError):
        path.unlink()
    os.close(descriptor)
    if sys.platform == "win32":
        with suppress(OSError):
            path.unlink()


def _refusal(folder: Path, holder: str) -> str:
    return (
        f"{folder} is being trained in by {holder}: wait until that training has ended, or choose another folder for"
        " this one."
    )
