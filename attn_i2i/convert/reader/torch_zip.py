"""PyTorch 1.6 and later: a zip archive of one pickle and one entry a storage."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from itertools import pairwise

from .inert import PickleMachine
from .rebuild import set_state, storage_dtype
from .stream import View, ViewStream
from .tensor_index import ITEM_SIZES, DamagedError, Storage, shown
from .torch_legacy import build_nested

EXPANSION = 10  # torch stores uncompressed: a file that grows more than this is a bomb
MAX_ENTRIES = 100_000  # a choice: five times as many as the tensors that are read at most


def read_zip(view: View) -> object:
    """The value of the archive's data.pkl, its tensors as references; raises DamagedError."""
    archive = _Archive(view)
    storages: dict[tuple[str, str], Storage] = {}

    def persistent(saved: object) -> Storage:
        if not isinstance(saved, tuple) or len(saved) < 5 or saved[0] not in ("storage", b"storage"):
            raise DamagedError(f"an unknown reference {shown(saved)}")
        dtype, key = storage_dtype(saved[1]), str(saved[2])
        if (key, dtype) not in storages:
            storages[key, dtype] = archive.storage(f"data/{key}", dtype)
        return _with_room(storages[key, dtype], saved[4])

    machine = PickleMachine(build_nested, set_state, persistent)
    return machine.load(io.BytesIO(archive.content("data.pkl")))


class _Archive:
    """A zip archive whose entries are known to lie apart and to be no larger than the file allows."""

    def __init__(self, view: View) -> None:
        self._view = view
        try:
            self._zip = zipfile.ZipFile(ViewStream(view))
            entries = self._zip.infolist()
        except (zipfile.BadZipFile, struct.error, NotImplementedError, UnicodeDecodeError, OverflowError) as error:
            raise DamagedError(f"a zip archive that is damaged or cut off ({shown(str(error))})") from error
        self._entries = {entry.filename: entry for entry in entries}
        if len(self._entries) != len(entries) or len(entries) > MAX_ENTRIES:
            raise DamagedError(f"a zip archive with repeated entries or more than {MAX_ENTRIES} of them")
        self._starts = self._checked_starts()
        self._folder = self._find_folder()
        order = self.content("byteorder") if f"{self._folder}byteorder" in self._entries else b"little"
        if order.strip() != b"little":
            raise DamagedError(f"numbers in {shown(order.decode('latin-1'))} byte order; save it as little-endian")

    def content(self, name: str) -> bytes:
        """The bytes of one entry, inflated if need be, with their checksum verified where the archive has one."""
        entry = self._entry(name)
        start = self._starts[entry.filename]
        data = self._view[start : start + entry.compress_size]
        if entry.compress_type == zipfile.ZIP_DEFLATED:
            data = _inflated(data, entry.file_size)
        if entry.CRC and zlib.crc32(data) != entry.CRC:
            raise DamagedError(f"the entry {shown(entry.filename)}, which fails its checksum: the file is damaged")
        return data

    def storage(self, name: str, dtype: str) -> Storage:
        entry = self._entry(name)
        if entry.compress_type == zipfile.ZIP_DEFLATED:
            data = self.content(name)
            return Storage(dtype, size=len(data), data=data)
        checksum = ("crc32", entry.CRC) if entry.CRC else None  # PyTorch can be told to write no checksums
        return Storage(dtype, 0, self._starts[entry.filename], entry.file_size, checksum)

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = self._entries.get(self._folder + name)
        if entry is None:
            raise DamagedError(f"a PyTorch archive without the entry {shown(self._folder + name)}")
        return entry

    def _find_folder(self) -> str:
        names = list(self._entries)
        if any(name.endswith("/constants.pkl") or "/code/" in name for name in names):
            raise DamagedError(
                "a TorchScript program, not a checkpoint; with PyTorch: "
                "torch.save(torch.jit.load(FILE).state_dict(), 'weights.pth'), then convert weights.pth"
            )
        pickles = [name for name in names if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(pickles) != 1:
            inside = ", ".join(shown(name) for name in names[:3]) or "nothing"
            raise DamagedError(f"a zip archive that is no PyTorch checkpoint (it holds {inside}); unpack it first")
        return pickles[0].removesuffix("data.pkl")

    def _checked_starts(self) -> dict[str, int]:
        """Where the content of each entry begins, once all are known to be apart and of a size that can be true."""
        starts, spans, total = {}, [], 0
        for name, entry in self._entries.items():
            stored = entry.compress_type == zipfile.ZIP_STORED
            if not (stored or entry.compress_type == zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
                raise DamagedError(f"the encrypted or unusually packed entry {shown(name)}; unpack the archive first")
            if stored and entry.file_size != entry.compress_size:
                raise DamagedError(f"the entry {shown(name)} of two sizes")
            starts[name] = self._content_start(entry)
            spans.append((entry.header_offset, starts[name] + entry.compress_size))
            total += entry.file_size
        spans.sort()
        if any(end > start for (_, end), (start, _) in pairwise(spans)):
            raise DamagedError("a zip archive with overlapping entries, as made to exhaust memory")
        if total > EXPANSION * len(self._view):
            raise DamagedError(f"a zip archive that would expand to {total} bytes, over {EXPANSION} times its own size")
        return starts

    def _content_start(self, entry: zipfile.ZipInfo) -> int:
        header = self._view[entry.header_offset : entry.header_offset + 30] if entry.header_offset >= 0 else b""
        if len(header) < 30 or not header.startswith(b"PK\3\4"):
            raise DamagedError(f"the entry {shown(entry.filename)}, which is not where the archive says")
        start = entry.header_offset + 30 + sum(struct.unpack("<HH", header[26:]))
        if start + entry.compress_size > len(self._view):
            raise DamagedError(f"the entry {shown(entry.filename)}, which reaches beyond the end: the file is cut off")
        return start


def _with_room(storage: Storage, count: object) -> Storage:
    if type(count) is not int or count * ITEM_SIZES[storage.dtype] > storage.size:
        raise DamagedError(f"a storage of {storage.size} bytes that should hold {shown(count)} numbers")
    return storage


def _inflated(data: bytes, size: int) -> bytes:
    """Deflated bytes, which must come to exactly ``size``."""
    engine = zlib.decompressobj(-15)
    try:
        inflated = engine.decompress(data, size + 1)
    except zlib.error as error:
        raise DamagedError(f"a zip archive that is damaged ({shown(str(error))})") from error
    if len(inflated) != size:
        raise DamagedError("an entry that inflates to another size than the archive says")
    return inflated
