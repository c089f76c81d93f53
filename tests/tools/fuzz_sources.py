"""Sources that lie: ``python -m tests.tools.fuzz_sources --count 500 --seed 0``.

Each case serves a small model from one kind of place on loopback, in which something is wrong: an answer, a header, a
listing, a page, an archive, the index of a TensorFlow bundle, or what an earlier process left in the store. Archives
are damaged behind the card's hash, so that nothing but their own structure protects. Held in every case: the model
comes, or one of the library's own errors in one line; no model folder is left where none came; nothing is written
outside the store; a case ends within half a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tarfile
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest

from attn_i2i.hub.sources import fetch_model, wrapped_zip
from attn_i2i.hub.sources.bundle import PartialBundle
from attn_i2i.models.card import Card
from attn_i2i.types import AttnI2IError

from ..helpers.archives import tarred, zipped
from ..helpers.archives import wrapped_zip as write_wrapped
from ..helpers.fakesources import DRIVE_FORM, FakeSources, Served
from ..helpers.sources import CHECKPOINT, bare, card, source, stand_in
from ..helpers.stand_ins import _bundle as release
from .mutations import flip, length, splice, table, truncate, zip_header

SECONDS = 30  # longer than any case needs on a busy machine, and shorter than patience
VALUES = [None, True, -1, 1.5, 2**70, "", "x", "../x", "file:///etc/passwd", "http://127.0.0.1:9/x", [], {}, [[]], "\0"]
HEADERS = {
    "Content-Range": ["", "bytes", "bytes 0-1/2", "bytes 5-1/0", "bytes 0-9/*", f"bytes 0-{'9' * 40}/{'9' * 40}"],
    "Content-Encoding": ["gzip", "br", "identity"],
    "Content-Length": ["-1", "x", "9" * 40, "1"],
    "Transfer-Encoding": ["chunked", "gzip"],
    "Location": ["", "//", "/net.zip", "ftp://a/x", "http://[::1", "http://127.0.0.1:0/", "javascript:0"],
    "Retry-After": ["soon", "-1", "9" * 99],
}
NAMES = [
    "/net.pth",
    "../net.pth",
    "a/../../net.pth",
    "C:\\net.pth",
    "net.pth\0.txt",
    "n" * 3000 + "/net.pth",
    "net.pth/",
]


def archive(dice: random.Random, canary: Path) -> bytes:
    """A zip or tar of the model that leads elsewhere, holds names twice, or is damaged."""
    files = {"deep/net.pth": CHECKPOINT, "readme": b"x" * 900}
    if dice.random() < 0.4:
        files = {dice.choice(NAMES): CHECKPOINT, **files}
    kind = dice.randrange(4)
    if kind == 0:
        return _damaged(zipped(files), dice, canary)
    if kind == 1:
        return _damaged(write_wrapped(files, wrapped_zip.WRAP), dice, canary)
    if kind == 2:
        return _damaged(_linked(dice, canary), dice, canary)
    return _damaged(tarred(files, dice.choice(["w", "w:gz", "w:bz2"])), dice, canary)


def _linked(dice: random.Random, canary: Path) -> bytes:
    """A tar with links, devices and doubled names beside, or in place of, the model."""
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode=dice.choice(["w", "w:gz"])) as packed:
        for _ in range(dice.randint(1, 4)):
            info = tarfile.TarInfo(dice.choice(["net.pth", "deep/net.pth", str(canary), *NAMES[1:3]]))
            info.type = dice.choice(
                [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.REGTYPE, tarfile.CHRTYPE]
            )
            info.linkname = dice.choice([str(canary), "/etc/passwd", "net.pth", ".."])
            body = CHECKPOINT if info.type == tarfile.REGTYPE else b""
            info.size = len(body)
            packed.addfile(info, BytesIO(body))
    return stream.getvalue()


def _damaged(body: bytes, dice: random.Random, canary: Path) -> bytes:
    if dice.random() < 0.3:
        return body
    change = dice.choice([flip, truncate, splice, length, *[zip_header] * (body[:2] == b"PK")])
    return change(body, dice, canary)


def archives(places: FakeSources, dice: random.Random, canary: Path) -> Card:
    body = archive(dice, canary)
    return card(source("http", places.put("/net.zip", body), sums={"net.zip": body}, members=("net.pth",)))


def answers(places: FakeSources, dice: random.Random, canary: Path) -> Card:
    """The right file behind answers that break off, lie about lengths, change, or lead in circles."""
    one = card(bare(places))
    served = places.files["/model.pth"]
    served.drops = [dice.randrange(len(CHECKPOINT)) for _ in range(dice.choice([0, 1, 3]))]
    served.etag = dice.choice(["auto", None, 'W/"a"', '"', "x" * 5000])
    served.ranges, served.no_length = dice.random() < 0.8, dice.random() < 0.2
    served.length = dice.choice([None, None, 0, 1, len(CHECKPOINT) * 2, 2**63])
    served.status = dice.choice([200, 200, 200, 204, 206, 301, 302, 304, 307, 401, 404, 416, 429, 500, 503, 599])
    for name in dice.sample(sorted(HEADERS), dice.choice([0, 1, 2])):
        served.headers[name] = dice.choice(HEADERS[name])
    return one


def listings(places: FakeSources, dice: random.Random, canary: Path) -> Card:
    """Zenodo's and the package index' listings with values of other types, or damaged."""
    body = zipped({"net.pth": CHECKPOINT})
    if dice.random() < 0.5:
        places.record("12", {"net.zip": body})
        one, page = card(source("zenodo", "12", files=("net.zip",), members=("net.pth",))), "/api/records/12"
    else:
        places.project("net", "net.whl", body)
        one = card(source("index", "net==1", sums={"net.whl": body}, files=("net.whl",), members=("net.pth",)))
        page = "/simple/net/"
    served = places.files[page]
    if dice.random() < 0.3:
        served.body = dice.choice([flip, truncate, splice])(served.body, dice, canary)
        return one
    listing = json.loads(served.body)
    where = dice.choice([listing, listing["files"], listing["files"][0]])
    key = dice.randrange(len(where)) if isinstance(where, list) else dice.choice(list(where))
    where[key] = dice.choice(VALUES)
    served.body = json.dumps(listing).encode()
    return one


def pages(places: FakeSources, dice: random.Random, canary: Path) -> Card:
    """Google Drive's form, damaged or leading elsewhere."""
    places.form("0123456789", "net.zip", zipped({"net.pth": CHECKPOINT}))
    served = places.files["/uc?export=download&id=0123456789"]
    action = dice.choice([places.url + "/download/0123456789", *HEADERS["Location"], "http://localhost:9/x"])
    text = DRIVE_FORM.format(action=action, name="net.zip").encode()
    served.body = text if dice.random() < 0.4 else dice.choice([flip, truncate, splice])(text, dice, canary)
    return card(source("drive", "0123456789", files=("net.zip",), members=("net.pth",)))


