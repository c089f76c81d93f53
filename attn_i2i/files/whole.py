"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..types import AttnI2IError, UnreadableFileError
from .swapping import cut, held, is_mount_point, remove, short_name, swap_in, sweep

if TYPE_CHECKING:
    from torch import Tensor

METADATA_KEY = "attn_i2i"  # the one key of a safetensors file: two keys would be written in either order
NEARLY_FULL_BYTES = 2**20  # what is left on a disk that PyTorch could write no further to; it writes a megabyte at once
SMALL_BYTES = 2**24  # of a configuration or a list of sums: the largest one seen has some kilobytes
LONGEST_NAME = 255  # bytes, on every usual file system


class TargetExistsError(AttnI2IError, FileExistsError):
    """A file or folder that would be overwritten although nobody asked for it."""


class DiskFullError(AttnI2IError, OSError):
    """A disk with too little room for what should be written."""


class WriteError(AttnI2IError, OSError):
    """A file or folder that the system does not let this process write."""


@contextmanager
def atomic_path(target: str | os.PathLike[str], *, force: bool = False, size: int | None = None) -> Iterator[Path]:
    """A temporary path beside ``target`` to write to; it becomes ``target`` when the block ends without an error.

    ``size`` is what will be written, in bytes, where known: a full disk can then name what is missing. Raises
    TargetExistsError when ``target`` exists and ``force`` is off, DiskFullError when the disk is full, and WriteError
    where the system refuses for another reason.
    """
    target = Path(target)
    temporary = _sibling(target, "tmp")
    with _explained(target, temporary, size) as progress:
        check_target(target, force=force)
        try:
            temporary.touch(exist_ok=False)
            mode = temporary.stat().st_mode & 0o777
            with held(temporary):
                yield temporary
                _sync(temporary)
                temporary.chmod(mode)  # some writers replace the file by one that only its owner may read
                check_target(target, force=force)
                temporary.replace(target)
            progress.append(target)
        finally:
            temporary.unlink(missing_ok=True)
        _sync(target.parent)


@contextmanager
def atomic_dir(target: str | os.PathLike[str], *, force: bool = False, carry: bool = False) -> Iterator[Path]:
    """A temporary folder beside ``target`` to fill; it becomes ``target`` when the block ends without an error.

    An empty folder counts as absent. With ``force`` the old folder is exchanged for the new one, in one step if the
    system can, then removed. With ``carry`` the old folder's entries whose names the new one does not have are copied
    over before. What a killed process left of an earlier try is mended or removed first. Raises as ``atomic_path``
    does.
    """
    target = Path.cwd() / target
    temporary = _sibling(target, "tmp")
    with _explained(target, temporary, None) as progress:
        sweep(target)
        check_target(target, force=force, folder=True)
        try:
            temporary.mkdir()
            with held(temporary):
                yield temporary
                if carry and target.is_dir():
                    _carry_over(target, temporary)
                for folder, _, names in os.walk(temporary):
                    for name in names:
                        if not Path(folder, name).is_symlink():
                            _sync(Path(folder, name))
                    _sync(Path(folder))
                check_target(target, force=force, folder=True)
                swap_in(temporary, target, _sibling(target, "old"))
            progress.append(target)
        finally:
            with suppress(OSError):
                remove(temporary)
        _sync(target.parent)


def check_target(target: str | os.PathLike[str], *, force: bool = False, folder: bool = False) -> None:
    """Raise what ``atomic_path``, or for a ``folder`` ``atomic_dir``, would raise for this target before any work."""
    target = Path(target)
    if not target.parent.is_dir():
        raise AttnI2IError(f"{target} cannot be written: the folder {target.parent} does not exist: create it first.")
    if folder and target.is_dir() and Path.cwd().is_relative_to(target.resolve()):
        raise TargetExistsError(
            f"{target} holds the current working folder and is not replaced: choose another name, or a folder inside it"
            f" ({target / 'model'})."
        )
    if folder and target.is_dir() and is_mount_point(target):
        raise TargetExistsError(
            f"{target} is a mount point, which cannot be replaced: choose a folder inside it ({target / 'model'})."
        )
    if folder and target.is_dir() and not target.is_symlink() and not any(target.iterdir()):
        return
    if target.is_dir() != folder and os.path.lexists(target):
        kind, wanted = ("a folder", "file") if target.is_dir() else ("a file", "folder")
        raise TargetExistsError(f"{target} is {kind}: choose another name for the {wanted}.")
    if not force and os.path.lexists(target):
        raise TargetExistsError(f"{target} exists already: choose another name, or overwrite it with force=True.")


