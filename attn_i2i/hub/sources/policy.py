"""Whether a model's files may be fetched now, without asking anybody."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Literal

from ...models.card import Card
from ...models.source import KINDS, Source
from ...types import ConfigError
from .errors import FetchError
from .progress import size_words

UNASKED = 500_000_000
"""``load`` fetches by itself up to this many bytes: some minutes on an ordinary line."""
DIRECTION_BYTES = 1_116_000_000
"""What a direction of the full U-GAT-IT takes: 278.96 million numbers of four bytes."""


def setting() -> Literal["never", "always"] | None:
    """ATTN_I2I_FETCH; never as well where the Hub's client is set offline."""
    value = os.environ.get("ATTN_I2I_FETCH", "").strip().lower()
    if value not in ("", "never", "always"):
        raise ConfigError(f"ATTN_I2I_FETCH is {value!r}, expected never, always, or nothing.")
    from huggingface_hub import constants

    if value == "never" or constants.HF_HUB_OFFLINE:
        return "never"
    return "always" if value else None


def usable(card: Card, digest: str | None = None) -> list[Source]:
    """The sources that a program can use, the most trusted first; ``digest`` is a SHA-256 that the user knows.

    What comes over plain http is left out where nobody states its hash: anybody on the way could change it. Raises
    FetchError where the card knows another hash than ``digest``.
    """
    chosen = []
    for source in sorted(card.sources, key=lambda source: KINDS.index(source.kind)):
        if digest and len(source.names) == 1:
            source = _pinned_by(card, source, digest)
        if source.state == "unchecked" and (source.pinned or not source.open_way):
            chosen.append(source)
    return chosen


def _pinned_by(card: Card, source: Source, digest: str) -> Source:
    (name,) = source.names
    stated = source.sha256.get(name, "")
    if not digest.startswith(stated):
        raise FetchError(
            f"the card of {card.name} says that the SHA-256 of {name} is {stated[:12]}..., but {digest[:12]}... was"
            " given: give no hash of your own"
        )
    return replace(source, sha256={**source.sha256, name: digest}, evidence="the user")


def amount(source: Source) -> int | None:
    """About how many bytes will come; None where nobody says."""
    if source.variables and source.kind == "hub":
        return DIRECTION_BYTES * len(source.variables)
    return source.size or source.about


def require_consent(card: Card, source: Source, fetch: bool | None) -> None:
    """Raise FetchError where the files of ``source`` may not be fetched unasked; ``fetch`` is what the caller says."""
    rule = setting()
    if rule == "never" or fetch is False:
        why = "HF_HUB_OFFLINE or ATTN_I2I_FETCH=never forbids it" if rule == "never" else "fetch=False forbids it"
        raise FetchError(f"{card.name} would have to be fetched ({source.label}), and {why}")
    if fetch or rule == "always":
        return
    size = amount(source)
    if source.pinned and size is not None and size <= UNASKED:
        return
    reason = "no hash of it is known beforehand"
    if source.pinned:
        reason = "nobody says how large it is" if size is None else "that is more than 500 MB"
    raise FetchError(
        f"{card.name} is not on this machine. Its file ({size_words(size)}, {source.label}) is not fetched unasked,"
        f" because {reason}: run attn-i2i fetch {card.name}, or load it with fetch=True (ATTN_I2I_FETCH=always)"
    )
