"""Files taken out of an archive: only the ones that are wanted, never to where the archive says."""

from __future__ import annotations

import bz2
import errno
import gzip
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Protocol

from ...convert.tars import BoundedTarInfo
from .download import CHUNK, require_room
from .errors import FetchError
from .wrapped_zip import WrappedZip, is_wrapped

MOST_GROWTH = 200
"""Weights hardly shrink when packed; an archive that says it grows by more than this is no checkpoint."""

MOST_MEMBERS = 500_000
"""Twice the pictures of CelebA, of which no data set has more; an empty member of a packed tar takes some bytes."""
MOST_CHARACTERS = 2**26
"""Of the members' names, links and notes together: 130 for each of the most members."""


class Archive(Protocol):
    """What the kinds of archive have in common: names and sizes of files, and their bytes in order.

    Where sizes are not ``exact``, they are the least that fits what the archive says.
    """

    exact: bool

    def sizes(self) -> dict[str, int]: ...

    def chunks(self, name: str) -> Iterator[bytes]: ...


class _Zip:
    exact = True

    def __init__(self, stream: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(stream)

    def sizes(self) -> dict[str, int]:
        return {info.filename: info.file_size for info in self._zip.infolist() if not info.is_dir()}

    def chunks(self, name: str) -> Iterator[bytes]:
        with self._zip.open(name) as inner:
            yield from iter(lambda: inner.read(CHUNK), b"")


class _Tar:
    exact = True

    def __init__(self, stream: IO[bytes]) -> None:
        self._tar = tarfile.TarFile(fileobj=_decompressed(stream), tarinfo=BoundedTarInfo)

    @cached_property
    def _members(self) -> dict[str, tarfile.TarInfo]:
        """Regular files by name, in their order; of several of one name the last, as tar itself unpacks them."""
        members, characters = {}, 0
        for count, member in enumerate(self._tar, 1):
            characters += sum(map(len, (member.name, member.linkname, *map(str, member.pax_headers.values()))))
            refuse_many(count, characters)
            if member.isreg():
                members[member.name.removeprefix("./")] = member
        return members

    def sizes(self) -> dict[str, int]:
        return {name: member.size for name, member in self._members.items()}

    def chunks(self, name: str) -> Iterator[bytes]:
        inner = self._tar.extractfile(self._members[name])
        assert inner is not None, "a regular file has content"
        yield from iter(lambda: inner.read(CHUNK), b"")


class _Bounded:
    """A compressed stream of which no more than ``most`` bytes are unpacked: skipping a member unpacks it too."""

    def __init__(self, inner: IO[bytes], most: int) -> None:
        self._inner, self._most = inner, most

    def read(self, size: int = -1) -> bytes:
        left = self._most + 1 - self._inner.tell()
        data = self._inner.read(left if size < 0 else min(size, left))
        self._check(self._inner.tell())
        return data

    def seek(self, place: int) -> int:
        self._check(place)
        return self._inner.seek(place)

    def tell(self) -> int:
        return self._inner.tell()

    def _check(self, place: int) -> None:
        if place > self._most:
            raise FetchError(
                f"the archive unpacks to more than {self._most} bytes: it is no archive of files like these"
            )


def _decompressed(stream: IO[bytes]) -> Any:
    """The tar inside a gzip or bzip2 stream, within bounds; xz may ask for any memory, and is not read."""
    head = stream.read(6)
    most = MOST_GROWTH * stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return _Bounded(gzip.GzipFile(fileobj=stream), most)  # type: ignore[arg-type]
    if head.startswith(b"BZh"):
        return _Bounded(bz2.BZ2File(stream), most)
    if head.startswith(b"\xfd7zXZ"):
        raise FetchError("the archive is packed by xz, which is not read here: unpack it by hand")
    return stream


def refuse_many(members: int, characters: int = 0) -> None:
    """Raise FetchError for an archive of more members, or longer names, than any of weights or pictures has."""
    if members > MOST_MEMBERS or characters > MOST_CHARACTERS:
        raise FetchError(
            f"the archive has more than {MOST_MEMBERS} members, or names of more than {MOST_CHARACTERS} characters: it"
            " is no archive of weights or pictures"
        )


BROKEN_ARCHIVE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, RuntimeError, ValueError)
"""What a damaged archive, or one with a password, makes the standard library raise."""


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """A zip (also one that macOS wrote beyond 4 GiB) or a tar; FetchError for what is neither, or is damaged."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4)
            stream.seek(0)
            if head.startswith(b"PK"):
                packed = WrappedZip(stream) if is_wrapped(stream) else _Zip(stream)
                refuse_many(len(packed.sizes()))
                yield packed
            else:
                yield _Tar(stream)
    except FetchError:
        raise
    except BROKEN_ARCHIVE as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # a place before the start is damage
            raise
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise FetchError(f"{path.name} is no archive that can be read, or is cut off ({reason})") from error


def members_of(archive: Archive, patterns: Sequence[str], where: str) -> list[str]:
    """The one member of each pattern; a pattern without a slash fits a name in any folder."""
    names = [name for name in archive.sizes() if not _is_litter(name)]
    chosen = []
    for pattern in patterns:
        fits = [n for n in names if fnmatchcase(n if "/" in pattern else n.rpartition("/")[2], pattern)]
        if len(fits) != 1:
            held = ", ".join((fits or names)[:5]) or "nothing"
            raise FetchError(f"{where} should hold one {pattern}, but {len(fits)} of its files fit; it holds {held}")
        chosen += fits
    return chosen


def unpack(path: Path, patterns: Sequence[str], folder: Path) -> list[Path]:
    """Take the members out of an archive into ``folder``, each under the last part of its name."""
    with opened(path) as archive:
        names = members_of(archive, patterns, path.name)
        sizes = archive.sizes()
        require_room(folder, check_growth(path, sizes, names), f"unpacking {path.name}")
        targets = {name: folder / name.rpartition("/")[2] for name in names}
        if len(set(targets.values())) < len(names):
            raise FetchError(f"{path.name} holds two files of one name: {', '.join(names)}")
        for name in filter(targets.__contains__, sizes):  # as they lie there: going back would unpack all anew
            write_member(archive, name, targets[name], path, sizes[name])
    return [targets[name] for name in names]


def check_growth(path: Path, sizes: Mapping[str, int], names: Iterable[str]) -> int:
    """The bytes that members of an archive unpack to; FetchError for more than weights or pictures grow by."""
    total = sum(sizes[name] for name in names)
    if total > MOST_GROWTH * path.stat().st_size:
        raise FetchError(f"{path.name} says that it unpacks to {total} bytes: it is no archive of weights or pictures")
    return total


def write_member(archive: Archive, name: str, target: Path, path: Path, size: int) -> None:
    """One member of the archive at ``path`` into ``target``, bounded; what says its ``size`` exactly has to keep it."""
    most, written = MOST_GROWTH * path.stat().st_size, 0
    with target.open("xb") as out:
        for chunk in archive.chunks(name):
            written += len(chunk)
            if written > most:
                raise FetchError(f"{name} in {path.name} goes on and on: it is no archive of weights or pictures")
            out.write(chunk)
    if archive.exact and written != size:
        raise FetchError(f"{name} in {path.name} has another size than it says: the archive is damaged")


def _is_litter(name: str) -> bool:
    """What macOS puts beside the files."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith("._")
