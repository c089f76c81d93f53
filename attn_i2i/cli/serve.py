"""``attn-i2i serve``: a page in a browser that translates pictures."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

ServeModels = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL",
        help="Offer these alone: zoo names, hf-hub:owner/repo, model folders.",
        show_default="the zoo",
    ),
]
Fetch = Annotated[
    bool | None,
    typer.Option(
        "--fetch/--no-fetch",
        help="Let users of the page fetch models and accept licences.",
        show_default="only from this machine",
    ),
]


def serve(
    models: ServeModels = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but a loopback address opens the page to other machines.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 7860,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, mps, xpu.", show_default="a GPU if there is one")
    ] = None,
    fetch: Fetch = None,
    max_megabytes: Annotated[float, typer.Option(min=0.001, help="Refuse larger uploads, in MiB.")] = 32,
    max_megapixels: Annotated[float, typer.Option(min=0.001, help="Refuse larger pictures, in million pixels.")] = 4,
    max_waiting: Annotated[int, typer.Option(min=1, help="Translations that may wait at once.")] = 16,
) -> None:
    """Serve a page that translates pictures. Mask, strength and background can be changed there."""
    try:
        from ..serve import Limits
        from ..serve import serve as run
        from ..serve.run import is_loopback
    except ModuleNotFoundError as missing:
        if missing.name not in ("anyio", "starlette", "uvicorn"):
            raise
        print(f"error: {missing.name} is not installed: pip install 'attn-i2i[serve]'", file=sys.stderr)
        raise typer.Exit(1) from None
    limits = Limits(upload_bytes=int(max_megabytes * 2**20), pixels=int(max_megapixels * 1e6), waiting=max_waiting)
    if not is_loopback(host):
        text = f"warning: {host} is no loopback address: everybody who reaches this machine can use the page."
        print(text, file=sys.stderr)
    run(models or (), host=host, port=port, device=device, fetch=fetch, limits=limits, ready=_say)


def _say(address: str) -> None:
    print(f"page: {address}", flush=True)
    print("Ctrl-C ends it.", file=sys.stderr)
