"""What went wrong with a source, and what a page says that came in place of a file."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import SplitResult, urlsplit

from ..errors import HubError

_TOLD = (
    (
        r"too many users have viewed or downloaded this file recently|download quota",
        "Google Drive's page that says too many people downloaded the file lately: try again tomorrow, or copy it into"
        " a Drive of your own",
    ),
    (
        r"virus scan warning|can.?t scan this file for viruses",
        "Google Drive's page that warns of files too large for its virus scan",
    ),
    (
        r"cannot retrieve the public link of the file|you need access|request access",
        "Google Drive's page for a file that is not public",
    ),
    (r"type=[\"']?password|\b(sign|log) in\b|\blogin\b", "a login page"),
    (r"captive|hotspot|wi-?fi|accept (the|our) terms|network access", "the page of a captive portal: open a browser"),
)
"""Words of well-known pages, in lower case, and what each page is. The first that fits counts."""

# What a person makes of the answers that servers give most.
_STATUS = {
    401: "it wants a login (401)",
    403: "it refuses access (403)",
    404: "the file is not there any more (404)",
    407: "the proxy wants a login (407)",
    410: "the file is gone for good (410)",
    429: "it asks to slow down (429): try again in some minutes",
    451: "it may not be given out there for legal reasons (451)",
}


class FetchError(HubError):
    """A source that does not give the file it should; ``status`` is that of its answer, where it gave one."""

    status: int | None = None


class TransientFetchError(FetchError):
    """A failure that may pass when asked again; what has come so far is kept."""


class FirstUseWarning(UserWarning):
    """A file of which nobody states a hash was trusted; it is held against this first download ever after."""


def redacted(url: str) -> str:
    """An address that can be shown: no user, no password, no query, which may be a signature."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    except ValueError:  # brackets or a port that are none
        return "an address that is none"
    return f"{parts.scheme}://{host}{port}{parts.path}{'?...' if parts.query else ''}"


def address_parts(url: str) -> SplitResult:
    """The parts of a web address; raises FetchError for what is none, such as a host in one bracket."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise FetchError(f"{redacted(url)} is no web address")
    return parts


def is_page(head: bytes) -> bool:
    """Whether bytes are the beginning of a web page, which no checkpoint or archive is."""
    start = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<!doctype htm"))


def page_words(text: str) -> str:
    """What a web page that came in place of a file is, in a few words."""
    plain = unescape(text).lower()
    for pattern, meaning in _TOLD:
        if re.search(pattern, plain):
            return meaning
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    shown = " ".join(unescape(title[1]).split())[:80] if title else ""
    return f"a web page ({shown!r})" if shown else "a web page"


def refused(status: int, host: str, retry_after: str | None = None) -> FetchError:
    """The error for an answer that is no success; those that may pass are TransientFetchError."""
    told = _STATUS.get(status, f"it answered {status}")
    if status == 429 and (retry_after or "").isdigit():
        told = f"it asks to slow down (429): try again in {retry_after} seconds"
    error = FetchError(f"{host}: {told}")
    if status == 408 or status >= 500:
        error = TransientFetchError(f"{host} is out of order ({status}): try again later")
    error.status = status
    return error
