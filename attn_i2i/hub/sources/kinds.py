"""From a source of a card to addresses: what each kind of place has to be asked first."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from ...models.source import Source
from .download import Remote
from .drive import locate_drive
from .errors import FetchError, address_parts, is_page, page_words, redacted
from .index import locate_index
from .web import allows, ask_text

ZENODO = "https://zenodo.org"
DROPBOX_HOSTS = (".dropbox.com", ".dropboxusercontent.com")
"""Dropbox sends its visitors to content hosts of its own."""


def locate(source: Source) -> list[Remote]:
    """The files of a source that is no Hub repository, with all that is known of them; asks its listing if need be."""
    return _LOCATORS[source.kind](source)


def _http(source: Source) -> list[Remote]:
    return _one(source, source.address, ())


def _dropbox(source: Source) -> list[Remote]:
    """dl=1 asks for the file itself, in place of the page about it."""
    parts = urlsplit(source.address)
    query = dict(parse_qsl(parts.query)) | {"dl": "1"}
    return _one(source, urlunsplit(parts._replace(query=urlencode(query))), DROPBOX_HOSTS)


def _one(source: Source, url: str, hosts: Sequence[str]) -> list[Remote]:
    (name,) = source.names
    return [Remote(name, url, tuple(hosts), source.size, source.sha256.get(name))]


def _zenodo(source: Source) -> list[Remote]:
    """Size and MD5 are as the record's own listing states them."""
    url = f"{ZENODO}/api/records/{source.address}"
    text, _ = ask_text(url)
    if is_page(text.encode()):
        raise FetchError(f"instead of Zenodo's listing came {page_words(text)}")
    listed = {str(entry.get("key")): entry for entry in _listed(text, url)}
    remotes = []
    for name in source.names:
        entry = listed.get(name)
        if entry is None:
            raise FetchError(f"Zenodo's record {source.address} has no {name}, only {', '.join(sorted(listed)[:5])}")
        method, _, digest = str(entry.get("checksum")).partition(":")
        size = entry.get("size")
        link = _link(entry) or f"{url}/files/{quote(name)}/content"
        remotes.append(
            Remote(
                name,
                link,
                size=size if isinstance(size, int) else source.size,
                sha256=source.sha256.get(name),
                md5=digest if method == "md5" else None,
            )
        )
    return remotes


def _listed(text: str, url: str) -> list[dict[str, Any]]:
    try:
        entries = json.loads(text)["files"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FetchError(f"{redacted(url)} answered with something other than a listing of files") from error
    if not isinstance(entries, list):
        raise FetchError(f"{redacted(url)} answered with something other than a listing of files")
    return [entry for entry in entries if isinstance(entry, dict)]


def _link(entry: dict[str, Any]) -> str | None:
    """The file's own address, where it is one and leads to the archive itself."""
    links = entry.get("links")
    link = links.get("self") if isinstance(links, dict) else None
    if not isinstance(link, str):
        return None
    try:
        here, there = address_parts(ZENODO), address_parts(link)
    except FetchError:
        return None
    return link if allows(there.hostname, [here.hostname or ""]) and there.scheme == here.scheme else None


_LOCATORS: dict[str, Callable[[Source], list[Remote]]] = {
    "http": _http,
    "dropbox": _dropbox,
    "zenodo": _zenodo,
    "index": locate_index,
    "drive": locate_drive,
}
