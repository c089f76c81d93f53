"""The page and its answers over HTTP; all they say is decided in ``desk``, ``views`` and ``bundle``."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import unquote

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..translate.demo import samples
from ..types import AttnI2IError, ConfigError, UnknownNameError
from .asking import body_of, file_name, json_of, number, options_of, wish_of
from .bundle import bundle
from .desk import Desk
from .limits import BusyError, TooLargeError
from .session import NoSessionError, Session
from .told import told
from .views import SIDE, draw, encoded

TOKEN = "x-session"
"""A header that no other site can send without being asked first, and that no address or log holds."""
# A choice: half of the cores draw and encode, the others are the network's.
DRAWERS = anyio.CapacityLimiter(max(2, (os.cpu_count() or 2) // 2))
# Nothing but the page's own files runs or loads, and no other page may frame it.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:;"
    " media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
# What may be asked for, and where it lies: no name in an address leads to a file by itself.
PAGE = {
    "page.html": (__package__, "page.html"),
    "page.css": (__package__, "page.css"),
    "page.js": (__package__, "page.js"),
    "api.js": (__package__, "api.js"),
    "paint.js": (__package__, "paint.js"),
    "camera.js": (__package__, "camera.js"),
    "wipe.css": ("attn_i2i.evaluate.report", "wipe.css"),
    "wipe.js": ("attn_i2i.evaluate.report", "wipe.js"),
}
# The first that fits, so the general error stands last.
STATUS = ((NoSessionError, 410), (BusyError, 503), (TooLargeError, 413), (UnknownNameError, 404), (AttnI2IError, 400))
T = TypeVar("T")


def make_app(desk: Desk, hosts: list[str] | None = None) -> Starlette:
    """The web application of a desk. ``hosts`` are the names it answers to; None answers to all."""
    routes = [
        Route("/", partial(_file, "page.html")),
        *(Route(f"/{name}", partial(_file, name)) for name in PAGE if name != "page.html"),
        Route("/api/session", partial(_new_session, desk), methods=["POST"]),
        Route("/api/models", partial(_models, desk)),
        Route("/api/samples", _samples),
        Route("/api/samples/{name}", _sample),
        Route("/api/state", _of(desk, _state)),
        Route("/api/picture", _of(desk, _picture), methods=["POST"]),
        Route("/api/mask", _of(desk, _mask), methods=["PUT"]),
        Route("/api/translate/{slot:int}", _of(desk, _translate), methods=["POST", "DELETE"]),
        Route("/api/input", _of(desk, _input)),
        Route("/api/part/{slot:int}/{part}", _of(desk, _part)),
        Route("/api/download", _of(desk, _download)),
    ]
    guard = [] if hosts is None else [Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)]
    handlers: dict[Any, Any] = {HTTPException: _refused, Exception: _failed, AttnI2IError: _failed}
    return Starlette(routes=routes, middleware=[Middleware(_Headers), *guard], exception_handlers=handlers)


class _Headers:
    """Adds HEADERS to every answer."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self.app(scope, receive, with_headers)


async def _refused(request: Request, error: HTTPException) -> Response:
    return JSONResponse({"error": str(error.detail)}, error.status_code)


async def _failed(request: Request, error: Exception) -> Response:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    return JSONResponse({"error": told(error)}, status)


def _of(
    desk: Desk, answer: Callable[[Desk, Session, Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    """A handler for one session; NoSessionError without its token."""

    async def handler(request: Request) -> Response:
        return await answer(desk, desk.sessions.get(request.headers.get(TOKEN, "")), request)

    return handler


async def _aside(work: Callable[..., T], *arguments: Any) -> T:
    """Run what takes a while in a thread; few at once, so that networks have a processor left."""
    return await anyio.to_thread.run_sync(partial(work, *arguments), limiter=DRAWERS)


async def _file(name: str, request: Request) -> Response:
    room, file = PAGE[name]
    return Response(files(room).joinpath(file).read_bytes(), media_type=_TYPES[file.rpartition(".")[2]])


async def _new_session(desk: Desk, request: Request) -> Response:
    if request.headers.get(TOKEN) != "new":
        raise HTTPException(400, f"Send the header {TOKEN}: new.")
    return JSONResponse({"token": desk.sessions.new().token})


async def _models(desk: Desk, request: Request) -> Response:
    rows = await _aside(desk.shelf.rows)
    limits = desk.limits
    about = {"bytes": limits.upload_bytes, "pixels": limits.pixels}
    return JSONResponse({"models": rows, "limits": about, "any": desk.shelf.open_hand and desk.shelf.offers_all})


async def _samples(request: Request) -> Response:
    rows = [{"name": sample.path.name, "model": sample.model, "direction": sample.direction} for sample in samples()]
    return JSONResponse({"samples": rows})


async def _sample(request: Request) -> Response:
    name = request.path_params["name"]
    paths = {sample.path.name: sample.path for sample in samples()}
    if name not in paths:
        raise UnknownNameError(f"No sample is named {name!r}.")
    return Response(paths[name].read_bytes(), media_type="image/png")


async def _state(desk: Desk, session: Session, request: Request) -> Response:
    return JSONResponse(desk.state(session))


async def _picture(desk: Desk, session: Session, request: Request) -> Response:
    content = await body_of(request, desk.limits.upload_bytes)
    if not content:
        raise ConfigError("The file is empty.")
    name = file_name(unquote(request.headers.get("x-name", "")))
    await _aside(desk.take_picture, session, content, name)
    return JSONResponse(desk.state(session))


async def _mask(desk: Desk, session: Session, request: Request) -> Response:
    content = await body_of(request, desk.limits.upload_bytes)
    await _aside(session.set_mask, content, desk.limits.pixels)
    return JSONResponse(desk.state(session))


async def _translate(desk: Desk, session: Session, request: Request) -> Response:
    slot = request.path_params["slot"]
    if request.method == "DELETE":
        desk.clear(session, slot)
        return JSONResponse(desk.state(session))
    await _aside(desk.translate, session, slot, wish_of(await json_of(request)))
    return JSONResponse(desk.state(session))


async def _input(desk: Desk, session: Session, request: Request) -> Response:
    picture = session.require_picture()
    return Response(await _aside(lambda: encoded(picture.pil(), SIDE)), media_type="image/png")


async def _part(desk: Desk, session: Session, request: Request) -> Response:
    options, part, slot = options_of(request), request.path_params["part"], request.path_params["slot"]
    side = min(SIDE, number(request, "side", SIDE, int))

    def work() -> bytes:
        return encoded(draw(desk.composed(session, slot, options), part), side)

    return Response(await _aside(work), media_type="image/png")


async def _download(desk: Desk, session: Session, request: Request) -> Response:
    content = await _aside(bundle, desk, session, options_of(request))
    return Response(content, media_type="application/zip")
