"""What a file is, by its content: a kind of checkpoint, or one line about what it is instead."""

from __future__ import annotations

import re
import stat
import struct
import tarfile
from pathlib import Path
from typing import Literal, TypeAlias

from ...types import UnreadableFileError
from .paths import one_line
from .tensorflow import TABLE_MAGIC

FileKind: TypeAlias = Literal["zip", "pickle", "tar", "tensorflow", "safetensors"]

_HEAD = 4096  # bytes that tell the format
_DOWNLOAD = "download it again, and compare its size with the publisher's"
_ADDRESS = "download it again, by the address of the file and with leave to read it"
_UNPACK = "unpack it first and give the file inside"
_PICKLE = re.compile(rb"\x80[\x00-\x05]|L119547037146038801333356L|\(dp|\(lp|[}\]]q|c[A-Za-z_][\w.]*\n[A-Za-z_]")
_DATA_FILE = re.compile(r"\.data-\d{5}-of-\d{5}$")

# How files begin that are no checkpoints, what they are, and what to do.
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer instead of the weights", "run `git lfs pull` or download it again"),
    (b"\x1f\x8b", "a gzip archive (.gz, .tar.gz)", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras)", "convert takes PyTorch, TensorFlow 1 and safetensors checkpoints"),
    (b"\x93NUMPY", "a single NumPy array", "convert takes PyTorch, TensorFlow 1 and safetensors checkpoints"),
    (b"\x89PNG", "a PNG picture", "give the checkpoint instead"),
    (b"\xff\xd8\xff", "a JPEG picture", "give the checkpoint instead"),
    (b"%PDF", "a PDF document", "give the checkpoint instead"),
    (b"GGUF", "a GGUF file", "convert takes PyTorch, TensorFlow 1 and safetensors checkpoints"),
)


def sniff(path: Path) -> FileKind:
    """The kind of checkpoint in a file; raises UnreadableFileError with what it is instead and what to do."""
    size, head, tail = _ends(path)
    if size == 0:
        raise unreadable(path, "an empty file", _DOWNLOAD)
    kind = _checkpoint(size, head, tail)
    if kind is None:
        raise unreadable(path, *(_foreign(head) or _named(path)))
    return kind


def unreadable(path: Path, content: str, advice: str) -> UnreadableFileError:
    """The error for a file that cannot be read: one line, whatever the path is called."""
    return UnreadableFileError(f"{one_line(path)} is not readable: found {content}; {advice}.")


def is_checkpoint(path: Path) -> bool:
    """Whether the content looks like some kind of checkpoint, as far as a glance tells."""
    return _checkpoint(*_ends(path)) is not None


def _ends(path: Path) -> tuple[int, bytes, bytes]:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UnreadableFileError(f"{one_line(path)} is a folder; give one of the files inside.")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFileError(f"{one_line(path)} is not an ordinary file; copy its content into one first.")
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
            stream.seek(max(0, status.st_size - 8))
            return status.st_size, head, stream.read(8)
    except FileNotFoundError:
        raise UnreadableFileError(f"{one_line(path)} does not exist; check the path.") from None
    except UnreadableFileError:  # a ValueError, too
        raise
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{one_line(path)} cannot be opened: {getattr(error, 'strerror', error)}.") from error


def _checkpoint(size: int, head: bytes, tail: bytes) -> FileKind | None:
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return "zip"
    if len(tail) == 8 and struct.unpack("<Q", tail)[0] == TABLE_MAGIC:
        return "tensorflow"
    if len(head) > 8 and head[8:9] == b"{" and 2 <= struct.unpack("<Q", head[:8])[0] < 2**32:
        return "safetensors"
    if _PICKLE.match(head):
        return "pickle"
    return "tar" if _is_tar(head) else None


def _is_tar(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _foreign(head: bytes) -> tuple[str, str] | None:
    for magic, content, advice in _FOREIGN:
        if head.startswith(magic):
            return content, advice
    return _text(head) or _protocol_buffer(head)


def _text(head: bytes) -> tuple[str, str] | None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if re.match(rb"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!doctype html|html|head|body|script)", start, re.DOTALL):
        advice = "the download link is dead or asks to confirm; open it in a browser"
        return "a web page (HTML) instead of the weights", advice
    try:
        text = head[: len(head) - 4 if len(head) == _HEAD else None].decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not all(char.isprintable() or char in "\t\r\n" for char in text):
        return None
    if re.match(rb"""(<\?xml[^>]*>\s*)?<error|\{\s*["'](message|error|detail|code|status)["']""", start):
        answer = " ".join(text.split())[:60]
        return f"what a server answered instead of the weights ({answer!a})", _ADDRESS
    if start[:1] in (b"{", b"["):
        return "JSON text", "give the weights, not their description"
    return f"text ({text.strip()[:40]!a})", "the download may have failed; give the weights themselves"


def _protocol_buffer(head: bytes) -> tuple[str, str] | None:
    """TensorFlow's graphs and ONNX begin with tell-tale fields."""
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite model", "give the training checkpoint (.index and .data files)"
    if head[:1] == b"\x08" and len(head) > 2:
        if head[1] == 1 and head[2] == 0x12:
            return "a TensorFlow SavedModel graph", "give its variables/variables.index"
        if head[1] < 64 and head[2] in (0x12, 0x1A, 0x3A, 0x42):
            return "an ONNX model", "give the checkpoint it was exported from"
    if head[:1] == b"\x0a" and len(head) > 2:
        inner = head[1:12].lstrip(bytes(range(128, 256)))[1:]
        if inner[:1] == b"\x0a":
            if re.match(rb"\x0a.[\x20-\x7e]+\x12.[A-Za-z]\w*", head[head.index(inner, 1) :], re.DOTALL):
                return "a frozen TensorFlow graph (.pb)", "give the training checkpoint (.index and .data files)"
            return "a TensorFlow graph description (.meta)", "give the .index file beside it"
        if inner[:1] == b"\x12":
            return "a TensorFlow graph description (.meta)", "give the .index file beside it"
    return None


def _named(path: Path) -> tuple[str, str]:
    """Bytes without any mark; only the name is left to go by."""
    if _DATA_FILE.search(path.name):
        return "the data of a TensorFlow checkpoint", "give the .index file, or the prefix that both names begin with"
    if path.suffix == ".index":
        return "a TensorFlow index that is cut off or damaged", _DOWNLOAD
    return "bytes of no known checkpoint format", _DOWNLOAD + "; PyTorch, TensorFlow 1 and safetensors files are read"
