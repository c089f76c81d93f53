"""The part of a TensorFlow bundle that a generator needs, without the optimizer's two thirds.

The .index says where in the .data file each variable lies, and its CRC-32C. The wanted variables come by ranges, or out
of an archive that is read through once. Each goes straight to its place in a safetensors file, so memory holds one
chunk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from ...convert.leftovers import is_training_state
from ...convert.reader.crc32c import crc32c_array
from ...convert.reader.sandbox import run_reader
from ...files.temporary import temporary_folder
from .errors import FetchError, TransientFetchError

GAP = 2**16
"""Wanted parts that are nearer to each other than this are asked for together: a request costs about as much."""
MOST_RUN = 64 * 2**20
"""One request asks for at most this much, so that a break costs little."""
READER_MEMORY, READER_SECONDS = 2**30, 120.0  # a choice: an index of thousands of variables takes megabytes and seconds
_DTYPES = {
    "float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip


class Variable(NamedTuple):
    """One tensor: where its bytes lie in the bundle, where they go, and what they must check to."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    size: int
    checksum: int
    target: int


class ByteRange(NamedTuple):
    """Bytes of the bundle to ask for together, and the variables that lie in them."""

    start: int
    end: int
    variables: tuple[Variable, ...]


class PartialBundle:
    """A safetensors file of the wanted variables of one bundle; what is there already and checks is not asked again."""

    def __init__(self, path: Path, index: Path, data_size: int, prefixes: Sequence[str]) -> None:
        self.path = path
        self._mark = path.with_name(f"{path.name}.at")
        self.variables = _variables(index, data_size, prefixes)
        header = {
            v.name: {"dtype": v.dtype, "shape": v.shape, "data_offsets": [v.target, v.target + v.size]}
            for v in self.variables
        }
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        self._head = len(text).to_bytes(8, "little") + text
        self.size = sum(v.size for v in self.variables)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        with os.fdopen(descriptor, "r+b") as stream:
            stream.write(self._head)
            stream.truncate(len(self._head) + self.size)

    def missing(self) -> list[ByteRange]:
        """What has still to be asked for, in the order in which it lies in the bundle."""
        with self.path.open("rb") as stream:
            return list(_runs([v for v in self.variables if not self._is_whole(stream, v)]))

    def reached(self, run: ByteRange) -> int:
        """Where a run broke off that was begun before, in this process or an earlier one; else its start."""
        with suppress(OSError, ValueError):
            start, place = map(int, self._mark.read_text(encoding="ascii").split())
            if start == run.start and place < run.end:
                return place
        return run.start

    def fill(self, run: ByteRange, chunks: Iterable[bytes]) -> Iterator[int]:
        """Write the bytes of a run from where it is ``reached``, yielding how many came.

        Raises TransientFetchError where they end too soon, and FetchError where they do not check.
        """
        place = self.reached(run)
        with self.path.open("r+b") as stream:
            try:
                for chunk in chunks:
                    for variable in run.variables:
                        self.write(stream, variable, place, chunk)
                    place += len(chunk)
                    yield len(chunk)
                if place < run.end:
                    raise TransientFetchError(f"a part of the bundle broke off after {place - run.start} bytes")
                place = run.start
            finally:
                stream.flush()
                self._mark.write_text(f"{run.start} {place}", encoding="ascii")
            for variable in run.variables:
                if not self._is_whole(stream, variable):
                    raise FetchError(f"{variable.name} fails the bundle's CRC-32C: other or damaged bytes")

    def write(self, stream: BinaryIO, variable: Variable, place: int, chunk: bytes) -> None:
        start = max(variable.start, place)
        end = min(variable.start + variable.size, place + len(chunk))
        if start < end:
            stream.seek(len(self._head) + variable.target + start - variable.start)
            stream.write(memoryview(chunk)[start - place : end - place])

    def _is_whole(self, stream: BinaryIO, variable: Variable) -> bool:
        stream.seek(len(self._head) + variable.target)
        data = stream.read(variable.size)
        return len(data) == variable.size and crc32c_array(np.frombuffer(data, np.uint8)) == variable.checksum


def sift(bundles: Sequence[PartialBundle], chunks: Iterable[bytes]) -> Iterator[int]:
    """Take what is wanted out of the whole bundle's bytes, which are read once; yields how many went by."""
    with ExitStack() as stack:
        wanted = [(bundle, bundle.missing(), stack.enter_context(bundle.path.open("r+b"))) for bundle in bundles]
        place = 0
        for chunk in chunks:
            for bundle, runs, stream in wanted:
                while runs and runs[0].end <= place:
                    del runs[0]
                for run in takewhile(lambda run: run.start < place + len(chunk), runs):  # noqa: B023  (used at once)
                    for variable in run.variables:
                        bundle.write(stream, variable, place, chunk)
            place += len(chunk)
            yield len(chunk)
    for bundle in bundles:
        if left := bundle.missing():
            name = left[0].variables[0].name
            raise FetchError(f"{name} fails the bundle's CRC-32C: the archive is damaged or cut off")


def _variables(index: Path, data_size: int, prefixes: Sequence[str]) -> list[Variable]:
    """The wanted variables by place, as the reader in its own process finds them.

    It wants to see the .data file: an empty one of the right size, which takes no room, is enough for it.
    """
    with temporary_folder() as folder:
        copy = Path(folder, "bundle.index")
        copy.write_bytes(index.read_bytes())
        with Path(folder, "bundle.data-00000-of-00001").open("wb") as stream:
            stream.truncate(data_size)
        spill = Path(folder, "spill")
        reply = run_reader(copy, "tensorflow", spill, memory_limit=READER_MEMORY, seconds=READER_SECONDS)
    if "error" in reply:
        raise FetchError(f"{index.name} is not the index of a TensorFlow bundle that can be read: {reply['error']}")
    variables: list[Variable] = []
    target = 0
    for name, (number, dtype, _, shape, _) in sorted(reply["tensors"].items(), key=lambda item: _start(reply, item[1])):
        if not name.startswith(tuple(prefixes)) or is_training_state(name):
            continue
        _, start, size, checksum = reply["storages"][number]
        if checksum is None or dtype not in _DTYPES:
            raise FetchError(f"{name} of {index.name} has no checksum, or a type that is not stored here ({dtype})")
        variables.append(Variable(name, _DTYPES[dtype], tuple(shape), start, size, checksum[1], target))
        target += size
    if not variables:
        raise FetchError(f"{index.name} has no variable that starts with {' or '.join(prefixes)}")
    return variables


def _start(reply: dict[str, list[list[int]]], tensor: Sequence[int]) -> int:
    return reply["storages"][tensor[0]][1]


def _runs(variables: Sequence[Variable]) -> Iterator[ByteRange]:
    group: list[Variable] = []
    for variable in variables:
        if group and (
            variable.start - (group[-1].start + group[-1].size) > GAP
            or variable.start + variable.size - group[0].start > MOST_RUN
        ):
            yield ByteRange(group[0].start, group[-1].start + group[-1].size, tuple(group))
            group = []
        group.append(variable)
    if group:
        yield ByteRange(group[0].start, group[-1].start + group[-1].size, tuple(group))
