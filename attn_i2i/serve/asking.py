"""What a request asks for, checked: nothing that a browser sends is trusted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from ..translate.options import Options
from ..types import ConfigError
from .limits import TooLargeError
from .session import Wish

WISH_BYTES = 65536
"""A wish has some hundred bytes."""


def options_of(request: Request) -> Options:
    """The settings that an address holds; ConfigError for what they cannot be."""
    threshold = number(request, "threshold", None, float)
    keep = request.query_params.get("keep_background", "") == "1"
    return Options(number(request, "strength", 1.0, float), threshold, keep, size="fit")


def number(request: Request, name: str, otherwise: Any, kind: Callable[[str], Any]) -> Any:
    text = request.query_params.get(name, "")
    try:
        value = kind(text) if text else otherwise
    except ValueError:
        raise ConfigError(f"{name}={text!r} was given: expected a number.") from None
    if kind is int and value is not None and value < 1:
        raise ConfigError(f"{name}={text} was given: expected 1 or more.")
    return value


def wish_of(raw: Any) -> Wish:
    """What a page asks for, from JSON; ConfigError for what it cannot be."""
    if not isinstance(raw, dict) or not isinstance(raw.get("model"), str):
        raise ConfigError("Which model? Send its name.")
    direction, domain, fetch = raw.get("direction") or None, raw.get("domain") or [], raw.get("fetch")
    fits = isinstance(direction, str | None) and isinstance(fetch, bool | None) and isinstance(domain, list)
    if not fits or not all(isinstance(label, str) for label in domain):
        raise ConfigError("A wish is a model, a direction, a list of labels, and fetch as true, false or nothing.")
    return Wish(raw["model"].strip(), direction, tuple(domain), fetch, raw.get("accept_license") is True)


async def json_of(request: Request) -> Any:
    try:
        return json.loads(await body_of(request, WISH_BYTES))
    except (ValueError, RecursionError):
        raise ConfigError("What was sent is no JSON.") from None


async def body_of(request: Request, most: int) -> bytes:
    """What a request sends; TooLargeError as soon as it is more than ``most`` bytes."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise TooLargeError(f"That is more than the {most / 2**20:.3g} MB that this page takes: reduce it first.")
    return bytes(content)


def file_name(text: str) -> str:
    """The name of an upload: its last part, without what is not to be shown, of bounded length."""
    last = text.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in last if letter.isprintable()).strip().lstrip(".")
    stem, dot, ending = plain.rpartition(".")
    return f"{stem[:80]}{dot}{ending[:10]}" if dot and stem else plain[:80] or "picture"
