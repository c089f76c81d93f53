"""Which sources answer now, and when each of them answered last on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from ...models.source import Source
from ...types import AttnI2IError
from .download import refuse_page
from .hub_files import describe
from .kinds import locate
from .ledger import note_answer, note_failure, remembered
from .policy import setting
from .web import ask

TOGETHER = 8
"""Sources that are asked at a time: enough to be done in seconds, too few to look like an attack."""


class SourceStanding(NamedTuple):
    """How a source stands: whether it answered just now (None where it was not asked), when last, and why not."""

    source: Source
    now: bool | None
    last: str | None
    why: str

    def __str__(self) -> str:
        last = f"last answered {self.last}" if self.last else "never answered here"
        if self.now:
            return f"{self.source.label}: answers"
        return f"{self.source.label}: {last}{f' ({self.why})' if self.why else ''}"


def ask_all(sources: Iterable[Source]) -> list[SourceStanding]:
    """The standing of each source, in their order; a source that several cards name is asked once."""
    listed = list(sources)
    distinct = {(s.kind, s.address, s.names): s for s in listed}
    with ThreadPoolExecutor(TOGETHER) as pool:
        answers = dict(zip(distinct, pool.map(_ask, distinct.values()), strict=True))
    return [answers[(s.kind, s.address, s.names)]._replace(source=s) for s in listed]


def _ask(source: Source) -> SourceStanding:
    """One small request; nothing where fetching is forbidden, or where only a person can use the place."""
    now, why = None, ""
    if source.state == "unchecked" and setting() != "never":
        try:
            _touch(source)
        except AttnI2IError as error:
            now, why = False, str(error)
            note_failure(source, why)
        else:
            now = True
            note_answer(source)
    noted = remembered(source)
    return SourceStanding(source, now, noted.get("answered"), why or source.state.replace("unchecked", ""))


def _touch(source: Source) -> None:
    """Raise AttnI2IError unless the source would give its first file."""
    if source.kind == "hub":
        describe(source, source.names[0])
        return
    remote = locate(source)[0]
    with ask(remote.url, hosts=remote.hosts, headers={**remote.headers, "Range": "bytes=0-1023"}) as answer:
        refuse_page(answer.read(1024), answer)
