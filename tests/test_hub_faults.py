"""A Hub that refuses for a while or for good, breaks off, or lies: one error, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from .helpers.fakehub import LIES, FakeHub, Fault
from .helpers.hub_models import WEIGHTS, assert_holds, model_files, outside, stored
from .helpers.hub_worker import Worker

PASSING: list[tuple[Fault, str, int]] = [
    (503, "HEAD", 2), (503, "GET", 2), (500, "GET", 1), (429, "HEAD", 1), (429, "GET", 1), (408, "GET", 1),
    ("drop", "GET", 2), ("corrupt", "GET", 1), ("short", "GET", 1), ("no length", "GET", 1), ("slow", "GET", 1),
    ({"Content-Length": None}, "HEAD", 1), ({"X-Linked-Size": None, "Content-Length": None}, "HEAD", 1),
    ({"X-Linked-Etag": None}, "HEAD", 1), ({"Accept-Ranges": None}, "GET", 1),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "method", "times"), PASSING, ids=str)
def test_what_passes_is_waited_out(
    hub: FakeHub, worker: Worker, repo: str, fault: Fault, method: str, times: int
) -> None:
    files = model_files()
    commit = hub.put(repo, files)
    hub.fault(f"{repo}/resolve/{commit}/{WEIGHTS}", fault, times, method)
    assert_holds(worker.find(f"hf-hub:{repo}@{commit}"), files)


HARD: list[tuple[Fault, str, str]] = [
    (503, "HEAD", "out of order"), (503, "GET", "out of order"), (500, "HEAD", "out of order"),
    (429, "HEAD", "slow down"), (403, "GET", "refused access"), (404, "GET", ""), (418, "HEAD", "answered 418"),
    ("corrupt", "GET", "damaged or other bytes"), ("short", "GET", "broke off"),
    ({"X-Repo-Commit": None}, "HEAD", "without what a Hub says"),
    ({"ETag": None, "X-Linked-Etag": None}, "HEAD", "without what a Hub says"),
    ({"X-Repo-Commit": "b" * 40}, "HEAD", "without what a Hub says"),
    ({"X-Linked-Etag": "0" * 64}, "HEAD", "damaged or other bytes"),
    ({"X-Linked-Size": "17"}, "HEAD", "broke off"),
    *(({"X-Linked-Etag": f'"{lie}"', "ETag": f'"{lie}"'}, "HEAD", "without what a Hub says") for lie in LIES),
    *(({"X-Repo-Commit": lie}, "HEAD", "without what a Hub says") for lie in LIES),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "method", "message"), HARD, ids=str)
def test_what_stays_wrong_is_one_error_and_leaves_nothing(
    hub: FakeHub, worker: Worker, repo: str, fault: Fault, method: str, message: str
) -> None:
    files = model_files()
    commit = hub.put(repo, files)
    before = outside(worker)
    hub.fault(f"{repo}/resolve/{commit}/{WEIGHTS}", fault, 20, method)
    failed = worker.find(f"hf-hub:{repo}@{commit}")
    assert failed.error in ("HubError", "TransientError", "ChecksumError"), failed
    assert message in failed.message
    assert "\n" not in failed.message
    assert not stored(worker)
    assert outside(worker) == before
    hub.forget_faults()
    assert_holds(worker.find(f"hf-hub:{repo}@{commit}"), files)
    assert hub.count("GET", f"{repo}/resolve/{commit}/config.json") == 1, "what was whole is not fetched again"


def test_a_lie_told_to_the_client_only_does_no_harm(hub: FakeHub, worker: Worker, repo: str) -> None:
    """The first answer is honest, the next one, which the client itself asks for, names a path as its ETag."""
    files = model_files()
    commit = hub.put(repo, files)
    before = outside(worker)
    where = f"{repo}/resolve/{commit}/{WEIGHTS}"
    for lie in LIES:
        hub.fault(where, "slow", 1, "HEAD")
        hub.fault(where, {"X-Linked-Etag": f'"{lie}"', "ETag": f'"{lie}"'}, 3, "HEAD")
        answer = worker.find(f"hf-hub:{repo}@{commit}")
        if answer.error:
            assert answer.error in ("HubError", "TransientError", "ChecksumError"), answer
            assert not stored(worker)
        else:
            assert_holds(answer, files)
        hub.forget_faults()
    assert outside(worker) == before
    assert not Path("/tmp/attn-i2i-escape").exists()
    assert_holds(worker.find(f"hf-hub:{repo}@{commit}"), files)


@pytest.mark.parametrize("name", ["../up", "a/b", "/etc/passwd", "..\\up", "A2B.safetensors\x00", "", ".hidden"])
def test_a_configuration_cannot_name_files_elsewhere(hub: FakeHub, worker: Worker, repo: str, name: str) -> None:
    hub.put(repo, model_files(directions=[name]))
    before = outside(worker)
    failed = worker.find(f"hf-hub:{repo}")
    assert failed.error == "ModelError", failed
    assert outside(worker) == before
    assert not stored(worker)
