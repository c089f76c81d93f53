"""What is fetched only where the user or the card allows it: large, unknown, unencrypted, restricted."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

import attn_i2i
from attn_i2i.hub import LicenceError
from attn_i2i.hub.sources import FetchError, FirstUseWarning, download, fetch_model
from attn_i2i.hub.sources.policy import require_consent
from attn_i2i.models.cards import get_card
from attn_i2i.models.places import model_store

from .helpers.archives import zipped
from .helpers.commands import Run
from .helpers.fakesources import FakeSources
from .helpers.sources import CHECKPOINT, FILE, bare, card, digest, registered, source


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"sums": {FILE: CHECKPOINT}, "size": 501_000_000},
            r"501 MB, Dropbox\) is not fetched unasked, because that is",
        ),
        ({"size": 100}, "because no hash of it is known beforehand"),
        ({"sums": {FILE: CHECKPOINT}}, r"size not known, .* because nobody says how large it is"),
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


def test_consent_begins_above_500_megabytes(places: FakeSources) -> None:
    for size, asked in ((500_000_000, False), (500_000_001, True)):
        large = source("dropbox", f"{places.url}/{FILE}", sums={FILE: CHECKPOINT}, size=size)
        with pytest.raises(FetchError, match="more than 500 MB") if asked else nullcontext():
            require_consent(card(large), large, None)


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


def test_a_given_hash_is_held_against_the_origin_of_what_is_here(places: FakeSources, run: Run) -> None:
    body = zipped({"net.pth": CHECKPOINT})
    packed = registered(
        card(source("http", places.put("/net.zip", body), sums={"net.zip": body}, members=("net.pth",)))
    )
    by_hand = registered(card(bare(places)))
    Path("by-hand.pth").write_bytes(CHECKPOINT)
    assert run("fetch", packed)[0] == run("convert", "by-hand.pth", "--as", by_hand)[0] == 0
    asked = len(places.requests)
    for name, hashes in ((packed, (body, CHECKPOINT)), (by_hand, (CHECKPOINT,))):
        for content in hashes:
            assert run("fetch", name, "--sha256", digest(content)) == (0, f"{name}: {model_store() / name}\n", "")
        for dry_run in ((), ("--dry-run",)):
            code, _, err = run("fetch", name, "--sha256", "1" * 64, *dry_run)
            assert code == 1
            assert f"with the SHA-256 {digest(hashes[0])[:12]}..., not from a file with 111111111111...: remove" in err
    assert len(places.requests) == asked


def test_a_given_hash_is_held_against_weights_that_ship(run: Run) -> None:
    shipped = get_card("ugatit-flat2clay")
    assert shipped.weights is not None
    assert run("fetch", shipped.name, "--sha256", shipped.weights.sha256["A2B.safetensors"])[0] == 0
    code, _, err = run("fetch", shipped.name, "--sha256", "1" * 64)
    assert code == 1
    assert "does not say which file it was made from" in err


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
