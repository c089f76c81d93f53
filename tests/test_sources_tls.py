"""Sources over real https on loopback: whom it trusts, where redirects may lead, and how a download goes on."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from attn_i2i.hub.sources import FetchError, fetch_model
from attn_i2i.hub.sources.web import BUNDLES, ask_text

from .helpers.fakesources import FakeSources
from .helpers.sources import CHECKPOINT, FILE, bare, card, litter, source


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority's certificate, in a file."""
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def encrypted(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """What a server needs to speak https under ``names``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return context


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[FakeSources]:
    with FakeSources(encrypted(authority, "127.0.0.1")) as running:
        yield running


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BUNDLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def trusting(bundle: Path, bare_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))


def test_a_file_comes_over_https_and_goes_on_where_it_broke_off(
    places: FakeSources, secure: FakeSources, trusting: None
) -> None:
    one = card(bare(secure, drops=[300_000, 50_000]))
    assert one.sources[0].address.startswith("https://127.0.0.1:")
    assert fetch_model(one)
    asked = [request.headers.get("Range") for request in secure.requests]
    assert asked == [None, "bytes=300000-", "bytes=350000-"]
    assert litter() == []


@pytest.mark.parametrize("name", BUNDLES)
def test_certificates_are_taken_from_where_others_take_them(
    secure: FakeSources, bundle: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    url = secure.put("/text", b"hello")
    with pytest.raises(FetchError, match="is not trusted"):
        ask_text(url)
    monkeypatch.setenv(name, str(bundle))
    assert ask_text(url)[0] == "hello"
    for wrong in (bundle.with_name("absent.pem"), bundle.with_name("empty.pem")):
        wrong.with_name("empty.pem").touch()
        monkeypatch.setenv(name, str(wrong))
        with pytest.raises(FetchError, match=rf"{name} is {wrong}, which holds no certificates"):
            ask_text(url)


def test_a_certificate_that_is_not_trusted_is_one_line_and_no_second_try(
    places: FakeSources, secure: FakeSources
) -> None:
    with pytest.raises(FetchError) as caught:
        fetch_model(card(bare(secure)))
    text = str(caught.value)
    assert "web: the certificate of 127.0.0.1 is not trusted (unable to get local issuer certificate): nothing" in text
    assert "By hand: get the file at https://" in text
    assert "\n" not in text
    assert secure.requests == []


def test_a_certificate_of_another_host_is_refused(authority: trustme.CA, trusting: None) -> None:
    with FakeSources(encrypted(authority, "example.org")) as impostor, pytest.raises(FetchError, match="IP address"):
        ask_text(impostor.put("/text", b"hello"))


def test_https_leads_neither_to_http_nor_to_another_host(
    places: FakeSources, secure: FakeSources, trusting: None
) -> None:
    for to, told in (
        (places.put(f"/{FILE}", CHECKPOINT), "redirects from https to http"),
        (secure.other + f"/{FILE}", "redirects to another host"),
    ):
        one = card(source("http", secure.redirect(f"/moved/{FILE}", to), sums={FILE: CHECKPOINT}, size=len(CHECKPOINT)))
        with pytest.raises(FetchError, match=told):
            fetch_model(one)
    assert places.requests == []
    assert secure.count("/moved") == len(secure.requests) == 2


def test_http_may_become_https(places: FakeSources, secure: FakeSources, trusting: None) -> None:
    address = places.redirect(f"/{FILE}", secure.put(f"/{FILE}", CHECKPOINT))
    assert fetch_model(card(source("http", address, sums={FILE: CHECKPOINT}, size=len(CHECKPOINT))))
