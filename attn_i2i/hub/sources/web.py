"""Requests over http and https that go only where they should."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import AbstractHTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from ...version import __version__
from .errors import FetchError, TransientFetchError, address_parts, redacted, refused

SECONDS = 30.0
"""How long a server may be silent: slow disks of archives take some seconds, a dead line never ends."""
MOST_TEXT = 4 * 2**20
"""Listings and pages are at most this large: Zenodo's and the package index' are some hundred kilobytes."""
BROKEN = (http.client.HTTPException, ConnectionError, TimeoutError, socket.timeout, OSError)
"""What a connection that breaks off raises."""


def ask(
    url: str, *, hosts: Sequence[str] = (), headers: Mapping[str, str] | None = None, method: str = "GET"
) -> http.client.HTTPResponse:
    """An answer of 200 or 206, not read yet.

    ``hosts`` are those beside the address' own that this kind of source uses; one that starts with a dot means all
    below it. A redirect elsewhere, or from https to http, is a FetchError, and takes no Authorization along.
    """
    host = address_parts(url).hostname or ""
    sent = {"User-Agent": f"attn-i2i/{__version__}", "Accept-Encoding": "identity", **(headers or {})}
    opener = build_opener(_Redirects(hosts), _Https())
    try:
        answer: http.client.HTTPResponse = opener.open(Request(url, headers=sent, method=method), timeout=SECONDS)
    except HTTPError as error:
        with error:
            raise refused(error.code, host, error.headers.get("Retry-After")) from error
    except FetchError:
        raise
    except URLError as error:
        if isinstance(error.reason, FetchError):
            raise error.reason from error
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise FetchError(_distrusted(host, error.reason)) from error
        raise TransientFetchError(f"{host} cannot be reached ({_reason(error.reason)})") from error
    except (*BROKEN, ValueError) as error:
        raise TransientFetchError(f"the connection to {host} failed ({_reason(error)})") from error
    if answer.status not in (200, 206):
        answer.close()
        raise refused(answer.status, host)
    return answer


def ask_text(url: str, *, hosts: Sequence[str] = (), headers: Mapping[str, str] | None = None) -> tuple[str, str]:
    """A small text and its content type; raises FetchError where it is not small."""
    with ask(url, hosts=hosts, headers=headers) as answer:
        try:
            content = answer.read(MOST_TEXT + 1)
        except BROKEN as error:
            raise TransientFetchError(f"{redacted(url)} broke off ({_reason(error)})") from error
        if len(content) > MOST_TEXT:
            raise FetchError(f"{redacted(url)} answered with more than {MOST_TEXT} bytes where a listing was expected")
        return content.decode("utf-8", "replace"), answer.headers.get("Content-Type") or ""


BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name certificates to trust, the first that is set; pip, curl and the Hub's client read them too."""


def trusted() -> ssl.SSLContext:
    """The system's certificates, or those that one of ``BUNDLES`` names; raises FetchError for a name of nothing."""
    name = next((name for name in BUNDLES if os.environ.get(name)), None)
    if name is None:
        return ssl.create_default_context()
    place = os.environ[name]
    try:
        if Path(place).is_dir():
            return ssl.create_default_context(capath=place)
        return ssl.create_default_context(cafile=place)
    except OSError as error:  # also what OpenSSL says of a file without certificates
        raise FetchError(
            f"{name} is {place}, which holds no certificates that can be read: correct or unset it"
        ) from error


def _distrusted(host: str, error: ssl.SSLCertVerificationError) -> str:
    return (
        f"the certificate of {host} is not trusted ({error.verify_message or _reason(error)}): nothing was downloaded."
        " Check this machine's clock; where a proxy looks into connections, set SSL_CERT_FILE to its certificates"
    )


def check_redirect(old: str, new: str, hosts: Sequence[str]) -> None:
    """Raise FetchError for a redirect that leads from https to http, or to a host that is not among ``hosts``."""
    before, after = address_parts(old), address_parts(new)
    if before.scheme == "https" and after.scheme == "http":
        raise FetchError(f"{redacted(old)} redirects from https to http ({redacted(new)}), which was not followed")
    if not allows(after.hostname, [before.hostname or "", *hosts]):
        raise FetchError(
            f"{redacted(old)} redirects to another host ({redacted(new)}), which was not followed: it may be a login or"
            " the page of a captive portal"
        )


def allows(host: str | None, hosts: Sequence[str]) -> bool:
    """Whether ``host`` is one of ``hosts``, or below one of those that start with a dot."""
    name = (host or "").lower()
    return any(name == allowed or (allowed.startswith(".") and name.endswith(allowed)) for allowed in hosts)


class _Https(HTTPSHandler):
    """Reads the certificates when a connection needs them, which plain http does not."""

    def __init__(self) -> None:
        AbstractHTTPHandler.__init__(self)

    def https_open(self, req: Request) -> http.client.HTTPResponse:
        return self.do_open(http.client.HTTPSConnection, req, context=trusted())


class _Redirects(HTTPRedirectHandler):
    def __init__(self, hosts: Sequence[str]) -> None:
        self._hosts = hosts

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> Request | None:
        check_redirect(req.full_url, newurl, self._hosts)
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None:
            request.remove_header("Authorization")
        return request


def _reason(error: object) -> str:
    return str(getattr(error, "strerror", None) or error).strip() or type(error).__name__
