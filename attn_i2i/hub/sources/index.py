"""A wheel of a Python package index, found by the index' own listing (PEP 503 and 691)."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from functools import cache
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit

from ...models.source import Source
from .download import Remote
from .errors import FetchError, address_parts, is_page, redacted
from .web import ask_text

PYPI = "https://pypi.org/simple"
# PEP 691's JSON first, then the older pages.
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


def locate_index(source: Source) -> list[Remote]:
    """The wheel's address and SHA-256, as the index that pip uses here lists them.

    The hash must be the card's, where that has one. User and password of an index go to its own host only.
    """
    project = re.sub(r"[-_.]+", "-", source.address.partition("==")[0]).lower()
    base, headers = _credentials(index_url())
    page = f"{base.rstrip('/')}/{project}/"
    text, kind = ask_text(page, headers={"Accept": ACCEPT, **headers})
    listed = _from_json(text, page) if "json" in kind else _from_html(text, page)
    remotes = []
    for name in source.names:
        if name not in listed:
            raise FetchError(f"the package index at {redacted(base)} has no {name}")
        url, digest = listed[name]
        expected = source.sha256.get(name)
        if digest and expected and digest != expected:
            raise FetchError(
                f"the package index at {redacted(base)} lists {name} with the SHA-256 {digest[:12]}..., expected"
                f" {expected[:12]}...: it was not downloaded"
            )
        _check_scheme(page, url)
        if not expected and address_parts(url).scheme != "https":
            raise FetchError(
                f"{name} would come over plain http ({redacted(url)}), and the card states no SHA-256 of it: it was not"
                " downloaded"
            )
        own = headers if address_parts(url).netloc == address_parts(page).netloc else {}
        remotes.append(Remote(name, url, size=source.size, sha256=expected or digest, headers=own))
    return remotes


@cache
def index_url() -> str:
    """The index that pip is set to use here: PIP_INDEX_URL, its configuration, else PyPI."""
    if set_here := os.environ.get("PIP_INDEX_URL"):
        return set_here
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "get", "global.index-url"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return PYPI
    answer = done.stdout.strip()
    return answer if done.returncode == 0 and answer.startswith(("https://", "http://")) else PYPI


def _credentials(url: str) -> tuple[str, dict[str, str]]:
    """The address without user and password, and the header that says them."""
    parts = address_parts(url)
    if parts.username is None:
        return url, {}
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return bare, {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}


def _check_scheme(page: str, url: str) -> None:
    if address_parts(page).scheme == "https" and address_parts(url).scheme != "https":
        raise FetchError(f"the package index lists an address without https ({redacted(url)}), which was not followed")


def _from_json(text: str, page: str) -> dict[str, tuple[str, str | None]]:
    try:
        files = json.loads(text)["files"]
        return {entry["filename"]: (urljoin(page, entry["url"]), entry["hashes"].get("sha256")) for entry in files}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FetchError(f"{redacted(page)} answered with something other than a listing of packages") from error


def _from_html(text: str, page: str) -> dict[str, tuple[str, str | None]]:
    parser = _Anchors()
    parser.feed(text)
    listed: dict[str, tuple[str, str | None]] = {}
    for href in parser.addresses:
        with suppress(ValueError):  # what is no address leads to no file
            url, fragment = urldefrag(urljoin(page, href))
            name = unquote(urlsplit(url).path.rpartition("/")[2])
            listed[name] = (url, fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else None)
    if not listed and not is_page(text.encode()):
        raise FetchError(f"{redacted(page)} answered with something other than a listing of packages")
    return listed


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if tag == "a" and name == "href" and value]
