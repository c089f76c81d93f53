"""What a page can have done: translations in a queue, and everything after them without a network."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO
from queue import SimpleQueue
from typing import Any

from ..hub.errors import LicenceError
from ..hub.sources.errors import FetchError
from ..hub.sources.progress import heard_by
from ..images.opening import open_image
from ..images.picture import Picture
from ..images.ranges import Range
from ..images.read import read_stream
from ..images.series import in_range
from ..interfaces import channels_of, only_size
from ..translate.channels import no_choice_of_colours
from ..translate.compositing import recompose
from ..translate.options import Options
from ..translate.result import Result
from ..translate.translator import Translator
from .limits import BusyError, Limits
from .session import Session, Sessions, Slot, Wish
from .shelf import Shelf
from .told import told
from .views import part_names

FETCHERS = 2
"""Downloads at once: a large one does not stop a small one, and a line is not shared by many."""


@dataclass(eq=False)
class Ticket:
    """A translation that was asked for. It counts as long as its slot is still the one in the session."""

    session: Session
    number: int
    slot: Slot
    wish: Wish
    picture: Picture

    @property
    def stands(self) -> bool:
        """Whether nobody has asked for something else since."""
        return self.session.slots[self.number] is self.slot


class Desk:
    """Takes pictures and wishes, and answers with results. Networks run one at a time, downloads beside them."""

    def __init__(self, shelf: Shelf, limits: Limits) -> None:
        self.shelf, self.limits = shelf, limits
        self.sessions = Sessions(limits)
        self._lock = threading.Lock()
        self._line: list[Ticket] = []
        self._to_fetch: SimpleQueue[Ticket] = SimpleQueue()
        self._to_run: SimpleQueue[Ticket] = SimpleQueue()
        for _ in range(FETCHERS):
            _start(self._to_fetch, self._fetch)
        _start(self._to_run, self._run)

    def take_picture(self, session: Session, content: bytes, name: str) -> None:
        """Read a picture and begin anew with it; raises as ``read_image`` does, under the limit of pixels."""
        frames = _frames(content, self.limits.pixels)
        page, note = (0, f"It has {frames} frames: the first is shown.") if frames > 1 else (None, "")
        picture = read_stream(BytesIO(content), name, name, self.limits.pixels, page)
        session.set_picture(picture, sha256(content).hexdigest(), note)
        self.sessions.trim()

    def translate(self, session: Session, number: int, wish: Wish) -> None:
        """Have a picture translated for a slot, after those that wait already; what the slot had is let go.

        Raises UnknownNameError for the model, ConfigError without a picture, BusyError where too many wait.
        """
        self.shelf.resolve(wish.model)
        with session.lock, self._lock:
            picture = session.require_picture()
            session.slot(number)
            self._line = [ticket for ticket in self._line if ticket.stands]
            mine = sum(ticket.session is session and ticket.number == number for ticket in self._line)
            if len(self._line) - mine >= self.limits.waiting:
                raise BusyError(f"{len(self._line)} translations wait already: try again in a minute.")
            ticket = Ticket(session, number, Slot(wish, "waiting"), wish, picture)
            session.slots[number] = ticket.slot
            self._line.append(ticket)
        self._to_fetch.put(ticket)

    def clear(self, session: Session, number: int) -> None:
        """Empty a slot."""
        with session.lock:
            session.slot(number)
            session.slots[number] = Slot()

    def ahead(self, slot: Slot) -> int:
        """How many translations come before that of ``slot``."""
        with self._lock:
            line = [ticket.slot for ticket in self._line if ticket.stands]
        return line.index(slot) if slot in line else 0

    def composed(self, session: Session, number: int, options: Options) -> Result:
        """A slot's result under ``options`` and the painted mask. No network runs.

        A network without masks has nothing that ``keep_background`` and ``threshold`` could go by where none is
        painted: its output is whole then. The page says so, because it shows one setting for two models.
        """
        with session.lock:
            components, limit = session.components(number), session.limit
        if components.foreground is None and limit is None:
            options = replace(options, keep_background=False, threshold=None)
        return recompose(components, limit, options)

    def _fetch(self, ticket: Ticket) -> None:
        if not ticket.stands:
            return
        ticket.slot.state = "fetching"

        def report(done: int, total: int | None) -> None:
            ticket.slot.done, ticket.slot.total = done, total

        with heard_by(report):
            self.shelf.bring(ticket.wish)
        ticket.slot.state = "waiting"
        self._to_run.put(ticket)

    def _run(self, ticket: Ticket) -> None:
        if not ticket.stands:
            return
        wish, slot = ticket.wish, ticket.slot
        slot.state = "running"
        translator = self.shelf.load(wish)
        domain = list(wish.domain) or None
        picture, seen = ticket.picture, translator.range
        picture = in_range(picture, seen) if isinstance(seen, Range) else picture  # read before a model was chosen
        with no_choice_of_colours():
            result = translator(picture, direction=wish.direction, domain=domain, size="fit")
        slot.model = self.shelf.provenance(wish, translator)
        slot.note = _note(translator, wish, ticket.picture)
        slot.result = result
        slot.state = "done"
        self._leave(ticket)
        self.sessions.trim()

    def _leave(self, ticket: Ticket) -> None:
        with self._lock:
            self._line = [other for other in self._line if other is not ticket]

    def fail(self, ticket: Ticket, error: BaseException) -> None:
        """Tell the page of a ticket what went wrong."""
        self._leave(ticket)
        slot = ticket.slot
        slot.message = told(error)
        if self.shelf.open_hand and isinstance(error, LicenceError):
            slot.asks = "licence"
        elif self.shelf.open_hand and isinstance(error, FetchError) and ticket.wish.fetch is None:
            slot.asks = "fetch"
        slot.state = "failed"

    def state(self, session: Session) -> dict[str, Any]:
        """All that a page shows of itself, as JSON holds it. ``number`` grows: answers may overtake one another."""
        with session.lock:
            picture = session.picture
            return {
                "number": next(session.numbers),
                "picture": None if picture is None else _about(picture) | {"note": session.note},
                "mask": session.limit is not None,
                "slots": [self._slot_state(slot) for slot in session.slots],
            }

    def _slot_state(self, slot: Slot) -> dict[str, Any]:
        return {
            "state": slot.state,
            "model": slot.wish.model if slot.wish else None,
            "message": slot.message,
            "asks": slot.asks,
            "done": slot.done,
            "total": slot.total,
            "ahead": self.ahead(slot) if slot.state == "waiting" else 0,
            "note": slot.note,
            "masks": slot.result is not None and slot.result.foreground is not None,
            "parts": part_names(slot.result) if slot.result is not None else [],
        }


def _frames(content: bytes, max_pixels: int) -> int:
    """How many frames or pages there are; 1 of what Pillow cannot open, which is judged when it is read."""
    try:
        with open_image(BytesIO(content), "image", max_pixels) as image:
            return 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    except Exception:  # damaged files are answered with nearly every exception there is
        return 1


def _about(picture: Picture) -> dict[str, Any]:
    height, width = picture.size
    return {"name": picture.name, "width": width, "height": height, "channels": picture.channels}


def _note(translator: Translator, wish: Wish, picture: Picture) -> str:
    """What a user should know of how the network saw the picture."""
    generator = translator.generators[wish.direction or translator.direction]
    notes = []
    only = only_size(generator)
    if only not in (None, picture.size):
        height, width = only
        notes.append(f"This network takes {width}x{height} only: the picture was resized to that and back.")
    if picture.channels == 1 and channels_of(generator)[0] != 1:
        notes.append("The picture is grey: the mean of the network's colours is shown.")
    return " ".join(notes)


def _start(queue: SimpleQueue[Ticket], work: Callable[[Ticket], None]) -> None:
    """Work off ``queue`` in a thread of its own, which ends with the program; an error is told to its page."""
    desk: Desk = work.__self__  # type: ignore[attr-defined]

    def loop() -> None:
        while True:
            ticket = queue.get()
            try:
                work(ticket)
            except BaseException as error:
                desk.fail(ticket, error)

    threading.Thread(target=loop, name=f"attn-i2i serve {work.__name__}", daemon=True).start()
