"""Reading a picture takes bounded time and memory, and changes nothing that other threads see."""

from __future__ import annotations

import os
import socket
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from attn_i2i.images.opening import MAX_PIXELS, MAX_SIDE
from attn_i2i.images.read import read_image
from attn_i2i.train.data.loading import Encoded, read_resized
from attn_i2i.types import UnreadableFileError

from .helpers.bombs import jpeg_of_scans, png_header
from .helpers.pictures import colours


@pytest.mark.parametrize(
    ("width", "height"), [(10_001, 10_001), (60_000, 60_000), (1, MAX_SIDE + 1), (MAX_SIDE + 1, 2)]
)
def test_sizes_beyond_the_limits_are_refused_by_the_header(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(width, height))
    with pytest.raises(UnreadableFileError, match=rf"bomb\.png has {width}x{height} pixels"):
        read_image(path)


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF"])
def test_jpegs_of_countless_scans_are_refused(tmp_path: Path, format_name: str) -> None:
    few, many = tmp_path / "few.jpg", tmp_path / "many.jpg"
    few.write_bytes(jpeg_of_scans(512, 20, format_name))
    many.write_bytes(jpeg_of_scans(512, 6000, format_name))
    assert read_image(few).size == (512, 512)
    with pytest.raises(UnreadableFileError, match=r"many\.jpg has 600\d scans of 512x512"):
        read_image(many)


def test_only_regular_files_are_read_and_nothing_waits_for_others(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.png"))
    for name in ("pipe.png", "link.png", "s.png"):
        for read in (read_image, lambda path: read_resized(str(path), 8)):
            with pytest.raises(UnreadableFileError, match=rf"{name} is no regular file"):
                read(tmp_path / name)


def test_threads_that_read_leave_warnings_and_pillows_limit_alone(tmp_path: Path) -> None:
    colours().save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    filters, limit = list(warnings.filters), Image.MAX_IMAGE_PIXELS
    seen = set()
    start = threading.Barrier(4)

    def read(index: int) -> None:
        start.wait()
        for _ in range(50):
            read_image(tmp_path / "a.png", max_pixels=MAX_PIXELS * (1 + index))
            read_resized(Encoded("b", data), 4)
            seen.add((len(warnings.filters), Image.MAX_IMAGE_PIXELS))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(4)))
    assert list(warnings.filters) == filters
    assert seen == {(len(filters), limit)}
