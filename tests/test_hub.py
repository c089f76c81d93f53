"""Models from a Hub; the client is the real one, the Hub is on loopback."""

from __future__ import annotations

from pathlib import Path

import pytest

from .helpers.fakehub import FakeHub
from .helpers.hub_models import WEIGHTS, assert_holds, card_for, model_files, stored
from .helpers.hub_worker import Worker


def test_a_hub_model_is_fetched_once(hub: FakeHub, worker: Worker, repo: str) -> None:
    files = model_files()
    commit = hub.put(repo, files)
    folder = assert_holds(worker.find(f"hf-hub:{repo}"), files)
    assert folder.name == commit
    assert not (folder / "README.md").exists()
    before = len(hub.requests)
    assert_holds(worker.find(f"hf-hub:{repo}@{commit}"), files)
    assert_holds(worker.find(f"hf-hub:{repo}", revision=commit), files)
    assert len(hub.requests) == before, "a stored commit makes no request"


def test_a_branch_is_followed_and_survives_an_outage(hub: FakeHub, worker: Worker, repo: str) -> None:
    old, new = model_files(), model_files()
    hub.put(repo, old)
    assert_holds(worker.find(f"hf-hub:{repo}"), old)
    hub.put(repo, new)
    assert_holds(worker.find(f"hf-hub:{repo}"), new)
    hub.fault(repo, 503, times=3, methods="HEAD")
    assert_holds(worker.find(f"hf-hub:{repo}"), new)


def test_a_card_fetches_its_commit_whatever_the_branch_says(hub: FakeHub, worker: Worker, repo: str) -> None:
    files = model_files()
    commit = hub.put(repo, files)
    name = card_for(worker, repo, commit, files)
    hub.put(repo, model_files())
    assert_holds(worker.find(name), files)
    before = len(hub.requests)
    assert_holds(worker.find(name), files)
    assert len(hub.requests) == before


@pytest.mark.parametrize(
    ("access", "message"),
    [("gated", "is gated: accept its terms"), ("private", "or is private"), (None, "does not exist")],
)
def test_what_may_not_be_read_says_so(
    hub: FakeHub, worker: Worker, repo: str, access: str | None, message: str
) -> None:
    if access:
        hub.put(repo, model_files(), access=access)
    failed = worker.find(f"hf-hub:{repo}")
    assert failed.error == "HubError"
    assert message in failed.message
    assert "hf auth login" in failed.message
    assert failed.seconds < 2


def test_what_is_not_there_is_named(hub: FakeHub, worker: Worker, repo: str) -> None:
    files = model_files()
    hub.put(repo, {"config.json": files["config.json"]})
    assert f"{WEIGHTS} is not there" in worker.find(f"hf-hub:{repo}").message
    assert "no such revision" in worker.find(f"hf-hub:{repo}@other").message
    assert "no such revision" in worker.find(f"hf-hub:{repo}@{'0' * 40}").message
    hub.put(f"{repo}-empty", {"README.md": b"nothing"})
    assert "config.json is not there" in worker.find(f"hf-hub:{repo}-empty").message


@pytest.mark.parametrize("name", ["../../x", "x", "a/b/c", "a//b", "./b", "a/..", "", "ü/b"])
def test_a_name_that_is_no_repository_is_refused(worker: Worker, name: str) -> None:
    assert "expected owner/name" in worker.find(f"hf-hub:{name}").message


def test_a_token_is_not_sent_to_another_host(tmp_path: Path) -> None:
    with FakeHub(redirect=True) as hub:
        files = model_files()
        hub.put("acme/private", files, access="private")
        worker = Worker(hub.url, tmp_path / "home", HF_TOKEN=hub.token)
        try:
            assert_holds(worker.find("hf-hub:acme/private"), files)
            assert hub.count("GET", "/elsewhere/") == 1
            assert not hub.leaked
            assert "check the name" in worker.find("hf-hub:acme/other").message
        finally:
            worker.close()


def test_weights_other_than_the_cards_are_not_even_fetched(hub: FakeHub, worker: Worker, repo: str) -> None:
    files = model_files()
    commit = hub.put(repo, files)
    name = card_for(worker, repo, commit, {**files, WEIGHTS: b"other"})
    failed = worker.find(name)
    assert failed.error == "ChecksumError"
    assert hub.count("GET", f"{repo}/resolve/{commit}/{WEIGHTS}") == 0
    name = card_for(worker, f"{repo}-config", hub.put(f"{repo}-config", files), {**files, "config.json": b"{}"})
    assert worker.find(name).error == "ChecksumError"
    assert not stored(worker)


@pytest.mark.parametrize("by_card", [True, False])
def test_a_stored_file_that_changed_is_fetched_anew(hub: FakeHub, worker: Worker, repo: str, by_card: bool) -> None:
    files = model_files()
    commit = hub.put(repo, files)
    name = card_for(worker, repo, commit, files) if by_card else f"hf-hub:{repo}@{commit}"
    folder = assert_holds(worker.find(name), files)
    changed = bytearray(files[WEIGHTS])
    changed[-1] ^= 1
    (folder / WEIGHTS).write_bytes(changed)
    hub.fault(repo, 503, times=3, methods="HEAD")
    failed = worker.find(name)
    assert failed.error == "ChecksumError"
    assert "cannot be fetched anew now" in failed.message
    assert (folder / WEIGHTS).read_bytes() == changed, "nothing is thrown away before there is better"
    assert_holds(worker.find(name), files)


def test_a_model_of_the_clients_own_cache_is_used(hub: FakeHub, tmp_path: Path, repo: str) -> None:
    """Somebody ran ``hf download`` before: the bytes are taken from there, once they are checked."""
    files = model_files()
    commit = hub.put(repo, files)
    worker = Worker(hub.url, tmp_path / "home")
    try:
        for name in ("config.json", WEIGHTS):
            assert not worker("huggingface_hub:hf_hub_download", repo, name, revision=commit).error
        before = hub.count("GET", repo)
        assert_holds(worker.find(f"hf-hub:{repo}"), files)
        assert hub.count("GET", repo) == before
    finally:
        worker.close()


def test_a_restricted_licence_is_asked_about_once(hub: FakeHub, worker: Worker, repo: str) -> None:
    files = model_files(licence="CC-BY-NC-4.0")
    commit = hub.put(repo, files)
    refused = worker.find(f"hf-hub:{repo}")
    assert refused.error == "LicenceError"
    assert "CC-BY-NC-4.0" in refused.message
    assert "accept_license=True" in refused.message
    assert not hub.count("GET", f"{repo}/resolve/{commit}/{WEIGHTS}"), "no weights before the licence"
    assert_holds(worker.find(f"hf-hub:{repo}", accept_license=True), files)
    assert_holds(worker.find(f"hf-hub:{repo}"), files)
    assert [path.read_text() for path in (worker.zoo / ".licences").iterdir()] == ["CC-BY-NC-4.0"]
