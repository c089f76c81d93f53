"""Models from a Hub that works, refuses, breaks off or lies; the client is the real one, the Hub is on loopback."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from .fakehub import FakeHub, Fault
from .hub_worker import Answer, Worker

WEIGHTS = "A2B.safetensors"
numbers = itertools.count()


def model_files(size: int = 200_000, **config: object) -> dict[str, bytes]:
    """The files of a model; its weights are noise, since nothing here looks into them."""
    settings = {"format": 1, "architecture": "cyclegan", "config": {}, "directions": ["A2B"], **config}
    noise = random.Random(next(numbers)).randbytes(size)
    return {"config.json": json.dumps(settings).encode(), WEIGHTS: noise, "README.md": b"# A model\n"}


@pytest.fixture(scope="module")
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture(scope="module")
def shared(hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker(hub.url, tmp_path_factory.mktemp("outer") / "home")
    yield worker
    worker.close()


@pytest.fixture
def worker(shared: Worker) -> Worker:
    """The module's process, with a local zoo of this test's own."""
    shared.zoo = shared.home / f"zoo-{next(numbers)}"
    return shared


@pytest.fixture
def repo() -> str:
    return f"acme/model-{next(numbers)}"


def outside(worker: Worker) -> list[str]:
    """Everything beside the worker's home."""
    return sorted(str(p) for p in worker.home.parent.rglob("*") if worker.home not in (p, *p.parents))


def stored(worker: Worker) -> list[Path]:
    """Folders that the worker would load from: those with a final name."""
    return [path for path in worker.zoo.glob(".hub/*/*") if len(path.name) == 40]


def assert_holds(answer: Answer, files: dict[str, bytes]) -> Path:
    assert not answer.error, f"{answer.error}: {answer.message}"
    folder = Path(answer.value)
    for name in ("config.json", WEIGHTS):
        assert (folder / name).read_bytes() == files[name]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    return folder


def card_for(worker: Worker, repo: str, commit: str, files: dict[str, bytes], **top: str) -> str:
    """Register a card with these weights in the worker; its name."""
    name = repo.partition("/")[2]
    sums = "\n".join(f'"{file}" = "{hashlib.sha256(data).hexdigest()}"' for file, data in files.items())
    lines = {"summary": "A model", "architecture": "cyclegan", "task": "a2b", **top}
    path = worker.home / f"{name}.toml"
    path.write_text(
        "\n".join(f'{key} = "{value}"' for key, value in lines.items())
        + f'\n[directions]\nA2B = "a2b"\n[weights]\nrepo = "{repo}"\nrevision = "{commit}"\n[weights.sha256]\n{sums}\n'
    )
    added = worker("tests.hub_worker:add_card", str(path))
    assert not added.error, added.message
    return name


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


LIES = [
    "../../../../escape",
    "/tmp/attn-i2i-escape",
    "..",
    "a" * 39,
    "A" * 64,
    "x" * 300,
    "%2e%2e%2fescape",
    "a\\b",
    "",
]
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


def test_processes_that_start_together_download_once(hub: FakeHub, tmp_path: Path, repo: str) -> None:
    files = model_files(size=2_000_000)
    commit = hub.put(repo, files)
    hub.fault(f"{repo}/resolve/{commit}/{WEIGHTS}", "slow")
    workers = [Worker(hub.url, tmp_path / "home") for _ in range(4)]
    try:
        for one in workers:
            one.ask("attn_i2i.hub:find_model", f"hf-hub:{repo}")
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
    killed.ask("attn_i2i.hub:find_model", f"hf-hub:{repo}")
    while not hub.count("GET", where):
        assert killed.process.poll() is None
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
    assert "--accept-license" in refused.message
    assert not hub.count("GET", f"{repo}/resolve/{commit}/{WEIGHTS}"), "no weights before the licence"
    assert_holds(worker.find(f"hf-hub:{repo}", accept_license=True), files)
    assert_holds(worker.find(f"hf-hub:{repo}"), files)
    assert [path.read_text() for path in (worker.zoo / ".licences").iterdir()] == ["CC-BY-NC-4.0"]


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
            one.ask("attn_i2i.hub:find_model", name, accept_license=one is workers[0])
        assert_holds(workers[0].answer(), files)
        second = workers[1].answer()
        assert second.error in ("", "LicenceError"), second
    finally:
        for one in workers:
            one.close()
    assert (folder / WEIGHTS).read_bytes() == files[WEIGHTS]
