"""The C library's heap: in a process that asks for it, memory that large tensors free waits for the next ones.

The GNU C library hands pieces of more than 32 MB back to the system, and asks for them again at the next operation. The
system then clears each page of 4 kB, which takes a third of the time of a large picture on a virtual machine.
"""

from __future__ import annotations

import ctypes
import os

from .store import wanted

# Parameters of mallopt (malloc.h): large pieces come from the heap too, its end is not handed back, and it grows by
# 64 MB at a time.
MMAP_MAX, TRIM_THRESHOLD, TOP_PAD = -4, -1, -2
SETTINGS = {MMAP_MAX: 0, TRIM_THRESHOLD: -1, TOP_PAD: 2**26}
OF_THE_USER = ("MALLOC_", "GLIBC_TUNABLES")  # whoever sets these has decided
# The heap has holes: 1.26 times as much was resident after a picture of 2048x2048 pixels (docs/speed.md).
HOLES = 1.3
_kept = False


class _Heap(ctypes.Structure):
    """What mallinfo2 tells (malloc.h), in bytes."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "free", "keep")
    ]


def keep_freed_memory() -> None:
    """From now on this whole process keeps what it frees; for programs that own their process, not for libraries.

    Nothing happens without the GNU C library, where the environment says how it shall work, and with
    ``ATTN_I2I_TUNE=off``.
    """
    global _kept
    if not wanted() or any(name.startswith(OF_THE_USER) for name in os.environ):
        return
    library = _library()
    if library is not None and hasattr(library, "mallopt"):
        answers = [library.mallopt(parameter, value) for parameter, value in SETTINGS.items()]
        _kept = all(answers)


def holes() -> float:
    """How much more memory than its tensors need a process takes at most."""
    return HOLES if _kept else 1.0


def kept_bytes() -> int:
    """What the heap holds and nobody uses: the next tensors take it first. 0 where that is unknown."""
    library = _library() if _kept else None
    if library is None or not hasattr(library, "mallinfo2"):
        return 0
    library.mallinfo2.restype = _Heap
    return int(library.mallinfo2().free)


def _library() -> ctypes.CDLL | None:
    """The GNU C library, if this process runs on it."""
    library = ctypes.CDLL(None) if os.name == "posix" else None
    return library if hasattr(library, "gnu_get_libc_version") else None
