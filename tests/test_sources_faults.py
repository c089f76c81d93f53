"""What a source may answer in place of the file, and what a broken download leaves behind."""

from __future__ import annotations

import errno
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attn_i2i.files import DiskFullError, WriteError
from attn_i2i.hub.sources import FetchError, download, fetch_model
from attn_i2i.hub.sources.errors import redacted
from attn_i2i.hub.sources.ledger import remembered
from attn_i2i.models.places import model_store
from attn_i2i.models.trust import StoreError

from .helpers.fakesources import CAPTIVE, DRIVE_FORM, LOGIN, OTHER, FakeSources
from .helpers.sources import CHECKPOINT, FILE, PARTS, assert_refused, bare, card, litter, served, source

NO_ADDRESS = "http://[::1/net.pth"  # a bracket that is not closed, which urlsplit itself refuses


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (LOGIN, "instead of the file came a login page"),
        (CAPTIVE, "the page of a captive portal"),
        (OTHER, "a web page ('Moved & gone')"),
        ("\ufeff \n<HTML>Nothing", "a web page"),
    ],
)
def test_a_page_in_place_of_the_file_is_named(places: FakeSources, page: str, told: str) -> None:
    body = page.encode()
    one = card(source("dropbox", places.put(f"/{FILE}", body), sums={FILE: CHECKPOINT}, size=len(body)))
    assert told in assert_refused(one)
    assert litter() == []


@pytest.mark.parametrize(
    ("status", "told", "requests"),
    [
        (401, "wants a login (401)", 1),
        (403, "refuses access (403)", 1),
        (404, "not there any more (404)", 1),
        (410, "gone for good (410)", 1),
        (418, "answered 418", 1),
        (429, "try again in 77 seconds", 1),
        (500, "out of order (500)", 3),
        (503, "out of order (503)", 3),
    ],
)
def test_a_refusal_is_named_and_asked_again_where_it_may_pass(
    places: FakeSources, status: int, told: str, requests: int
) -> None:
    one = served(places, status=status, headers={"Retry-After": "77"})
    assert told in assert_refused(one)
    assert len(places.requests) == requests
    assert told in remembered(one.sources[0])["why"]


def test_a_host_that_is_not_there_is_named(places: FakeSources) -> None:
    assert "127.0.0.1 cannot be reached" in assert_refused(
        card(source("http", "http://127.0.0.1:9/x.pth", sums={"x.pth": b""}, size=1))
    )


def test_an_address_is_shown_without_what_is_secret_in_it() -> None:
    assert redacted("https://me:pass@a.org:8443/x/y?key=1#z") == "https://a.org:8443/x/y?..."


@pytest.mark.parametrize(
    ("body", "options", "told"),
    [
        (CHECKPOINT[:-1] + b"?", {}, "has the SHA-256"),
        (CHECKPOINT[:-1], {}, "was not downloaded"),
        (CHECKPOINT + b"more", {"no_length": True}, "goes on beyond its"),
        (CHECKPOINT[:-5], {"no_length": True}, "bytes, expected"),
        (CHECKPOINT[:-5], {"length": len(CHECKPOINT)}, "broke off after"),
        (CHECKPOINT, {"headers": {"Content-Encoding": "gzip"}}, "a compressed copy"),
    ],
)
def test_other_bytes_than_the_cards_are_thrown_away(
    places: FakeSources, body: bytes, options: dict[str, object], told: str
) -> None:
    assert told in assert_refused(served(places, body, **options))
    assert (litter() == PARTS) == ("broke off" in told)


def test_a_line_that_stands_still_is_named(places: FakeSources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "SLOW_SECONDS", 0.05)
    monkeypatch.setattr(download, "PAUSES", ())
    one = served(places, pause=0.03)
    assert "bytes came in 0 seconds" in assert_refused(one)
    assert litter() == PARTS


def test_a_full_disk_is_told_before_anything_is_written(places: FakeSources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 50 * 2**20})())
    with pytest.raises(DiskFullError, match=r"needs .*, but the disk of .* has 52.4 MB free"):
        fetch_model(served(places))
    assert litter() == []


def test_a_link_in_the_store_is_removed_and_not_written_through(places: FakeSources, tmp_path: Path) -> None:
    one = served(places, drops=[10, 0, 0, 0])
    assert_refused(one)
    (part,) = (model_store() / ".parts").glob(f"*/{FILE}.part")
    (tmp_path / "victim").write_bytes(b"precious")
    part.unlink()
    part.symlink_to(tmp_path / "victim")
    assert fetch_model(one)
    assert (tmp_path / "victim").read_bytes() == b"precious"


@pytest.mark.parametrize("headers", [{"Content-Length": "9" * 5000}, {"Content-Length": "\xb2"}, {"Link": "x" * 70000}])
def test_headers_that_lie_are_told(places: FakeSources, headers: dict[str, str]) -> None:
    one = served(places, headers=headers, no_length=True)
    if "Link" in headers:
        assert "the connection to 127.0.0.1 failed" in assert_refused(one)
    else:
        fetch_model(one)


