"""A download that broke off goes on, or begins anew where the file is another one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attn_i2i.hub.sources import FetchError, FirstUseWarning, download, fetch_model
from attn_i2i.models.places import model_store

from .helpers.commands import Run, picture
from .helpers.fakesources import FakeSources
from .helpers.sources import CHECKPOINT, FILE, PARTS, assert_refused, card, litter, registered, served, source

GOES_ON = "stopped: what has come so far is kept, and the same command goes on from there"


def test_a_download_goes_on_where_it_broke_off(places: FakeSources) -> None:
    fetch_model(served(places, drops=[4000, 3000, 10]))
    asked = [one.headers.get("Range") for one in places.requests]
    assert asked == [None, "bytes=4000-", "bytes=7000-", "bytes=7010-"]
    tag = places.files[f"/{FILE}"].tag()
    assert [one.headers.get("If-Range") for one in places.requests] == [None, tag, tag, tag]


def test_it_goes_on_in_a_later_process_too(places: FakeSources) -> None:
    one = served(places, drops=[4000, 0, 0, 0])
    assert "broke off after 4000 of" in assert_refused(one)
    assert litter() == PARTS
    fetch_model(one)
    assert places.requests[-1].headers["Range"] == "bytes=4000-"
    assert litter() == []


def test_a_file_that_changed_meanwhile_is_begun_anew(places: FakeSources) -> None:
    address = places.put(f"/{FILE}", b"another file altogether" * 999, drops=[4000, 0, 0, 0])
    one = card(source("dropbox", address))
    with pytest.raises(FetchError, match="broke off"):
        fetch_model(one, fetch=True)
    places.put(f"/{FILE}", CHECKPOINT)
    with pytest.warns(FirstUseWarning):
        fetch_model(one, fetch=True)
    assert places.requests[-1].headers["Range"] == "bytes=4000-"


def test_a_part_of_another_address_is_begun_anew(places: FakeSources, tmp_path: Path) -> None:
    broken = places.put("/old", b"of old" * 2000, etag='"1"', drops=[4000, 0, 0, 0])
    with pytest.raises(FetchError, match="broke off"):
        download.download(download.Remote(FILE, broken), tmp_path, lambda *_: None)
    now = places.put("/new", CHECKPOINT, etag='"1"')  # a tag tells versions apart at one address only
    got = download.download(download.Remote(FILE, now), tmp_path, lambda *_: None)
    assert "Range" not in places.requests[-1].headers
    assert got.read_bytes() == CHECKPOINT


@pytest.mark.parametrize(("pinned", "anew"), [(True, False), (False, True)])
def test_without_a_tag_only_a_hash_allows_to_go_on(
    places: FakeSources, pinned: bool, anew: bool, recwarn: pytest.WarningsRecorder
) -> None:
    address = places.put(f"/{FILE}", CHECKPOINT, etag=None, drops=[4000])
    fetch_model(card(source("dropbox", address, sums={FILE: CHECKPOINT} if pinned else {})), fetch=True)
    assert ("Range" in places.requests[-1].headers) is not anew
    assert len(recwarn) == (not pinned)


def test_a_server_without_ranges_is_asked_from_the_start(places: FakeSources) -> None:
    fetch_model(served(places, drops=[4000], ranges=False))
    assert len(places.requests) == 2


def test_another_part_than_was_asked_for_is_refused(places: FakeSources) -> None:
    one = served(places, drops=[4000], ranges=False, status=206)
    assert "another part of the file" in assert_refused(one)


def test_a_part_that_is_whole_already_is_not_sent_again(places: FakeSources) -> None:
    one = served(places, drops=[len(CHECKPOINT) - 1, 0, 0, 0])
    assert_refused(one)
    (part,) = (model_store() / ".parts").glob(f"*/{FILE}.part")
    part.write_bytes(CHECKPOINT)
    assert fetch_model(one).is_dir()
    assert places.requests[-1].headers["Range"] == f"bytes={len(CHECKPOINT)}-"


def test_an_interrupt_leaves_what_can_be_resumed_and_nothing_else(
    places: FakeSources, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    one = served(places)
    whole = download.chunks_of

    def interrupted(answer: object) -> Iterator[bytes]:
        yield CHECKPOINT[:5000]
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "chunks_of", interrupted)
    code, _, err = run("fetch", registered(one))
    assert (code, err.splitlines()[-1]) == (130, GOES_ON)
    assert litter() == PARTS
    assert [path.name for path in model_store().iterdir()] == [".parts"]
    monkeypatch.setattr(download, "chunks_of", whole)
    fetch_model(one)
    assert places.requests[-1].headers["Range"] == "bytes=5000-"


def test_every_command_that_fetches_says_so(places: FakeSources, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    def interrupted(answer: object) -> Iterator[bytes]:
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "chunks_of", interrupted)
    name = registered(served(places))
    picture("in/a.png")
    for command in (
        ("load", name),
        ("translate", "in", "-o", "out", "-m", name),
        ("export", name, "-o", "exported"),
        ("evaluate", "in", "-m", name),
    ):
        code, _, err = run(*command)
        assert (command, code, err.splitlines()[-1]) == (command, 130, GOES_ON)
