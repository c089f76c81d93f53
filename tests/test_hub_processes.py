"""Processes that share a home, are killed, or have no Hub at all."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from .helpers.fakehub import FakeHub
from .helpers.hub_models import WEIGHTS, assert_holds, model_files
from .helpers.hub_worker import Worker


@pytest.mark.slow
def test_processes_that_start_together_download_once(hub: FakeHub, tmp_path: Path, repo: str) -> None:
    files = model_files(size=2_000_000)
    commit = hub.put(repo, files)
    hub.fault(f"{repo}/resolve/{commit}/{WEIGHTS}", "slow")
    workers = [Worker(hub.url, tmp_path / "home") for _ in range(4)]
    try:
        for one in workers:
            one.ask("tests.helpers.hub_worker:folder_of", f"hf-hub:{repo}")
        for one in workers:
            assert_holds(one.answer(), files)
    finally:
        for one in workers:
            one.close()
    assert hub.count("GET", f"{repo}/resolve/{commit}/{WEIGHTS}") == 1


def test_a_killed_download_goes_on(hub: FakeHub, tmp_path: Path, repo: str) -> None:
    files = model_files()
    commit = hub.put(repo, files)
    where = f"{repo}/resolve/{commit}/{WEIGHTS}"
    hub.fault(where, "slow")
    killed = Worker(hub.url, tmp_path / "home")
    killed.ask("tests.helpers.hub_worker:folder_of", f"hf-hub:{repo}")
    while not hub.count("GET", where):
        assert killed.process.running()
        time.sleep(0.01)
    killed.close()
    again = Worker(hub.url, tmp_path / "home")
    try:
        assert_holds(again.find(f"hf-hub:{repo}"), files)
    finally:
        again.close()
    assert hub.count("GET", f"{repo}/resolve/{commit}/config.json") == 1


@pytest.mark.parametrize("offline", ["variable", "refused"])
def test_offline_and_absent_is_told_at_once(hub: FakeHub, tmp_path: Path, offline: str) -> None:
    variable = {"HF_HUB_OFFLINE": "1"} if offline == "variable" else {}
    worker = Worker(hub.url if variable else "http://127.0.0.1:9", tmp_path / "home", **variable)
    try:
        failed = worker.find("hf-hub:acme/absent")
        assert failed.error in ("HubError", "TransientError")
        assert "not on this machine" in failed.message
        assert failed.seconds < 2
        assert not hub.count("HEAD", "acme/absent")
    finally:
        worker.close()


def test_processes_that_mend_together_agree(hub: FakeHub, tmp_path: Path, repo: str) -> None:
    """Both find the same damaged file; each must come back with a whole one, and with the licence asked about."""
    files = model_files(licence="CC-BY-NC-4.0")
    commit = hub.put(repo, files)
    workers = [Worker(hub.url, tmp_path / "home") for _ in range(2)]
    name = f"hf-hub:{repo}@{commit}"
    try:
        folder = assert_holds(workers[0].find(name, accept_license=True), files)
        (folder / WEIGHTS).write_bytes(b"damaged")
        for licence in (tmp_path / "home" / "zoo" / ".licences").iterdir():
            licence.unlink()
        for one in workers:
            one.ask("tests.helpers.hub_worker:folder_of", name, accept_license=one is workers[0])
        assert_holds(workers[0].answer(), files)
        second = workers[1].answer()
        assert second.error in ("", "LicenceError"), second
    finally:
        for one in workers:
            one.close()
    assert (folder / WEIGHTS).read_bytes() == files[WEIGHTS]


def test_mending_takes_nothing_away(hub: FakeHub, tmp_path: Path, repo: str) -> None:
    """Who reads a damaged model while another process mends it finds every file."""
    files = model_files()
    commit = hub.put(repo, files)
    where = f"{repo}/resolve/{commit}/{WEIGHTS}"
    worker = Worker(hub.url, tmp_path / "home")
    try:
        folder = assert_holds(worker.find(f"hf-hub:{repo}@{commit}"), files)
        names = {path.name for path in folder.iterdir()}
        (folder / WEIGHTS).write_bytes(b"damaged")
        hub.fault(where, "slow")
        before = hub.count("GET", where)
        worker.ask("tests.helpers.hub_worker:folder_of", f"hf-hub:{repo}@{commit}")
        while hub.count("GET", where) == before:
            assert worker.process.running()
            time.sleep(0.001)
        assert {path.name for path in folder.iterdir()} == names
        assert_holds(worker.answer(), files)
    finally:
        worker.close()
