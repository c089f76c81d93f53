"""PyTorch before 1.6: pickles and storages one behind the other; before 0.1.10 in a tar archive; and plain pickles."""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Callable
from itertools import islice
from typing import Any

from ..tars import BoundedTarInfo
from .inert import Global, PickleMachine
from .rebuild import build, set_state, storage_dtype
from .stream import PickleStream, View, ViewStream
from .tensor_index import ITEM_SIZES, DamagedError, Storage, TensorRef, shown

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # torch.serialization's
LEGACY_PROTOCOL = 1001  # likewise
MAX_RECORDS = 100_000  # a choice: five times as many as the tensors that are read at most
MAX_MEMBERS = 64  # of a tar, which has four of its own


def read_pickle(view: View) -> object:
    """The value of a file of consecutive pickles and storages, or of any single pickle; raises DamagedError."""
    return _Pickles(ViewStream(view), lambda start, size: Storage("uint8", 0, start, size), build_nested).load()


def read_tar(view: View) -> object:
    """The value of an old archive of pickles, storages and the shapes of tensors; raises DamagedError."""
    return _OldTar(view).load()


def build_nested(origin: Global, args: tuple[Any, ...]) -> object:
    """As ``build``, and storages that pickle.dump wrapped in a whole small PyTorch file of their own."""
    if origin != ("torch.storage", "_load_from_bytes"):
        return build(origin, args)
    content = args[0] if args else b""
    if not isinstance(content, bytes | bytearray):
        raise DamagedError("a storage without bytes")
    inner = bytes(content)

    def place(start: int, size: int) -> Storage:
        return Storage("uint8", size=size, data=inner[start : start + size])

    return _Pickles(ViewStream(inner), place, build).load()


class _Pickles:
    """Reads a stream of pickles. ``place`` makes the storage for its bytes, ``make`` builds what the pickles name."""

    def __init__(
        self,
        stream: PickleStream,
        place: Callable[[int, int], Storage],
        make: Callable[[Global, tuple[Any, ...]], object],
    ) -> None:
        self._stream, self._place = stream, place
        self._machine = PickleMachine(make, set_state, self._find)
        self._storages: dict[str, Storage] = {}
        self._views: dict[str, tuple[Storage, Storage, int, int]] = {}

    def load(self) -> object:
        first = self._next()
        if type(first) is not int or first != LEGACY_MAGIC:
            return first
        if self._next() != LEGACY_PROTOCOL:
            raise DamagedError("a PyTorch file of an unknown version")
        system = self._next()
        if isinstance(system, dict) and system.get("little_endian") is False:
            raise DamagedError("numbers in big-endian byte order; save it on a little-endian machine")
        root = self._next()
        self._fill(self._next())
        return root

    def _next(self) -> object:
        return self._machine.load(self._stream)

    def _find(self, saved: object) -> object:
        if isinstance(saved, tuple) and saved and saved[0] in ("module", b"module"):
            return None  # a class with the text that it was written in: weights need neither
        _, kind, key, _, count, view = _items(saved, 6)
        dtype = storage_dtype(kind)
        storage = self._storages.setdefault(str(key), Storage(dtype))
        storage.size = max(storage.size, _number(count) * ITEM_SIZES[dtype])
        if view is None:
            return storage
        name, offset, length = _items(view, 3)
        if str(name) not in self._views:
            self._views[str(name)] = (Storage(dtype), storage, _number(offset), _number(length))
        return self._views[str(name)][0]

    def _fill(self, keys: object) -> None:
        """Give each storage its place, in the order of ``keys``, then each view its part."""
        waiting = dict(self._storages)
        for key in keys if isinstance(keys, list) else ():
            if str(key) not in waiting:
                raise DamagedError(f"the storage {shown(key)}, which no tensor uses")
            storage = waiting.pop(str(key))
            content = _sized_storage(self._stream, 0, storage.dtype)
            if content.size < storage.size:
                raise DamagedError(f"a storage of {content.size} bytes where {storage.size} were announced")
            placed = self._place(content.start, content.size)
            storage.start, storage.size, storage.data = placed.start, placed.size, placed.data
        if any(storage.size for storage in waiting.values()):
            raise DamagedError("a storage without content: the file is damaged or cut off")
        for target, base, offset, length in self._views.values():
            item = ITEM_SIZES[target.dtype]
            part = base.part(offset * item, length * item, target.dtype)
            target.start, target.size, target.data = part.start, part.size, part.data


