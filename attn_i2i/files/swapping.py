"""A folder put in another's place in one step, where the system can; and what killed processes left, mended."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

AT_FDCWD = -100  # in Linux's system calls: relative to the working folder
EXCHANGE = 2  # RENAME_EXCHANGE of Linux's renameat2, and RENAME_SWAP of macOS's renamex_np
UNABLE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)  # of a system or a file system that cannot
LEFTOVER = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.(?P<ending>tmp|old)", re.DOTALL)
UNCUT_BYTES = 80  # names of temporary files hold no more of their target's; a digest stands for the rest
DIGEST = 16  # hexadecimal digits: no two names of a folder share them
# Some writers replace a temporary file by another one, which nobody has locked: a file this young may be in use.
QUIET_SECONDS = 60.0


def swap_in(temporary: Path, target: Path, aside: Path) -> None:
    """Give the folder ``temporary`` the name ``target``; what had the name is left under another one, to be removed.

    Where the system cannot exchange two names at once, the old folder goes ``aside`` first, and there is a moment
    without a ``target``: ``mend`` brings it back where the process is killed in it.
    """
    if not os.path.lexists(target):
        temporary.rename(target)
        return
    if exchange(temporary, target):
        return
    with held(target):
        target.rename(aside)
        try:
            temporary.rename(target)
        except BaseException:
            aside.rename(target)
            raise
        remove(aside)


def exchange(first: Path, second: Path) -> bool:
    """Exchange two names in one step; False where the system or the file system cannot, OSError for other failures."""
    call = _exchange_call()
    if call is None:
        return False
    if call(os.fsencode(first), os.fsencode(second)) == 0:
        return True
    code = ctypes.get_errno()
    if code in UNABLE:
        return False
    raise OSError(code, os.strerror(code), str(second))


@cache
def _exchange_call() -> Callable[[bytes, bytes], int] | None:
    try:
        library: Any = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            rename = library.renamex_np
            return lambda first, second: int(rename(first, second, EXCHANGE))
        rename = library.renameat2
    except (AttributeError, OSError, TypeError):
        return None
    return lambda first, second: int(rename(AT_FDCWD, first, AT_FDCWD, second, EXCHANGE))


def is_mount_point(folder: Path) -> bool:
    """Whether something is mounted on a folder, so that nothing can be renamed over it; bind mounts count too."""
    if os.path.ismount(folder):
        return True
    with suppress(OSError):
        mounts = Path("/proc/self/mountinfo").read_bytes().splitlines()
        here = os.fsencode(folder.resolve())
        return any(_unescaped(line.split()[4]) == here for line in mounts)
    return False


def _unescaped(path: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3})", lambda digits: bytes([int(digits[1], 8)]), path)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Mark a temporary file or folder as in use, by a lock that ends with the process however that ends."""
    descriptor = _lock(path)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def mend(target: Path) -> bool:
    """Bring back a folder that a killed process had moved aside; whether there was one."""
    if os.path.lexists(target):
        return False
    wanted = short_name(target.name), "old"
    for left, name, ending in _leftovers(target.parent):
        descriptor = _lock(left) if (name, ending) == wanted else None
        if descriptor is not None:
            with suppress(OSError):
                left.rename(target)
            os.close(descriptor)
            return os.path.lexists(target)
    return False


def sweep(target: Path) -> None:
    """Mend ``target``, and remove what killed processes left beside it; what a living one uses stays."""
    mend(target)
    sweep_all([target])


def sweep_all(targets: Iterable[Path]) -> None:
    """Remove what killed processes left beside many ``targets``; each folder is listed once."""
    names: dict[Path, set[str]] = {}
    for target in targets:
        names.setdefault(target.parent, set()).add(short_name(target.name))
    for left in (left for folder in names for left, name, _ in _leftovers(folder) if name in names[folder]):
        descriptor = _lock(left)
        if descriptor is None:
            continue
        with suppress(OSError):
            if left.is_dir() or time.time() - left.lstat().st_mtime > QUIET_SECONDS:
                remove(left)
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder; a link is not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def short_name(name: str) -> str:
    """What a temporary file is known by beside the target ``name``: the name, or its start and a digest of it all."""
    encoded = os.fsencode(name)
    if len(encoded) <= UNCUT_BYTES:
        return name
    return f"{cut(name, UNCUT_BYTES)}~{hashlib.sha256(encoded).hexdigest()[:DIGEST]}"


def cut(text: str, most: int) -> str:
    """The start of ``text`` that takes ``most`` bytes at most; file systems count bytes, not characters."""
    return os.fsencode(text)[:most].decode("utf-8", "ignore")


def _leftovers(folder: Path) -> list[tuple[Path, str, str]]:
    """Temporary files and folders in ``folder``, links left out, with the names of their targets and their endings."""
    try:
        entries = list(folder.iterdir())
    except OSError:
        return []
    matches = [(entry, LEFTOVER.fullmatch(entry.name)) for entry in entries if not entry.is_symlink()]
    return [(entry, match["name"], match["ending"]) for entry, match in matches if match]


def _lock(path: Path) -> int | None:
    """A descriptor that holds the only lock on ``path``; None where another process has it, or nothing can be said."""
    try:
        import fcntl
    except ImportError:  # a system without these locks sweeps nothing
        return None
    descriptor = None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if descriptor is not None:
            os.close(descriptor)
        return None
    return descriptor
