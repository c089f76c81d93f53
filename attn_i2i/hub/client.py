"""One file of a Hub repository: what the Hub says of it, and its bytes, checked."""

from __future__ import annotations

import re
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ..files import atomic_path
from ..models.checksums import ChecksumError, check_file
from ..models.trust import refuse_links
from ..plugins import PluginWarning, manager
from ..registry import INTERRUPTIONS
from .errors import TransientError, explained, no_hub
from .reach import require_hub

COMMIT = re.compile(r"[0-9a-f]{40}")
DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
PAUSES = (1.0, 2.0)  # seconds before the second and the third try
T = TypeVar("T")


class Stated(NamedTuple):
    """What the Hub states of a file: the commit it is from, and its SHA-256 (64 digits) or git hash (40)."""

    commit: str
    digest: str


@dataclass
class Repository:
    """A Hub repository at ``revision``; plugins are asked for each file before the Hub is."""

    repo: str
    revision: str | None
    _reached: bool = field(default=False, init=False)

    def from_plugins(self, name: str) -> Path | None:
        """The file a plugin answers with, the latest plugin first; one that fails is named and passed over."""
        arguments = {"repo": self.repo, "filename": name, "revision": self.revision}
        for hook in reversed(manager().hook.fetch_file.get_hookimpls()):
            try:
                answer: Any = hook.function(*[arguments[argument] for argument in hook.argnames])
                path = None if answer is None else Path(answer)
                if path is not None and not path.is_file():
                    raise FileNotFoundError(f"it answered with {path}, which is no file")
            except INTERRUPTIONS:
                raise
            except BaseException as error:
                text = f"{type(error).__name__}: {' '.join(str(error).split())}"
                message = f"Plugin {hook.plugin_name!r} failed to answer for {name} of {self.repo}: {text}"
                warnings.warn(message, PluginWarning, stacklevel=2)
                continue
            if path is not None:
                return path
        return None

    def describe(self, name: str) -> Stated:
        """Ask the Hub about a file; an answer that could lead a download elsewhere is refused."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        def ask() -> Stated:
            with explained(self.repo):
                url = hf_hub_url(self.repo, name, revision=self.revision)
                stated = get_hf_file_metadata(url, timeout=10)
            commit, digest = stated.commit_hash or "", stated.etag or ""
            wanted = self.revision or ""
            if not COMMIT.fullmatch(commit) or not DIGEST.fullmatch(digest):
                raise no_hub(self.repo)
            if COMMIT.fullmatch(wanted) and commit != wanted:
                raise no_hub(self.repo)
            return Stated(commit, digest)

        self._reach()
        return _patiently(ask)

    def download(self, name: str, folder: Path, expected: str) -> None:
        """Fetch a file into ``folder``; it appears there only once it hashes to ``expected``."""
        from huggingface_hub import hf_hub_download

        def fetch(from_cache: bool) -> None:
            with explained(self.repo, folder), self._incoming(folder) as incoming:
                cache = None if from_cache else incoming / "no-cache"
                got = hf_hub_download(self.repo, name, revision=self.revision, local_dir=incoming, cache_dir=cache)
                check_file(Path(got), expected, f"{self.repo} gave damaged or other bytes, which were thrown away")
                with atomic_path(folder / name, force=True) as temporary:
                    shutil.move(got, temporary)

        self._reach()
        try:
            _patiently(lambda: fetch(from_cache=True))
        except ChecksumError:
            _patiently(lambda: fetch(from_cache=False))

    @contextmanager
    def _incoming(self, folder: Path) -> Iterator[Path]:
        """An empty folder for the client, with a short path, since some versions of it refuse long ones.

        It is the same one each time, so that a killed process leaves nothing for ever; the caller holds the lock.
        """
        key = sha256(f"{self.repo}@{self.revision}".encode()).hexdigest()[:12]
        incoming = folder.parents[1] / f".{key}"
        refuse_links(incoming)
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir()
        try:
            yield incoming
        finally:
            shutil.rmtree(incoming, ignore_errors=True)

    def _reach(self) -> None:
        if not self._reached:
            require_hub(self.repo)
            self._reached = True


def _patiently(action: Callable[[], T]) -> T:
    """Try again, after a pause, what may pass."""
    for pause in PAUSES:
        try:
            return action()
        except TransientError:
            time.sleep(pause)
    return action()
