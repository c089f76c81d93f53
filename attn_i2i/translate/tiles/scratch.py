"""Maps that wait for a later pass: in memory where they are small, else in files without a name.

A file without a name is gone when it is closed, however the process ends.
"""

from __future__ import annotations

import shutil
import tempfile
from math import prod
from typing import IO, Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ...files.temporary import NAME_ANOTHER, explained, temporary_file
from ...types import ShapeError

IN_MEMORY = 2**29  # bytes of all maps together that are kept in memory: what every machine that can translate has


def check_disk(needed: int, name: str) -> None:
    """Raise ShapeError where the folder of temporary files has not as many bytes."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ShapeError(
            f"{name}: in strips it needs {needed / 2**30:.1f} GB of temporary files, and {folder} has"
            f" {free / 2**30:.1f} GB free: {NAME_ANOTHER}, or reduce the picture (max_side)."
        )


class Scratch:
    """Maps (..., H, W) by key, written and read by rows. A context manager, which forgets all at its end."""

    def __init__(self, on_disk: bool) -> None:
        self.on_disk = on_disk
        self._maps: dict[Any, _Map] = {}

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *error: object) -> None:
        for key in list(self._maps):
            self.forget(key)

    def write(self, key: Any, shape: torch.Size, first: int, strip: Tensor) -> None:
        """Put the rows from ``first`` on in their place; ``shape`` is the whole map's."""
        if key not in self._maps:
            self._maps[key] = _OnDisk(shape, strip.dtype) if self.on_disk else _InMemory(shape, strip.dtype)
        self._maps[key].write(first, strip)

    def read(self, key: Any, first: int, last: int) -> Tensor:
        """Rows ``first`` to ``last`` (not included), on the CPU."""
        return self._maps[key].read(first, last)

    def forget(self, key: Any) -> None:
        """Free the place of a map."""
        self._maps.pop(key).close()


class _Map(Protocol):
    def write(self, first: int, strip: Tensor) -> None: ...

    def read(self, first: int, last: int) -> Tensor: ...

    def close(self) -> None: ...


class _InMemory:
    def __init__(self, shape: torch.Size, dtype: torch.dtype) -> None:
        self.values = torch.empty(shape, dtype=dtype)

    def write(self, first: int, strip: Tensor) -> None:
        self.values[..., first : first + strip.shape[-2], :] = strip

    def read(self, first: int, last: int) -> Tensor:
        return self.values[..., first:last, :]

    def close(self) -> None:
        """Nothing to do: memory is freed with the map."""


class _OnDisk:
    """Row after row, each with all its channels, so that a strip is one piece of the file."""

    def __init__(self, shape: torch.Size, dtype: torch.dtype) -> None:
        self.shape, self.dtype = shape, dtype
        self.row = prod(shape[:-2]) * shape[-1] * dtype.itemsize
        self.file: IO[bytes] = temporary_file()

    def write(self, first: int, strip: Tensor) -> None:
        rows = strip.movedim(-2, 0).contiguous().cpu()
        self.file.seek(first * self.row)
        write_all(self.file, as_bytes(rows))

    def read(self, first: int, last: int) -> Tensor:
        rows = torch.empty((last - first, *self.shape[:-2], self.shape[-1]), dtype=self.dtype)
        self.file.seek(first * self.row)
        view, place = as_bytes(rows), 0
        while place < len(view):
            count = self.file.readinto(view[place:])  # type: ignore[attr-defined]
            if not count:
                raise OSError("a temporary file is shorter than what was written to it")
            place += count
        return rows.movedim(0, -2).contiguous()

    def close(self) -> None:
        self.file.close()


def as_bytes(values: Tensor) -> memoryview:
    """The memory of a contiguous tensor on the CPU, of any type."""
    numbers: Any = values.reshape(-1).view(torch.uint8).numpy()
    return memoryview(numbers)


def write_all(file: IO[bytes], view: memoryview) -> None:
    """Write everything: one call writes at most 2 GB."""
    place = 0
    with explained():
        while place < len(view):
            place += file.write(view[place:])


class ScratchArray:
    """One part of a result (..., H, W), filled by rows: in memory, or a file without a name that is mapped."""

    def __init__(
        self, shape: tuple[int, ...], dtype: torch.dtype, on_disk: bool, device: torch.device | None = None
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self.values = None if on_disk else torch.empty(shape, dtype=dtype, device=device)
        self.file: IO[bytes] | None = temporary_file() if on_disk else None

    def write(self, first: int, strip: Tensor) -> None:
        """Put the rows from ``first`` on in their place."""
        if self.values is not None:
            self.values[..., first : first + strip.shape[-2], :] = strip
            return
        assert self.file is not None
        height, width = self.shape[-2:]
        planes = strip.reshape(-1, *strip.shape[-2:]).to("cpu", self.dtype)
        for number, plane in enumerate(planes):
            self.file.seek((number * height + first) * width * self.dtype.itemsize)
            write_all(self.file, as_bytes(plane.contiguous()))

    def tensor(self) -> Tensor:
        """The whole part; pages of a file come into memory as they are looked at."""
        if self.values is not None:
            return self.values
        assert self.file is not None
        mapped = np.memmap(self.file, np.uint8, "r+")
        self.file.close()  # the map keeps what it shows
        return torch.from_numpy(mapped).view(self.dtype).view(self.shape)

    def close(self) -> None:
        """Free a file that was not asked for."""
        if self.file is not None:
            self.file.close()
