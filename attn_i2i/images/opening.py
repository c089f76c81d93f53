"""Files opened as Pillow images: regular files only, of bounded size and decoding time, and nothing global changed."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from PIL import Image

from ..devices import is_shortage
from ..types import AttnI2IError, UnreadableFileError
from .foreign import HEAD_BYTES, looks_like
from .formats import READABLE

MAX_PIXELS = 100_000_000  # a choice: 1.2 GB as float32 in colours; callers may raise it
# Decoders keep a pointer a row, and networks pad: no camera, scanner or microscope makes a longer side.
MAX_SIDE = 1_000_000
# A scan of a progressive JPEG costs a few bytes in the file and a pass over all pixels; encoders make 5 to 12.
MAX_SCANS = 15
COMPRESSION, JPEG_IN_TIFF = 259, (6, 7)  # the tag, and what it says of JPEG data


class TooMuchError(UnreadableFileError):
    """A file that would take more pixels, or more time, than a picture may."""


@contextmanager
def opened_file(path: Path) -> Iterator[IO[bytes]]:
    """A regular file, opened for reading; raises UnreadableFileError for all else, without waiting for it.

    A pipe would block until somebody writes, and a device such as /dev/zero never ends.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise UnreadableFileError(f"{path}: no such file.") from None
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise UnreadableFileError(f"{path} is no regular file: copy its content to one first.") from error
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        _check_regular(os.fstat(descriptor).st_mode, path)
    except UnreadableFileError:
        os.close(descriptor)
        raise
    with open(path, "rb", opener=lambda name, flags: descriptor) as file:
        yield file


@contextmanager
def named_errors(label: str) -> Iterator[None]:
    """Errors of this library get ``label`` before them, and all others become one of them."""
    try:
        yield
    except Warning:
        raise  # a caller's filter made it an error
    except AttnI2IError as error:
        if label in str(error):
            raise
        raise type(error)(f"{label}: {error}") from error
    except Exception as error:  # damaged files are answered with nearly every exception there is
        if is_shortage(error):
            raise UnreadableFileError(f"{label} does not fit into the memory that is free: reduce it.") from error
        text = " ".join(str(error).split())
        raise UnreadableFileError(f"{label} is damaged or cut short: {text or type(error).__name__}.") from error


def _check_regular(mode: int, path: Path) -> None:
    if stat.S_ISDIR(mode):
        raise UnreadableFileError(f"{path} is a folder: give a picture file.")
    if not stat.S_ISREG(mode):
        raise UnreadableFileError(f"{path} is no regular file: copy its content to one first.")


def open_image(file: IO[bytes], label: str, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The Pillow image in a stream, header read, pixels not; raises UnreadableFileError, which starts with ``label``.

    This is ``Image.open`` without Pillow's own limit, which is a global and warns of what ``max_pixels`` allows.
    """
    head = file.read(HEAD_BYTES)
    for factory in _factories(head):
        file.seek(0)
        try:
            image = factory(file, "")
        except (SyntaxError, IndexError, TypeError, struct.error):
            continue  # no such file after all: another format may share its first bytes
        check_size(image.size, label, max_pixels)
        _check_scans(image, file, label, max_pixels)
        return image
    raise UnreadableFileError(f"{label} is {looks_like(head, label)}.")


def check_size(size: tuple[int, int], label: str, max_pixels: int) -> None:
    """Raise UnreadableFileError for a picture (width, height) of more than ``max_pixels``, or of an absurd side."""
    pixels = size[0] * size[1]
    if pixels > max_pixels:
        raise TooMuchError(
            f"{label} has {size[0]}x{size[1]} pixels, more than the limit of {max_pixels / 1e6:g} million: reduce it,"
            " or raise the limit (max_pixels)."
        )
    if max(size) > MAX_SIDE:
        raise TooMuchError(f"{label} has {size[0]}x{size[1]} pixels: at most {MAX_SIDE} a side are read, so cut it.")


def _factories(head: bytes) -> Iterator[Callable[[IO[bytes], str], Image.Image]]:
    Image.init()
    for name in READABLE:
        factory, accepts = Image.OPEN.get(name, (None, None))
        if factory is not None and accepts is not None and accepts(head[:16]) is True:  # text says why it cannot
            yield factory


def _check_scans(image: Image.Image, file: IO[bytes], label: str, max_pixels: int) -> None:
    """Refuse JPEG data of so many scans over so many pixels that decoding would take minutes."""
    strips = len(getattr(image, "tile", ())) or 1
    if image.format == "TIFF":
        if getattr(image, "tag_v2", {}).get(COMPRESSION) not in JPEG_IN_TIFF:
            return
    elif image.format not in ("JPEG", "MPO"):
        return
    position = file.tell()
    file.seek(0)
    content = file.read()
    file.seek(position)
    scans = content.count(b"\xff\xda")  # within compressed data a zero byte would follow each ff
    if scans / strips * image.width * image.height > MAX_SCANS * max(max_pixels, MAX_PIXELS):
        raise TooMuchError(f"{label} has {scans} scans of {image.width}x{image.height} pixels: save it anew.")
