"""How much a served page takes from its users, and keeps for them."""

from __future__ import annotations

from dataclasses import dataclass

from ..types import AttnI2IError, ConfigError


class BusyError(AttnI2IError):
    """A page that has more to do, or more users, than it takes."""


class TooLargeError(AttnI2IError):
    """An upload of more bytes than the page takes."""


@dataclass(frozen=True)
class Limits:
    """``upload_bytes`` and ``pixels`` are of one picture, ``waiting`` counts translations that wait for a network.

    ``sessions`` open pages are remembered, each until it was idle for ``idle_seconds``. ``kept_bytes`` of pictures,
    masks and contents are kept over all of them: the page that was idle longest loses its own first.
    """

    upload_bytes: int = 32 * 2**20
    """A camera's JPEG of 24 megapixels is about 12 MB, a PNG of 4 megapixels at most 32 MB with 16 bits a value."""
    pixels: int = 4_000_000
    """More take minutes on a processor, and their masks and contents hundreds of megabytes."""
    waiting: int = 16
    """At some seconds a picture the last of them waits about a minute: nobody waits longer at a page."""
    sessions: int = 64
    kept_bytes: int = 2 * 2**30
    """What a laptop can spare; a picture of 256x256 with ten masks takes 10 MB, one of four megapixels 640 MB."""
    idle_seconds: float = 3600.0

    def __post_init__(self) -> None:
        for name in ("upload_bytes", "pixels", "waiting", "sessions", "kept_bytes", "idle_seconds"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name}={getattr(self, name)} was given: expected more than 0.")
