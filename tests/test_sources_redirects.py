"""Where a redirect may lead, and what goes with it."""

from __future__ import annotations

import pytest

from attn_i2i.hub.sources import FetchError, fetch_model, web

from .helpers.fakesources import FakeSources
from .helpers.sources import CHECKPOINT, FILE, assert_refused, served


def test_a_redirect_to_another_host_is_refused_and_its_query_not_shown(places: FakeSources) -> None:
    places.put("/other", CHECKPOINT)
    one = served(places)
    places.redirect(f"/{FILE}", f"{places.other}/other?signature=secret")
    text = assert_refused(one)
    assert "redirects to another host" in text
    assert "secret" not in text
    assert places.count("/other") == 0


def test_a_redirect_within_the_host_is_followed(places: FakeSources) -> None:
    one = served(places)
    places.put("/new", CHECKPOINT)
    places.redirect(f"/{FILE}", "/new", status=308)
    assert fetch_model(one).is_dir()
    assert places.count("/new") == 1


@pytest.mark.parametrize(
    ("old", "new", "hosts", "told"),
    [
        ("https://a.org/x", "http://a.org/x", (), "from https to http"),
        ("https://a.org/x", "https://b.org/x", (), "another host"),
        ("https://a.org/x", "https://evila.org/x", (".a.org",), "another host"),
        ("https://a.org/x", "https://a.org.evil.org/x", (".a.org",), "another host"),
        ("https://a.org/x", "file:///etc/passwd", (), "no web address"),
        ("https://a.org/x", "https://cdn.A.org/x", (".a.org",), ""),
        ("http://a.org/x", "https://a.org/x", (), ""),
    ],
)
def test_where_a_redirect_may_lead(old: str, new: str, hosts: tuple[str, ...], told: str) -> None:
    if not told:
        return web.check_redirect(old, new, hosts)
    with pytest.raises(FetchError, match=told):
        web.check_redirect(old, new, hosts)
    return None


def test_no_token_leaves_for_any_source_or_along_a_redirect(
    places: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch_model(served(places))
    places.put("/new", b"x")
    places.redirect("/old", f"{places.other}/new")
    with web.ask(f"{places.url}/old", hosts=["localhost"], headers={"Authorization": "Bearer hf_secret"}):
        pass
    sent = [asked.headers.get("Authorization") for asked in places.requests]
    assert sent == [None, "Bearer hf_secret", None]


def test_redirects_that_never_end_are_told(places: FakeSources) -> None:
    one = served(places)
    places.redirect(f"/{FILE}", f"/{FILE}")
    assert "it answered 302" in assert_refused(one)


def test_each_step_of_a_chain_of_redirects_is_checked(places: FakeSources) -> None:
    one = served(places)
    places.put("/far", CHECKPOINT)
    places.redirect(f"/{FILE}", "/near")
    places.redirect("/near", f"{places.other}/far")
    assert "redirects to another host" in assert_refused(one)
    places.redirect("/near", "file:///etc/passwd")
    assert "it answered 302" in assert_refused(one)
    assert places.count("/far") == 0
