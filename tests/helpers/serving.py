"""A served page: desks over small networks, a running server, and what a browser or a program does with it."""

from __future__ import annotations

import io
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image

from attn_i2i.serve.app import make_app
from attn_i2i.serve.desk import Desk
from attn_i2i.serve.limits import Limits
from attn_i2i.serve.run import LOOPBACK_NAMES, config, listening
from attn_i2i.serve.session import Session, Wish
from attn_i2i.serve.shelf import Shelf
from attn_i2i.types import UnknownNameError

from .translators import Brighten, Negative, translator

PATIENCE = 120.0  # seconds, on a machine that does much else


class SmallShelf(Shelf):
    """Two networks whose answers are known; ``gate`` holds every translation back while it is not set."""

    def __init__(self) -> None:
        super().__init__(None)
        self.brighten = Brighten()
        self.networks = {"brighten": translator(self.brighten), "negative": translator(Negative())}
        self.gate = threading.Event()
        self.gate.set()

    def rows(self) -> list[dict[str, Any]]:
        ways = {"A2B": "there", "B2A": "back"}
        return [
            {"name": name, "summary": "", "directions": ways, "domains": [], "here": True} for name in self.networks
        ]

    def resolve(self, name: str) -> str:
        if name not in self.networks:
            raise UnknownNameError(f"No model is named {name!r}.")
        return name

    def bring(self, wish: Wish) -> None:
        self.resolve(wish.model)

    def load(self, wish: Wish) -> Any:
        assert self.gate.wait(PATIENCE)
        return self.networks[wish.model]

    def provenance(self, wish: Wish, translator: Any) -> dict[str, Any]:
        return {"name": wish.model, "provenance": {"file": "/home/ann/secret/latest_net_G_A.pth"}}


def png(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


def settled(desk: Desk, session: Session) -> list[dict[str, Any]]:
    """The slots' states once nothing of the session is under way."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        slots = desk.state(session)["slots"]
        if all(slot["state"] in ("empty", "done", "failed") for slot in slots):
            return slots
        time.sleep(0.005)
    raise AssertionError(slots)


@contextmanager
def served(shelf: Shelf, limits: Limits | None = None) -> Iterator[str]:
    """The address of a running server without a slash at its end."""
    import uvicorn

    with listening("127.0.0.1", 0) as bound:
        server = uvicorn.Server(config(make_app(Desk(shelf, limits or Limits()), LOOPBACK_NAMES)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        thread.join(PATIENCE)


def call(address: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes, Any]:
    """Status, content and headers of an answer, whatever it is."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(address, body, names, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def new_token(address: str) -> str:
    _, content, _ = call(f"{address}/api/session", method="POST", x_session="new")
    return json.loads(content)["token"]