def sha256(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def open_regular(path: str | os.PathLike[str], *, links: bool = True) -> io.BufferedReader:
    """A regular file opened to read; a pipe or a device, and without ``links`` a symbolic link, is refused unread.

    Raises UnreadableFileError, and OSError as ``open`` does.
    """
    if not links and Path(path).is_symlink():
        raise UnreadableFileError(f"{path} is a symbolic link")
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # a pipe without a writer would block
    descriptor = os.open(path, flags | (0 if links else getattr(os, "O_NOFOLLOW", 0)) | getattr(os, "O_BINARY", 0))
    stream = open(descriptor, "rb")  # noqa: PTH123, SIM115
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        stream.close()
        raise UnreadableFileError(f"{path} is not a regular file")
    return stream


def read_small(path: str | os.PathLike[str], most: int = SMALL_BYTES, *, links: bool = True) -> bytes:
    """The bytes of a regular file of at most ``most`` bytes; a larger one is refused unread.

    Raises as ``open_regular`` does.
    """
    with open_regular(path, links=links) as stream:
        status = os.fstat(stream.fileno())
        if status.st_size > most:
            raise UnreadableFileError(
                f"{path} has {status.st_size} bytes, more than the {most} that such a file may have"
            )
        return stream.read(most)


def save_safetensors(
    tensors: Mapping[str, Tensor],
    path: str | os.PathLike[str],
    metadata: Mapping[str, object] | None = None,
    *,
    force: bool = False,
) -> None:
    """Write tensors to a safetensors file: the same tensors and metadata give the same bytes.

    ``metadata`` is stored as canonical JSON under the one key "attn_i2i", because with two keys their order would
    change from run to run. Raises as ``atomic_path`` does.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    seen: set[int] = set()
    ready: dict[str, Tensor] = {}
    for name, tensor in sorted(tensors.items()):
        tensor = tensor.detach().cpu().contiguous()
        pointer = tensor.untyped_storage().data_ptr()
        ready[name] = tensor.clone() if pointer in seen else tensor
        seen.add(pointer)
    note = None if metadata is None else {METADATA_KEY: canonical_json(metadata)}
    size = sum(tensor.numel() * tensor.element_size() for tensor in ready.values())
    with atomic_path(path, force=force, size=size) as temporary:
        try:
            save_file(ready, temporary, note)
        except SafetensorError as error:
            code = errno.ENOSPC if f"os error {errno.ENOSPC}" in str(error) else errno.EIO
            raise OSError(code, str(error), str(path)) from error


def append_text(path: str | os.PathLike[str], text: str) -> None:
    """Add ``text`` to the end of a file, the whole of it or nothing. Raises DiskFullError and WriteError."""
    path, data = Path(path), text.encode()
    with _explained(path, path, len(data)), path.open("ab", buffering=0) as file:
        before = file.tell()
        try:
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        except BaseException:
            os.truncate(path, before)
            raise


def canonical_json(value: Mapping[str, object]) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fitting_name(stem: str, ending: str) -> str:
    """``stem`` and ``ending`` as a file name; a stem too long for file systems is cut, and a digest keeps it apart."""
    if len(os.fsencode(stem + ending)) <= LONGEST_NAME:
        return stem + ending
    digest = hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]
    return f"{cut(stem, LONGEST_NAME - len(os.fsencode(ending)) - 9)}~{digest}{ending}"


def _sibling(target: Path, ending: str) -> Path:
    return target.with_name(f".{short_name(target.name)}.{secrets.token_hex(4)}.{ending}")


def _sync(path: Path) -> None:
    """Ask the system to put a file, or the names in a folder, on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # a folder cannot be opened there
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _carry_over(old: Path, new: Path) -> None:
    """Copies, not renames: whatever interrupts this, the old folder still has what was put into it."""
    for entry in old.iterdir():
        if os.path.lexists(new / entry.name):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, new / entry.name, symlinks=True)
        elif entry.is_symlink() or entry.is_file():  # a pipe or a socket has nothing to copy
            shutil.copy2(entry, new / entry.name, follow_symlinks=False)


@contextmanager
def _explained(target: Path, temporary: Path, size: int | None) -> Iterator[list[Path]]:
    """Turn the system's refusals into one line; yields a list that is empty until ``target`` has been changed."""
    changed: list[Path] = []
    try:
        yield changed
    except (DiskFullError, WriteError) as error:  # of a file within the folder that is being made
        if temporary == target or str(temporary) not in str(error):
            raise
        raise type(error)(str(error).replace(str(temporary), str(target))) from error.__cause__
    except AttnI2IError:
        raise
    except (OSError, RuntimeError) as error:
        unchanged = f"{target.name} was not changed"
        state = f"{target} is written, but may not outlast a power cut" if changed else unchanged
        if is_full(error, target.parent, size):
            raise DiskFullError(
                f"the disk of {target.parent} is full: {target.name} needs {_missing(target, size)}: free some"
                f" space, or choose another folder; {state}."
            ) from error
        if isinstance(error, OSError) and _concerns(error, target, temporary):
            raise WriteError(f"{target} cannot be written ({error.strerror or error}); {state}.") from error
        raise


def is_full(error: BaseException, folder: Path, size: int | None = None) -> bool:
    """Whether an error says that there is no room left; PyTorch says so of its own files in a RuntimeError."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if isinstance(error.__context__, OSError) and is_full(error.__context__, folder):
        return True  # PyTorch gave up closing a file that could not be written
    if not isinstance(error, RuntimeError) or not re.search(
        "PytorchStreamWriter|inline_container|iostream", str(error)
    ):
        return False
    try:
        return shutil.disk_usage(folder).free < max(size or 0, NEARLY_FULL_BYTES)
    except OSError:
        return False


def _missing(target: Path, size: int | None) -> str:
    with suppress(OSError):
        if size is not None and (short := size - shutil.disk_usage(target.parent).free) > 0:
            return f"{short} more bytes"
    return "more room"


def _concerns(error: OSError, target: Path, temporary: Path) -> bool:
    """Whether an error is about the target, its temporary name or their folder, not about what the caller reads."""
    named = [Path(os.fsdecode(name)) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    return any(path in (target, target.parent) or path.is_relative_to(temporary) for path in named)
