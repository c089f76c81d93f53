"""How much memory the large U-GAT-IT takes: ``python -m tests.tools.bundle_memory WORK`` (11 GB of disk, some minutes).

A bundle of the published release's names, shapes and size is written with random weights (8.05 GB, of which the
optimizer's two thirds are holes in the file), and a zip of it as macOS writes one beyond 4 GiB. Each way to a model
runs in a process of its own: ``convert`` of the whole bundle; ``fetch`` by ranges from a server on loopback; ``fetch``
out of the zip, which lies there as if just downloaded. The peak counts pages of mapped files as well.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from attn_i2i.convert import convert, read_checkpoint
from attn_i2i.convert.reader.crc32c import crc32c_array
from attn_i2i.hub.sources import bring, fetch_model
from attn_i2i.hub.sources.download import Remote
from attn_i2i.hub.sources.fetch import workplace
from attn_i2i.hub.sources.hub_files import HubFile
from attn_i2i.models.card import Card
from attn_i2i.models.source import Source

from ..helpers.sources import CASES
from ..helpers.tf_bundle import entry, header, masked, write_table

PREFIX = "UGATIT.model-1000000"
INDEX, DATA, ZIP = f"{PREFIX}.index", f"{PREFIX}.data-00000-of-00001", "release.zip"
TIMES = 16
"""The case in tests/cases has a width of 4, the release one of 64."""
FLATTENED = (64 * 64 * 256, 256)
"""The release's first linear layer takes the whole map at 256 pixels; the case pools it."""
WRAP = 2**32


def shapes() -> dict[str, tuple[int, ...]]:
    """The release's variables but for the optimizer's."""
    told = {}
    for name, tensor in read_checkpoint(CASES / "ugatit_tf_light" / "UGATIT.model-1000.index").items():
        kernel = 2 if tensor.dim() == 4 else 0
        sizes = [s if place < kernel or s in (1, 3) else s * TIMES for place, s in enumerate(tensor.shape)]
        told[name] = FLATTENED if name.endswith("MLP/linear_0/dense/kernel") else tuple(sizes)
    swapped = {"generator_B": "generator_A", "discriminator_A": "discriminator_B"}
    for one, other in swapped.items():
        told |= {n.replace(one, other, 1): shape for n, shape in told.items() if n.startswith(f"{one}/")}
    return told


def write_bundle(folder: Path) -> None:
    """The index and the data, each variable followed by its two slots, whose bytes are not written."""
    block = (np.random.default_rng(0).standard_normal(2**22) * 0.02).astype("float32")
    wanted = shapes()
    names = sorted(name + slot for name in wanted for slot in ("", "/Adam", "/Adam_1"))
    records, place = [(b"", header())], 0
    with (folder / DATA).open("wb") as out:
        for name in names:
            shape = wanted[re.sub("/Adam(_1)?$", "", name)]
            size, checksum = 4 * int(np.prod(shape)), 0
            if name in wanted:
                array = np.resize(block, size // 4)
                checksum = masked(crc32c_array(array.view(np.uint8)))
                out.seek(place)
                out.write(array.data)
            records.append((name.encode(), entry(shape, place, size, checksum)))
            place += size
        out.truncate(place)
    (folder / INDEX).write_bytes(write_table(records))


def write_zip(folder: Path) -> None:
    """Both files as macOS packs them: sizes behind each member, every number modulo 2**32; deflate without effort."""
    directory, place = b"", 0
    with (folder / ZIP).open("wb") as out:
        for name in (INDEX, DATA):
            start, raw = out.tell(), f"checkpoint/{name}".encode()
            out.write(b"PK\3\4" + struct.pack("<HHHHHIIIHH", 20, 8, 8, 0, 0, 0, 0, 0, len(raw), 0) + raw)
            begin, crc, size, engine = out.tell(), 0, 0, zlib.compressobj(0, zlib.DEFLATED, -15)
            with (folder / name).open("rb") as stream:
                while chunk := stream.read(2**22):
                    crc, size = zlib.crc32(chunk, crc), size + len(chunk)
                    out.write(engine.compress(chunk))
            out.write(engine.flush())
            numbers = (crc, (out.tell() - begin) % WRAP, size % WRAP)
            out.write(b"PK\7\x08" + struct.pack("<III", *numbers))
            fields = (20, 20, 8, 8, 0, 0, *numbers, len(raw), 0, 0, 0, 0, 0, start % WRAP)
            directory += b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", *fields) + raw
        place = out.tell() % WRAP
        out.write(directory + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 2, 2, len(directory), place, 0))