def leftovers(places: FakeSources, dice: random.Random, canary: Path) -> Card:
    """What an earlier process, or somebody else, left in the store: parts, notes, links, folders."""
    one = card(bare(places, drops=[1000, 2000, 0, 0, 0, 0, 0, 0, 0, 0]))
    with pytest.raises(AttnI2IError):
        fetch_model(one)
    store = Path(os.environ["ATTN_I2I_HOME"])
    places.files["/model.pth"].drops = []
    for path in [path for path in store.rglob("*") if path.is_file()]:
        kind = dice.randrange(5)
        if kind == 0:
            path.write_bytes(
                dice.choice([b"", b"\xff" * 99, b"[]", b"null", b'{"files": 1, "validator": [1]}', CHECKPOINT * 2])
            )
        elif kind == 1:
            path.unlink()
            path.symlink_to(canary)
        elif kind == 2:
            path.unlink()
            path.mkdir()
    return one


@cache
def _release() -> tuple[bytes, bytes]:
    return release()


def bundle(dice: random.Random, work: Path) -> None:
    """The index of a bundle, damaged behind its own checksums: offsets outside, overlapping, huge, other shapes."""
    index, data = _release()
    (work / "x.index").write_bytes(
        table(index, dice, work / "canary") if dice.random() < 0.8 else flip(index, dice, work)
    )
    part = PartialBundle(work / f"{dice.random()}", work / "x.index", len(data), ["generator_B/"])
    for run in part.missing():
        list(part.fill(run, [data[run.start : run.end]]))


KINDS: list[Callable[[FakeSources, random.Random, Path], Card]] = [
    archives,
    archives,
    answers,
    listings,
    pages,
    leftovers,
]


def one_case(places: FakeSources, dice: random.Random, work: Path) -> str:
    """The kind of case, and "came" or the error's name."""
    store, canary = work / "store", work / "canary"
    os.environ["ATTN_I2I_HOME"] = str(store)
    places.files = {"/loop": Served(status=302, headers={"Location": "/loop"})}
    kind = dice.choice([*KINDS, bundle])
    name = kind.__name__
    try:
        if kind is bundle:
            bundle(dice, work)
            return f"{name}: came"
        one = kind(places, dice, canary)  # type: ignore[call-arg, arg-type]
        folder = fetch_model(one, fetch=True)
    except AttnI2IError as error:
        if "\n" in str(error) or (kind is not bundle and (store / one.name).exists()):
            raise AssertionError("more than one line, or a model that is none") from error
        return f"{name}: {type(error).__name__}"
    finally:
        assert not canary.exists(), "written outside the store"
    assert (folder / "A2B.safetensors").is_file()
    return f"{name}: came"


def main() -> None:
    """Run the cases and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    outcomes, start = Counter[str](), time.monotonic()
    warnings.simplefilter("ignore")
    patches = pytest.MonkeyPatch()
    with FakeSources() as places:
        stand_in(places, patches)
        patches.setattr(wrapped_zip, "WRAP", 2**14)
        for number in range(asked.count):
            dice = random.Random(f"{asked.seed} {number}")
            signal.alarm(SECONDS)
            with tempfile.TemporaryDirectory() as folder:
                try:
                    outcomes[one_case(places, dice, Path(folder))] += 1
                except BaseException:
                    sys.stderr.write(f"case {number} of seed {asked.seed}\n")
                    raise
    signal.alarm(0)
    told = ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items()))
    sys.stdout.write(f"{asked.count} cases, {time.monotonic() - start:.0f} s: {told}\n")


if __name__ == "__main__":
    main()
