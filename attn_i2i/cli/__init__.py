"""The ``attn-i2i`` command: a thin skin over the library."""

from __future__ import annotations

from .main import main

__all__ = ["main"]