class Ranges(SimpleHTTPRequestHandler):
    """Gives the parts of files that are asked for."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        start, end = map(int, re.findall(r"\d+", self.headers["Range"]))
        self.send_response(206)
        self.send_header("Content-Length", str(end + 1 - start))
        self.end_headers()
        with path.open("rb") as stream:
            stream.seek(start)
            for left in range(end + 1 - start, 0, -(2**20)):
                self.wfile.write(stream.read(min(2**20, left)))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def card(*sources: Source) -> Card:
    told = {"architecture": "ugatit", "config": {"release": "tensorflow", "light": False}, "licence": "MIT"}
    return Card("big", "Big", task="a2b", directions={"A2B": "a2b", "B2A": "b2a"}, sources=sources, **told)  # type: ignore[arg-type]


VARIABLES = {"A2B": "generator_B/", "B2A": "generator_A/"}


def by_convert(folder: Path) -> None:
    convert(folder / INDEX, folder / "model")


def by_ranges(folder: Path) -> None:
    """``fetch`` from a stand-in for the Hub, which a server in another process would be."""
    url = sys.argv[3]

    def described(_: Source, name: str) -> HubFile:
        return HubFile(Remote(name, f"{url}/{name}", size=(folder / name).stat().st_size), "0" * 40, "0" * 64)

    def whole(source: Source, name: str, *_: Any) -> tuple[Path, HubFile]:
        return folder / name, described(source, name)

    bring.describe, bring.fetch_hub_file = described, whole
    fetch_model(card(Source("hub", "me/big", (INDEX, DATA), variables=VARIABLES)), fetch=True)


def by_zip(folder: Path) -> None:
    source = Source(
        "dropbox", f"https://www.dropbox.com/s/x/{ZIP}", members=("*.index", "*.data-*"), variables=VARIABLES
    )
    try:
        with workplace("big", source) as place:
            os.link(folder / ZIP, place / ZIP)
            raise KeyboardInterrupt  # so that it stays, as after an interrupt
    except KeyboardInterrupt:
        fetch_model(card(source), fetch=True)


WAYS = {"convert": by_convert, "ranges": by_ranges, "zip": by_zip}


def measured(way: str, folder: Path, url: str) -> str:
    """What one way took, in a process of its own with a fresh model store."""
    for left in ("home", "model"):
        shutil.rmtree(folder / left, ignore_errors=True)
    environment = os.environ | {"ATTN_I2I_HOME": str(folder / "home"), "ATTN_I2I_FETCH": "", "OMP_NUM_THREADS": "1"}
    start = time.monotonic()
    command = [sys.executable, "-W", "ignore", "-m", "tests.tools.bundle_memory", str(folder), way, url]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return f"{way:8} {done.stdout.strip()}, {time.monotonic() - start:.0f} s"


def report() -> str:
    """The peaks of this process and of the largest one that it started, in GB; and the part that is no mapped file."""
    own, child = (
        resource.getrusage(who).ru_maxrss * 1024e-9 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return f"peak {own:.2f} GB, reader beside it {child:.2f} GB"


def lines(folder: Path) -> Iterator[str]:
    """Write what is missing, then measure each way."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ZIP).is_file():
        write_bundle(folder)
        write_zip(folder)
    yield f"{DATA}: {(folder / DATA).stat().st_size / 1e9:.2f} GB, {ZIP}: {(folder / ZIP).stat().st_size / 1e9:.2f} GB"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranges, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    for way in WAYS:
        yield measured(way, folder, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()


def main() -> None:
    """Measure all, or be one of those who are measured."""
    folder = Path(sys.argv[1]).resolve()
    if len(sys.argv) > 2:
        WAYS[sys.argv[2]](folder)
        print(report())
        return
    for line in lines(folder):
        print(line, flush=True)


if __name__ == "__main__":
    main()
