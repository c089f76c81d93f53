"""Temporary files and folders of this machine, and what is said where they find no room."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..types import AttnI2IError
from .whole import DiskFullError, WriteError, is_full

NAME_ANOTHER = "name a folder on another disk in the environment variable TMPDIR"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder that goes with the block.

    Raises DiskFullError or WriteError, which name the folder of all temporary files and TMPDIR, where it cannot be
    made, or where something in the block finds no room in it.
    """
    with explained():
        folder = tempfile.TemporaryDirectory(prefix="attn_i2i-")
    with folder as name, explained(Path(name)):
        yield Path(name)


def temporary_file() -> IO[bytes]:
    """A file without a name, not buffered: it is gone when it is closed, however the process ends.

    Raises as ``temporary_folder`` does; what is written to it needs ``explained`` around it.
    """
    with explained():
        return tempfile.TemporaryFile(buffering=0)


@contextmanager
def explained(inside: Path | None = None) -> Iterator[None]:
    """Errors of the disk of temporary files become one line.

    Without ``inside`` every refusal of the system is one: the block makes a file or folder there. With it, the block
    works in that folder, and a full disk alone is explained.
    """
    try:
        yield
    except (DiskFullError, WriteError) as error:  # of a file that should have appeared whole there
        if inside is None or str(inside) not in str(error):
            raise
        raise _said(error, isinstance(error, DiskFullError)) from error
    except AttnI2IError:
        raise
    except (OSError, RuntimeError) as error:
        full = is_full(error, inside or Path())
        if full or (inside is None and isinstance(error, OSError)):
            raise _said(error, full) from error
        raise


def _said(error: BaseException, full: bool) -> AttnI2IError:
    try:
        folder = tempfile.gettempdir()
    except OSError as none:
        return WriteError(f"no folder takes temporary files ({none.strerror}): free some space, or {NAME_ANOTHER}.")
    if full:
        return DiskFullError(
            f"the disk of {folder}, which takes temporary files, is full: free some space, or {NAME_ANOTHER}."
        )
    why = getattr(error, "strerror", None) or error
    return WriteError(f"{folder}, which takes temporary files, cannot be written ({why}): {NAME_ANOTHER}.")
