"""A small Hugging Face Hub on loopback that can misbehave: what the real client asks for, and nothing more."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any, Literal

from .fakehub_answers import Fault as Fault
from .fakehub_answers import Handler, git_hash


@dataclass
class Repo:
    """Files by commit, commits by branch."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    access: Literal["open", "gated", "private"] = "open"


class FakeHub:
    """Serves ``repos`` at ``url`` while entered; ``requests`` are (method, path) as they came."""

    def __init__(self, *, token: str = "secret", redirect: bool = False) -> None:
        self.repos: dict[str, Repo] = {}
        self.requests: list[tuple[str, str]] = []
        self.leaked: list[str] = []
        self.ranges: list[tuple[int, int]] = []
        self.uploads: dict[str, bytes] = {}
        self.token, self.redirect = token, redirect
        self.role, self.owners = "write", ["me", "acme"]
        self._faults: list[tuple[str, str, Fault]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"hub": self}))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign, assignment]  # a client was killed
        port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{port}"
        self.other_host = f"http://localhost:{port}"

    def put(self, name: str, files: Mapping[str, bytes], access: Any = "open", branch: str = "main") -> str:
        """Commit ``files`` on top of what is there; the commit."""
        repo = self.repos.setdefault(name, Repo(access=access))
        files = {**repo.commits.get(repo.branches.get(branch, ""), {}), **files}
        content = "".join(f"{path} {git_hash(data)}\n" for path, data in sorted(files.items()))
        commit = hashlib.sha1(f"{name}\n{content}{len(repo.commits)}".encode()).hexdigest()
        repo.commits[commit] = dict(files)
        repo.branches[branch] = commit
        return commit

    def files(self, name: str) -> dict[str, bytes]:
        """What is at the head of the main branch now."""
        repo = self.repos[name]
        return repo.commits[repo.branches["main"]]

    def fault(self, path: str, fault: Fault, times: int = 1, methods: str = "GET") -> None:
        """Let the next ``times`` requests whose path holds ``path`` fail."""
        self._faults += [(path, methods, fault)] * times

    def forget_faults(self) -> None:
        """From now on behave."""
        with self._lock:
            self._faults.clear()

    def take_fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for one in self._faults:
                if one[0] in path and method in one[1]:
                    self._faults.remove(one)
                    return one[2]
        return None

    def count(self, method: str, path: str) -> int:
        return sum(m == method and path in p for m, p in self.requests)

    def __enter__(self) -> FakeHub:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


# What a hostile Hub may state in place of a commit or a digest.
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
