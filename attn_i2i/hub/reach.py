"""Whether the Hub can be reached at all, told within two seconds."""

from __future__ import annotations

import socket
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from .errors import HubError, TransientError, offline

SECONDS = 1.5  # without a network an absent model is an error within two seconds (docs/models.md)


def require_hub(repo: str) -> None:
    """Raise HubError where the client is set offline, or where nothing answers at the Hub's address.

    The client itself would try for about 20 seconds before it says so.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise offline(repo)
    host, port = address(constants.ENDPOINT)
    if why := unreachable(host, port):
        raise TransientError(
            f"{repo} is not on this machine, and {host}:{port} cannot be reached ({why}): connect to the network, or"
            " set HF_ENDPOINT to a mirror."
        )


def address(endpoint: str) -> tuple[str, int]:
    """Host and port to connect to first: the proxy's where one is set for this address, else the endpoint's.

    Raises HubError for an endpoint or a proxy that is no address.
    """
    try:
        url = urlsplit(endpoint)
        proxies = getproxies()
        proxy = proxies.get(url.scheme) or proxies.get("all")
        if proxy and not proxy_bypass(url.hostname or ""):
            url = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        return url.hostname or "localhost", url.port or {"http": 80, "socks5": 1080}.get(url.scheme, 443)
    except ValueError as error:
        raise HubError(
            f"The Hub's address {endpoint}, or that of the proxy, is none ({error}): check HF_ENDPOINT and the proxy"
            " variables."
        ) from error


def unreachable(host: str, port: int, seconds: float = SECONDS) -> str | None:
    """Why no connection can be made within ``seconds``, or None; looking up the name counts too."""
    answer = ["no answer"]

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=seconds).close()
            answer[0] = ""
        except OSError as error:
            answer[0] = error.strerror or str(error)

    thread = Thread(target=connect, daemon=True)
    thread.start()
    thread.join(seconds)
    return answer[0] or None
