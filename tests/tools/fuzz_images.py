"""Mutated pictures must be read or refused by an error of this library: no crash, no hang, no memory without bound.

``python -m tests.tools.fuzz_images --count 1000 --seed 0`` prints the figures and exits 1 on any failure.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter
from functools import cache
from pathlib import Path
from types import FrameType

import numpy as np
import tifffile
from PIL import Image

from attn_i2i.images.deep_png import write_deep
from attn_i2i.images.opening import MAX_PIXELS
from attn_i2i.images.read import read_image
from attn_i2i.types import AttnI2IError

from ..helpers.bombs import grey_png, jpeg_of_scans, png_header

SECONDS = 20  # of processor time for reading; a hundred million pixels take a few
PATIENCE = 15 * SECONDS  # of waiting: a busy machine is no failure
MEMORY = 32 * MAX_PIXELS  # bytes a pixel while a picture of the largest size allowed is read


class HangError(BaseException):
    """A file that took longer than SECONDS; no ``except Exception`` may swallow it."""


@cache
def samples() -> dict[str, bytes]:
    """Small valid files, by name: several modes, compressions and metadata of each format."""
    rng = np.random.default_rng(0)
    files = {}
    for name, image, options in _plain(rng):
        buffer = io.BytesIO()
        ending = name.split(".")[1]
        image.copy().save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(ending, ending), **options)
        files[name] = buffer.getvalue()
    return files | _scientific(rng)


def _plain(rng: np.random.Generator) -> list[tuple[str, Image.Image, dict[str, object]]]:
    """Names, pictures that Pillow writes, and how it shall write them."""
    photo = Image.fromarray(rng.integers(0, 256, (48, 40, 3), dtype=np.uint8))
    smooth = Image.radial_gradient("L").resize((40, 48))
    rgba = photo.copy()
    rgba.putalpha(smooth)
    deep = Image.fromarray(rng.integers(0, 65536, (48, 40), dtype=np.uint16))
    real = Image.fromarray(rng.random((48, 40), dtype=np.float32))
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        ("rgb.png", photo, {"exif": exif}),
        ("rgba.png", rgba, {}),
        ("palette.png", photo.quantize(16), {"transparency": 3}),
        ("deep.png", deep, {}),
        ("bits.png", smooth.convert("1"), {}),
        ("animated.png", photo, {"save_all": True, "append_images": [photo.rotate(9)]}),
        ("rgb.jpg", photo, {"exif": exif, "icc_profile": b"\0" * 16 + b"RGB " + b"\0" * 108}),
        ("progressive.jpg", photo, {"progressive": True}),
        ("cmyk.jpg", photo.convert("CMYK"), {}),
        ("grey.jpg", smooth, {}),
        ("lossy.webp", rgba, {"exif": exif}),
        ("lossless.webp", photo, {"lossless": True}),
        ("animated.webp", photo, {"save_all": True, "append_images": [photo.rotate(9)]}),
        ("still.gif", photo.quantize(32), {}),
        ("animated.gif", photo, {"save_all": True, "append_images": [photo.rotate(9)]}),
        ("rgb.bmp", photo, {}),
        ("palette.bmp", photo.quantize(16), {}),
        ("rgb.tif", photo, {"compression": "tiff_lzw"}),
        ("deflate.tif", rgba, {"compression": "tiff_adobe_deflate"}),
        ("jpeg.tif", photo, {"compression": "jpeg"}),
        ("float.tif", real, {}),
        ("deep.tif", deep, {}),
        ("pages.tif", photo, {"save_all": True, "append_images": [smooth.copy()]}),
    ]


def _scientific(rng: np.random.Generator) -> dict[str, bytes]:
    """Files of 16 bits and more, of several channels and planes."""
    deep = rng.integers(0, 65536, (5, 48, 40), dtype=np.uint16)
    tiffs: dict[str, tuple[np.ndarray, dict[str, object]]] = {
        "planar.tif": (deep[:3], {"photometric": "rgb", "planarconfig": "separate"}),
        "rgba16.tif": (np.moveaxis(deep[:4], 0, -1), {"photometric": "rgb", "compression": "zlib"}),
        "five.tif": (
            np.moveaxis(deep, 0, -1),
            {"photometric": "minisblack", "compression": "lzw", "planarconfig": "contig"},
        ),
        "imagej.tif": (deep, {"imagej": True, "metadata": {"axes": "CYX"}}),
        "stack.tif": (deep, {"ome": True, "metadata": {"axes": "ZYX"}, "compression": "zlib"}),
        "big.tif": (rng.random((48, 40), dtype=np.float32), {"bigtiff": True, "tile": (16, 16), "compression": "zlib"}),
    }
    files = {}
    for name, (data, options) in tiffs.items():
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, data, **options)
        files[name] = buffer.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        for count in (2, 3, 4):
            path = Path(folder, f"{count}.png")
            write_deep(deep[:count], path, None, None)
            files[f"deep-{count}.png"] = path.read_bytes()
    buffer = io.BytesIO()
    np.save(buffer, np.moveaxis(deep[:3], 0, -1))
    return files | {"array.npy": buffer.getvalue()} | _photos()


def _photos() -> dict[str, bytes]:
    try:
        import pillow_heif
    except ImportError:
        return {}
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.radial_gradient("L").convert("RGB").resize((48, 40))).save(buffer)
    return {"photo.heic": buffer.getvalue()}


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A damaged copy: bits flipped, numbers made extreme, parts cut, repeated, moved or taken from another format."""
    result = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(result)) if rng.random() < 0.7 else rng.randrange(min(len(result), 96))
        kind = rng.randrange(6)
        if kind == 0:
            result[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            extreme = rng.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\0\0", b"\0\1"))
            result[at : at + len(extreme)] = extreme
        elif kind == 2:
            del result[at:]
        elif kind == 3:
            del result[at : at + rng.randrange(1, 64)]
        elif kind == 4:
            result[at:at] = bytes(result[at : at + rng.randrange(1, 64)]) * rng.randrange(1, 8)
        else:
            other = rng.choice(list(samples().values()))
            start = rng.randrange(len(other))
            result[at : at + 32] = other[start : start + 32]
        if not result:
            return b""
    return with_checksums(bytes(result)) if rng.random() < 0.7 else bytes(result)


def with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have correct checksums again, so that the damage reaches the decoder; others as they are."""
    if not data.startswith(b"\x89PNG"):
        return data
    result, at = bytearray(data), 8
    while at + 12 <= len(result):
        end = at + 8 + int.from_bytes(result[at : at + 4], "big")
        if end + 4 > len(result):
            break
        result[end : end + 4] = zlib.crc32(result[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(result)


def attacks() -> dict[str, bytes]:
    """Files made to cost much: few bytes, and many pixels, rows, scans or frames."""
    many = Image.new("L", (64, 64))
    buffer = io.BytesIO()
    many.save(buffer, "GIF", save_all=True, append_images=[Image.new("L", (64, 64), i % 256) for i in range(2000)])
    return {
        "bits.png": grey_png(9900, 9900),
        "tall.png": grey_png(1, 100_000_000, 8),
        "wide.png": grey_png(100_000_000, 1, 8),
        "huge.png": png_header(60_000, 60_000),
        "scans.jpg": jpeg_of_scans(2000, 5000),
        "scans.tif": jpeg_of_scans(2000, 5000, "TIFF"),
        "some-scans.jpg": jpeg_of_scans(9900, 9),
        "frames.gif": buffer.getvalue(),
    }


class Fuzzer:
    """Writes mutated files into ``folder`` and reads them; what read_image should never do ends the run."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.rng = random.Random(seed)
        self.slowest = 0.0

    def run(self, count: int) -> Counter[str]:
        """Figures: how many files were read, and how many refused."""
        previous = signal.signal(signal.SIGALRM, _hang)
        signal.signal(signal.SIGPROF, _hang)
        try:
            return Counter(self._one() for _ in range(count))
        finally:
            signal.signal(signal.SIGALRM, previous)

    def run_attacks(self) -> Counter[str]:
        """Figures of the files made to cost much, and of what is no regular file."""
        previous = signal.signal(signal.SIGALRM, _hang)
        signal.signal(signal.SIGPROF, _hang)
        os.mkfifo(self.folder / "pipe.png")
        (self.folder / "zero.png").symlink_to("/dev/zero")
        try:
            figures = Counter(self._read(name, data) for name, data in attacks().items())
            return figures + Counter(self._read(name, None) for name in ("pipe.png", "zero.png"))
        finally:
            signal.signal(signal.SIGALRM, previous)

    def _one(self) -> str:
        name = self.rng.choice(list(samples()))
        return self._read(name, mutate(samples()[name], self.rng))

    def _read(self, name: str, data: bytes | None) -> str:
        path = self.folder / name
        if data is not None:
            path.write_bytes(data)
        start = time.perf_counter()
        signal.alarm(PATIENCE)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                picture = read_image(path, range="dtype")
            if not (picture.values.ndim == 3 and picture.values.isfinite().all() and picture.pil()):
                raise AssertionError(f"{path} was read as {tuple(picture.values.shape)} of {picture.dtype}")
        except AttnI2IError as error:
            if name not in str(error) or "\n" in str(error):
                raise AssertionError(f"the message does not name the file in one line: {error}") from error
            return "refused"
        finally:
            signal.alarm(0)
            signal.setitimer(signal.ITIMER_PROF, 0)
            self.slowest = max(self.slowest, time.perf_counter() - start)
        return "read"


def _hang(signum: int, frame: FrameType | None) -> None:
    raise HangError(f"a file took longer than {SECONDS} s of processor time, or {PATIENCE} s in all")


def main() -> int:
    """Run and print figures; 1 when a file did what it should not, which is then kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fuzz-images-"))
    fuzzer = Fuzzer(folder, arguments.seed)
    for path in _written(folder):  # what decoders need to start does not count as growth
        if "animated" not in path.name and "pages" not in path.name:
            read_image(path)
    before = _peak()
    start = time.perf_counter()
    try:
        attacked = fuzzer.run_attacks()
        print(f"{attacked.total()} attacks: {attacked['read']} read, {attacked['refused']} refused")
        figures = fuzzer.run(arguments.count)
    except (Exception, HangError) as error:
        print(f"FAILED: {type(error).__name__}: {error}\nthe file is kept in {folder}")
        return 1
    grown = _peak() - before
    print(
        f"{arguments.count} mutated pictures (seed {arguments.seed}): {figures['read']} read, {figures['refused']}"
        f" refused, 0 other errors, 0 hangs; slowest {fuzzer.slowest:.2f} s, {time.perf_counter() - start:.0f} s in"
        f" all, peak memory grew by {grown / 2**20:.0f} MiB"
    )
    return int(grown > MEMORY)


def _written(folder: Path) -> list[Path]:
    for name, data in samples().items():
        (folder / name).write_bytes(data)
    return sorted(folder.iterdir())


def _peak() -> int:
    """Largest resident memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    sys.exit(main())
