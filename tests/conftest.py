"""What every test shares: a private home, no network beyond loopback, one thread, a fixed seed."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

_HOME = tempfile.TemporaryDirectory(prefix="attn_i2i-tests-")

# Set here, before any import: the Hub client reads its environment once, and the tests' child processes inherit it.
os.environ.update(
    ATTN_I2I_HOME=str(Path(_HOME.name, "attn_i2i")),
    HF_HOME=str(Path(_HOME.name, "huggingface")),
    HF_ENDPOINT="http://127.0.0.1:9",  # the discard port: refused at once
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
