"""Names of files as they can be printed and stored: a name need not be text."""

from __future__ import annotations

import os
from pathlib import Path


def shown_name(path: Path) -> str:
    r"""The file's name; bytes that are no UTF-8 as ``\xe9``, what cannot be printed escaped."""
    name = os.fsencode(path.name).decode("utf-8", "backslashreplace")
    return name if name.isprintable() else ascii(name)[1:-1]


def one_line(path: Path) -> str:
    """The whole path for an error message: one line, whatever it is called."""
    text = str(path)
    return text if text.isprintable() else ascii(text)
