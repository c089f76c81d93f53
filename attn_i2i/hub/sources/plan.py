"""What fetching would do, in lines for people; nobody is asked for it."""

from __future__ import annotations

from collections.abc import Iterator

from ...models.card import Card
from ...models.source import Source
from .policy import amount, usable
from .progress import size_words


def plan(card: Card, digest: str | None = None) -> Iterator[str]:
    """The sources of a card in the order in which they would be tried, then those left out, and why."""
    sources = usable(card, digest)
    for number, source in enumerate(sources, 1):
        inner = f", takes {', '.join(source.members)}" if source.members else ""
        yield f"  {number}. {source.label}, {size_words(amount(source))}, {trust_in(source)}: {source.page}{inner}"
    tried = {(source.kind, source.address) for source in sources}
    for source in card.sources:
        if (source.kind, source.address) not in tried:
            yield f"  -  {source.label}, {size_words(amount(source))}, left out ({why_left_out(source)}): {source.page}"


LISTED = {"hub": "the Hub states its hash", "zenodo": "its MD5 is in the record's listing"}
"""What states a hash when it is asked, by the kind of source."""


def trust_in(source: Source) -> str:
    """Why what comes from a source will be trusted."""
    if source.pinned:
        return "hash known"
    if digits := min(len(source.sha256.get(name, "")) for name in source.names):
        return f"the first {digits} digits of its hash known, the rest trusted at first use"
    return LISTED.get(source.kind, "no hash known: trusted at first use")


def why_left_out(source: Source) -> str:
    """Why a program does not use a source."""
    if source.state == "dead":
        return "links to it are broken"
    if source.state == "manual":
        return "only a person can use it"
    return "plain http and no hash known: digest=DIGITS takes it"