def test_a_file_that_changed_since_its_first_use_is_refused_until_it_is_back(
    places: FakeSources, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    one = card(source("dropbox", places.put(f"/{FILE}", CHECKPOINT)))
    fetch_model(one, fetch=True)
    shutil.rmtree(model_store() / one.name)
    places.put(f"/{FILE}", CHECKPOINT + b"\0")
    with pytest.raises(FetchError, match="when it was first fetched on this machine: somebody changed it"):
        fetch_model(one, fetch=True)
    assert litter() == []
    places.put(f"/{FILE}", CHECKPOINT)
    assert fetch_model(one, fetch=True)
    assert len(recwarn) == 1, "the first use only"


def test_a_card_that_states_another_hash_later_counts(places: FakeSources, recwarn: pytest.WarningsRecorder) -> None:
    address = places.put(f"/{FILE}", b"an older file")
    with pytest.raises(FetchError, match="what came is not the model"):
        fetch_model(card(source("dropbox", address)), fetch=True)
    assert fetch_model(served(places)), "the same address, and a hash on the card"
    assert len(recwarn) == 1


@pytest.mark.parametrize(
    ("code", "told"),
    [(errno.ENOSPC, "is full: make room"), (errno.EROFS, "cannot be written"), (errno.EACCES, "cannot be")],
)
def test_what_the_disk_refuses_is_told(
    places: FakeSources, monkeypatch: pytest.MonkeyPatch, code: int, told: str
) -> None:
    one = served(places)

    def refuse(part: Path, start: int) -> None:
        raise OSError(code, os.strerror(code), str(part))

    with monkeypatch.context() as patch:
        patch.setattr(download, "_opened", refuse)
        with pytest.raises((DiskFullError, WriteError), match=told) as caught:
            fetch_model(one)
    assert "ATTN_I2I_HOME" in str(caught.value)
    assert fetch_model(one)


def test_two_at_once_fetch_once(places: FakeSources) -> None:
    one = served(places, pause=0.0001)
    with ThreadPoolExecutor(3) as pool:
        folders = set(pool.map(fetch_model, [one] * 3))
    assert folders == {model_store() / one.name}
    assert len(places.requests) == 1


def test_a_listing_of_endless_brackets_is_told(places: FakeSources) -> None:
    places.put("/api/records/81", b"[" * 100_000)
    with pytest.raises(FetchError, match="something other than a listing"):
        fetch_model(card(source("zenodo", "81", files=("x.pth",))), fetch=True)


def test_an_address_that_is_none_is_told_by_whoever_gives_it(places: FakeSources) -> None:
    form = DRIVE_FORM.format(action=NO_ADDRESS, name="x")
    places.put("/uc?export=download&id=0123456789", form.encode())
    places.put("/uc?export=download&id=bare-bare-bare", form.replace("action=", "href=").encode())
    drive, bare_form = (card(source("drive", name, files=("net.pth",))) for name in ("0123456789", "bare-bare-bare"))
    moved = card(source("http", places.redirect("/net.pth", NO_ADDRESS), sums={"net.pth": CHECKPOINT}))
    page = f'<!DOCTYPE html><a href="{NO_ADDRESS}"></a>'
    places.put("/simple/net/", page.encode(), headers={"Content-Type": "text/html"})
    wheel = card(source("index", "net==1", files=("net.whl",), members=("net.pth",)))
    for one in (drive, bare_form, moved, wheel):
        with pytest.raises(FetchError) as caught:
            fetch_model(one, fetch=True)
        assert "\n" not in str(caught.value)


def test_a_file_listed_under_no_address_is_fetched_where_the_archive_has_it(places: FakeSources) -> None:
    entry = {"key": "net.pth", "size": len(CHECKPOINT), "links": {"self": NO_ADDRESS}}
    places.put("/api/records/81", json.dumps({"files": [entry]}).encode())
    places.put("/api/records/81/files/net.pth/content", CHECKPOINT)
    one = source("zenodo", "81", files=("net.pth",), sums={"net.pth": CHECKPOINT})
    assert fetch_model(card(one), fetch=True).is_dir()


def test_an_index_under_no_address_is_told(places: FakeSources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", NO_ADDRESS)
    with pytest.raises(FetchError, match="an address that is none is no web address"):
        fetch_model(card(source("index", "net==1", files=("net.whl",), members=("net.pth",))), fetch=True)


def test_what_lies_where_parts_belong_is_in_nobodys_way(places: FakeSources, tmp_path: Path) -> None:
    """A folder or a link in place of a part or its note is removed; in place of the lock it is told."""
    one = card(bare(places, drops=[1000, 0, 0, 0]))
    with pytest.raises(FetchError):
        fetch_model(one)
    (work,) = (path for path in (model_store() / ".parts").iterdir() if path.is_dir())
    for name in PARTS:
        (work / name).unlink()
    (work / PARTS[0]).symlink_to(tmp_path / "elsewhere")
    (work / PARTS[1]).mkdir()
    lock = work.with_name(f".{work.name}.lock")
    lock.unlink(missing_ok=True)
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a link, where this library makes a file"):
        fetch_model(one)
    lock.unlink()
    lock.mkdir()
    with pytest.raises(StoreError, match="is a folder, where this library makes a file"):
        fetch_model(one)
    lock.rmdir()
    assert fetch_model(one)
    assert not (tmp_path / "elsewhere").exists()
