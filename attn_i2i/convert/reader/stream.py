"""A mapped file as a stream whose reads never reserve more memory than there are bytes."""

from __future__ import annotations

import io
import mmap
from typing import TypeAlias

View: TypeAlias = "mmap.mmap | bytes"


class ViewStream(io.RawIOBase):
    """Reads, seeks and finds lines in bytes that stay where they are."""

    def __init__(self, view: View) -> None:
        self._view, self._place = view, 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = max(0, offset + (0, self._place, len(self._view))[whence])
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        end = len(self._view) if size is None or size < 0 else min(len(self._view), self._place + size)
        data = self._view[self._place : end]
        self._place += len(data)
        return data

    def readline(self, size: int | None = -1) -> bytes:
        end = self._view.find(b"\n", self._place) + 1
        return self.read((end or len(self._view)) - self._place)


PickleStream: TypeAlias = "ViewStream | io.BytesIO"
