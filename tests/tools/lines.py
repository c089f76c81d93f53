"""Calls back whenever a function of the library gets to a line. Imports the standard library alone: the interpreter
that reads foreign files has nothing else.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

CHILD = "ATTN_I2I_REACHED"  # the file to which processes that a test starts add their lines
FUNCTION = 0x1  # CO_OPTIMIZED: the code of functions has it; that of modules and classes has not


def watch(folder: Path, note: Callable[[str, int], None]) -> None:
    """Call ``note`` with file and line whenever a function under ``folder`` gets to a line, in every thread."""
    prefix, names = f"{folder}{os.sep}", dict[CodeType, str | None]()

    def entered(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        code = frame.f_code
        if code not in names:
            inside = code.co_filename.startswith(prefix) and code.co_flags & FUNCTION
            names[code] = str(Path(code.co_filename).relative_to(folder.parent)) if inside else None
        if (name := names[code]) is None:
            return None
        note(name, frame.f_lineno)

        def line(frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
            if event == "line":
                note(name, frame.f_lineno)
            return line

        return line

    threading.settrace(entered)
    sys.settrace(entered)


def watch_child(folder: Path | str) -> None:
    """In a process that a test started: add each line once to the file that the environment names, at once."""
    out = os.open(os.environ[CHILD], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    seen: set[tuple[str, int]] = set()

    def note(name: str, line: int) -> None:
        if (name, line) not in seen:
            seen.add((name, line))
            os.write(out, f"{name} {line}\n".encode())

    watch(Path(folder), note)