class _OldTar:
    def __init__(self, view: View) -> None:
        try:
            with tarfile.open(fileobj=ViewStream(view), mode="r:", tarinfo=BoundedTarInfo) as archive:
                entries = list(islice(archive, MAX_MEMBERS))
        except (tarfile.TarError, ValueError, OverflowError, RecursionError) as error:
            raise DamagedError(f"a tar archive that is damaged or cut off ({shown(str(error))})") from error
        members = {member.name.removeprefix("./"): member for member in entries}
        missing = {"pickle", "tensors", "storages"} - set(members)
        if missing:
            inside = ", ".join(shown(name) for name in list(members)[:3])
            raise DamagedError(f"a tar archive that is no PyTorch checkpoint (it holds {inside}); unpack it first")
        if len(members) < len(entries):
            raise DamagedError("a tar archive with repeated entries")
        self._view = view
        self._members = members
        self._objects: dict[object, object] = {}

    def load(self) -> object:
        self._read_storages()
        self._read_tensors()
        stream, _ = self._open("pickle")
        return PickleMachine(build_nested, set_state, self._find).load(stream)

    def _find(self, saved: object) -> object:
        if isinstance(saved, tuple):  # a module class with its source code
            return saved[0] if saved else None
        key = int(saved) if isinstance(saved, str | bytes) and saved.isdigit() else saved
        if key not in self._objects:
            raise DamagedError(f"a reference to {shown(saved)}, which the archive lacks")
        return self._objects[key]

    def _open(self, name: str) -> tuple[PickleStream, int]:
        member = self._members[name]
        start, size = member.offset_data, member.size
        if not member.isreg() or start + size > len(self._view):
            raise DamagedError(f"the member {name!r}, which reaches beyond the end: the file is cut off")
        return io.BytesIO(self._view[start : start + size]), start

    def _read_storages(self) -> None:
        stream, base = self._open("storages")
        machine = PickleMachine(build, set_state, _no_references)
        for _ in range(_count(machine.load(stream))):
            key, _, kind = _items(machine.load(stream), 3)
            self._objects[_number(key)] = _sized_storage(stream, base, storage_dtype(kind))
        views = machine.load(stream)
        for record in views if isinstance(views, list) else ():
            target, root, offset, length = (_number(value) for value in _items(record, 4))
            storage = self._objects.get(root)
            if not isinstance(storage, Storage):
                raise DamagedError("a view of a storage that is not there")
            item = ITEM_SIZES[storage.dtype]
            self._objects[target] = storage.part(offset * item, length * item, storage.dtype)

    def _read_tensors(self) -> None:
        stream, _ = self._open("tensors")
        machine = PickleMachine(build, set_state, _no_references)
        for _ in range(_count(machine.load(stream))):
            key, root, _ = _items(machine.load(stream), 3)
            (ndim,) = struct.unpack("<i4x", _exactly(stream, 8))
            if not 0 <= ndim <= 64:
                raise DamagedError(f"a tensor of {ndim} dimensions")
            numbers = struct.unpack(f"<{2 * ndim + 1}q", _exactly(stream, 8 * (2 * ndim + 1)))
            storage = self._objects.get(root) if type(root) is int else Storage("float32")
            if not isinstance(storage, Storage):
                raise DamagedError("a tensor without its storage")
            shape, strides = numbers[:ndim], numbers[ndim:-1]
            if ndim == 0:  # an empty tensor in those days
                shape, strides = (0,), (1,)
            self._objects[_number(key)] = TensorRef(storage, numbers[-1], shape, strides)


def _sized_storage(stream: PickleStream, base: int, dtype: str) -> Storage:
    """A storage behind its length, which is skipped in the stream and kept as a place in the file."""
    (count,) = struct.unpack("<q", _exactly(stream, 8))
    start, size = stream.tell(), count * ITEM_SIZES[dtype]
    end = stream.seek(0, io.SEEK_END)
    if not 0 <= size <= end - start:
        raise DamagedError(f"a storage of {count} numbers with {end - start} bytes left: the file is cut off")
    stream.seek(start + size)
    return Storage(dtype, 0, base + start, size)


def _exactly(stream: PickleStream, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise DamagedError("an end in the middle of a record: the file is cut off")
    return data


def _no_references(saved: object) -> object:
    raise DamagedError(f"a reference {shown(saved)} where none belongs")


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise DamagedError(f"{shown(value)} where a count belongs")
    return value


def _count(value: object) -> int:
    number = _number(value)
    if number > MAX_RECORDS:
        raise DamagedError(f"{number} records, more than {MAX_RECORDS}")
    return number


def _items(value: object, length: int) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list) or len(value) != length:
        raise DamagedError(f"a record that is not one of {length} values")
    return tuple(value)
