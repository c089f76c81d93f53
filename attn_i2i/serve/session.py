"""What belongs to one open page, and to no other: its picture, its mask, its results."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field, fields
from itertools import count
from typing import Literal

from torch import Tensor

from ..images.mask import read_mask
from ..images.picture import Picture
from ..translate.result import Result
from ..types import AttnI2IError, ConfigError
from .limits import Limits

SLOTS = 2
"""Models that a page compares."""
State = Literal["empty", "waiting", "fetching", "running", "done", "failed"]


class NoSessionError(AttnI2IError):
    """A page that is not remembered: it was idle for long, or never asked."""


@dataclass(frozen=True)
class Wish:
    """What a page asks for: a model by name, its direction and domain, and whether it may be fetched and accepted."""

    model: str
    direction: str | None = None
    domain: tuple[str, ...] = ()
    fetch: bool | None = None
    accept_license: bool = False


@dataclass(eq=False)
class Slot:
    """One of a page's two places for a model: what was asked for, how far it is, and what came of it.

    ``result`` holds the components, with the network's own output as its image. ``asks`` says what a user may agree
    to, so that it works the next time: "fetch" or "licence".
    """

    wish: Wish | None = None
    state: State = "empty"
    message: str = ""
    asks: Literal["", "fetch", "licence"] = ""
    done: int = 0
    total: int | None = None
    note: str = ""
    result: Result | None = None
    model: dict[str, object] = field(default_factory=dict)


class Session:
    """One open page. Whoever changes it, or reads more than one part of it, holds ``lock``."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(24)
        self.lock = threading.RLock()
        self.numbers = count(1)
        self.used = time.monotonic()
        self.picture: Picture | None = None
        self.digest = self.note = ""
        self.limit: Tensor | None = None
        self.slots = [Slot() for _ in range(SLOTS)]

    def set_picture(self, picture: Picture, digest: str, note: str = "") -> None:
        """Begin anew with ``picture``; what is still computed for the earlier one is not taken any more."""
        with self.lock:
            self.picture, self.digest, self.note, self.limit = picture, digest, note, None
            self.slots = [Slot() for _ in range(SLOTS)]

    def require_picture(self) -> Picture:
        """The picture; ConfigError where there is none yet."""
        if self.picture is None:
            raise ConfigError("There is no picture yet: choose, paste or take one first.")
        return self.picture

    def set_mask(self, content: bytes, max_pixels: int) -> None:
        """Take a painted mask, a picture file; one without any white, or no bytes, removes it."""
        with self.lock:
            picture = self.require_picture()
            limit = read_mask(content, picture.size, scale=True, max_pixels=max_pixels) if content else None
            self.limit = None if limit is None or not limit.any() else limit

    def slot(self, number: int) -> Slot:
        """Slot 0 or 1; ConfigError for others."""
        if number not in range(SLOTS):
            raise ConfigError(f"slot {number} was asked for: expected 0 or 1.")
        return self.slots[number]

    def components(self, number: int) -> Result:
        """The components of a slot's result; ConfigError where there is none."""
        result = self.slot(number).result
        if result is None:
            raise ConfigError("There is no translation yet: choose a model and translate first.")
        return result

    def kept_bytes(self) -> int:
        """About how much memory this page takes."""
        parts = [self.limit, None if self.picture is None else self.picture.values]
        for slot in self.slots:
            if slot.result is not None:
                parts += [getattr(slot.result, field.name) for field in fields(Result)]
        return sum(part.numel() * part.element_size() for part in parts if isinstance(part, Tensor))


class Sessions:
    """All open pages, within ``limits``."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}

    def new(self) -> Session:
        """A page more; the one that was idle longest is forgotten where there are too many."""
        session = Session()
        with self._lock:
            self._open[session.token] = session
            for old in self._by_use()[: max(0, len(self._open) - self.limits.sessions)]:
                del self._open[old.token]
        self.trim()
        return session

    def get(self, token: str) -> Session:
        """The page of a token; NoSessionError where it is not remembered."""
        with self._lock:
            session = self._open.get(token)
            if session is None:
                raise NoSessionError("This page was idle for too long, and its pictures were let go: send them again.")
            session.used = time.monotonic()
            return session

    def trim(self) -> None:
        """Forget pages that are idle, and those idle longest while all together keep too much; never the last used."""
        with self._lock:
            now = time.monotonic()
            sessions = self._by_use()
            total = sum(session.kept_bytes() for session in sessions)
            for session in sessions[:-1]:
                if total > self.limits.kept_bytes or now - session.used > self.limits.idle_seconds:
                    total -= session.kept_bytes()
                    del self._open[session.token]

    def __len__(self) -> int:
        return len(self._open)

    def _by_use(self) -> list[Session]:
        return sorted(self._open.values(), key=lambda session: session.used)
