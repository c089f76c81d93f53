"""What every test shares: a private home, no network beyond loopback, one thread, a fixed seed; and what several do.

Imports of the latter wait until a test asks: some tests are about what is imported.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from .helpers.commands import Run
    from .helpers.fakehub import FakeHub
    from .helpers.fakesources import FakeSources
    from .helpers.hub_worker import Worker

pytest.register_assert_rewrite("tests.helpers.hub_models")

_HOME = tempfile.TemporaryDirectory(prefix="attn_i2i-tests-")

# Set here, before any import: the Hub client reads its environment once, and the tests' child processes inherit it.
os.environ.update(
    ATTN_I2I_HOME=str(Path(_HOME.name, "attn_i2i")),
    HF_HOME=str(Path(_HOME.name, "huggingface")),
    HF_ENDPOINT="http://127.0.0.1:9",  # the discard port: refused at once
    ATTN_I2I_FETCH="never",
    ATTN_I2I_TUNE="off",  # what is measured differs from run to run; tests/test_tuning.py says what it measures
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HUB_DISABLE_XET="1",
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    COLUMNS="120",
    NO_COLOR="1",
)
for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "ATTN_I2I_PLUGINS", "FORCE_COLOR"):
    os.environ.pop(name, None)

# The same examples each run, and no deadline: a busy machine is no failure.
settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def pytest_unconfigure() -> None:
    """Remove the private home."""
    _HOME.cleanup()


def pytest_sessionstart() -> None:
    """Collect no garbage while modules are imported: there is none."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave what was imported out of later collections of garbage: each would take most of a second."""
    gc.enable()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests come first: a worker that meets one last leaves the others idle."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine, so that a test that needs the internet fails everywhere."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in _LOOPBACK:
            raise RuntimeError(f"a test tried to reach {address[0]}; tests may use loopback only")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Make random weights and inputs the same in each run, without importing torch for tests that do not use it."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
        torch.set_num_threads(1)


@pytest.fixture(scope="module")
def hub() -> Iterator[FakeHub]:
    """A Hub on loopback."""
    from .helpers.fakehub import FakeHub

    with FakeHub() as running:
        yield running


@pytest.fixture(scope="module")
def shared(hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A process that loads models from the module's Hub."""
    from .helpers.hub_worker import Worker

    worker = Worker(hub.url, tmp_path_factory.mktemp("outer") / "home")
    yield worker
    worker.close()


@pytest.fixture
def worker(shared: Worker) -> Worker:
    """The module's process, with a model store of this test's own."""
    from .helpers.hub_models import numbers

    shared.zoo = shared.home / f"zoo-{next(numbers)}"
    return shared


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSources]:
    """A server that stands for every place of published files, a store of this test's own, and leave to fetch."""
    from attn_i2i.hub.sources.index import index_url
    from attn_i2i.plugins import zoo

    from .helpers.fakesources import FakeSources
    from .helpers.sources import stand_in

    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ATTN_I2I_FETCH")
    cards = zoo().cards
    monkeypatch.setattr(cards, "_entries", dict(cards._entries))  # the cards that a test adds are its own
    with FakeSources() as running:
        stand_in(running, monkeypatch)
        yield running
    index_url.cache_clear()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the module; each window of it has a profile of its own."""
    from .helpers.browser import running

    with running() as chromium:
        yield chromium


@pytest.fixture
def repo() -> str:
    """The name of a repository that no other test has."""
    from .helpers.hub_models import numbers

    return f"acme/model-{next(numbers)}"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of small pictures to train on."""
    from .helpers.pictures import make_pictures

    folder = tmp_path_factory.mktemp("data")
    make_pictures(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with fresh weights: AttentionGAN II, two masks and a background."""
    from .helpers.commands import write_model

    folder = tmp_path_factory.mktemp("model")
    write_model(folder, "attentiongan2", width=4, blocks=1, masks=3)
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in an empty folder: exit code, standard output, standard error."""
    from attn_i2i.cli import main

    from .helpers.commands import remember_signatures

    remember_signatures()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTN_I2I_PLUGINS", "")

    def invoke(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["attn-i2i", *map(str, arguments)])
        monkeypatch.setattr("warnings.showwarning", None)  # main replaces it, and monkeypatch puts it back
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return stop.value.code, out, err

    return invoke


@pytest.fixture
def session() -> Iterator[Callable[[Any], None]]:
    """Registers plugins called "mine" for one test."""

    from attn_i2i.plugins import manager

    from .helpers.session import Adding

    def register(plugin: object) -> None:
        manager().register(Adding(plugin) if callable(plugin) else plugin, "mine")

    yield register
    if manager().has_plugin("mine"):
        manager().unregister(name="mine")


@pytest.fixture
def exits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that ends the process when it is imported."""
    (tmp_path / "fixture_exiting.py").write_text("raise SystemExit('no licence')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "fixture_exiting"
