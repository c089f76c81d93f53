"""The page as a running server."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address

import uvicorn

from ..devices import pick_device
from ..types import AttnI2IError
from .app import make_app
from .desk import Desk
from .limits import Limits
from .shelf import Shelf

# Hosts that a request may name: others could be a foreign name that points here.
LOOPBACK_NAMES = ["127.0.0.1", "localhost", "::1", "[::1]"]


class PortError(AttnI2IError, OSError):
    """An address that this machine does not let the page listen on."""


def serve(
    models: Sequence[str] = (),
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    device: str | None = None,
    fetch: bool | None = None,
    limits: Limits | None = None,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the page until it is interrupted; ``ready`` hears its address once it listens.

    ``models`` are all that it offers; none offers the zoo. ``host`` other than loopback opens it to a network, to
    everybody there. ``fetch`` lets users have models fetched and licences accepted; None lets those of this machine.
    ``port=0`` takes a free one. Raises PortError where the address cannot be listened on, and ConfigError for a device
    that is not here.
    """
    if device is not None:
        pick_device(device)  # a wrong one is told now too
    loopback = is_loopback(host)
    shelf = Shelf(models or None, device=device, open_hand=loopback if fetch is None else fetch)
    shelf.rows()  # a wrong name is told now, to whoever starts the page
    app = make_app(Desk(shelf, limits or Limits()), LOOPBACK_NAMES if loopback else None)
    with listening(host, port) as bound:
        number = bound.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{number}/")
        uvicorn.Server(config(app)).run(sockets=[bound])


def config(app: object) -> uvicorn.Config:
    """How the server runs: quiet, without trust in what proxies say, and without its name in answers."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=3,  # seconds: a page that polls would hold a stop back for ever
    )


def listening(host: str, port: int) -> socket.socket:
    """A socket that is bound to an address; PortError in one line where that cannot be."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise PortError(
            f"host={host!r} cannot be listened on ({reason}): name an address of this machine, such as 127.0.0.1."
        ) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen()
    except OSError as error:
        bound.close()
        text = error.strerror or str(error)
        raise PortError(
            f"{host}:{port} cannot be listened on ({text}): choose another port (0 takes a free one)."
        ) from error
    return bound


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
