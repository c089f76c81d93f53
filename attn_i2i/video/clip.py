"""One clip as it is read: what its file says of it, and its frames one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from ..images.picture import Picture

FOREVER = 0  # plays of an animation that is repeated until it is closed


class Frame(NamedTuple):
    """One frame, upright; ``start`` and ``duration`` count units of the clip's ``time_base``."""

    picture: Picture
    start: int
    duration: int


UNSPECIFIED, BT601, BT709 = 2, 6, 1  # matrices of ITU-T H.273
FULL_RANGE = 2  # brightness from 0 to 255, as FFmpeg counts ranges
HIGH_DEFINITION = 720  # rows from which players take an unspecified matrix for BT.709


class Colours(NamedTuple):
    """What a video says of its colours, as numbers of ITU-T H.273: matrix, primaries and transfer; and FFmpeg's range.

    ``converted`` is the matrix that frames were made RGB by, and go back by.
    """

    matrix: int = UNSPECIFIED
    range: int = 0
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    converted: int = BT601


def conversion(matrix: int, height: int) -> int:
    """The matrix that a video of so many rows is shown by, where it says which, and where it does not."""
    return matrix if matrix != UNSPECIFIED else BT709 if height >= HIGH_DEFINITION else BT601


@dataclass(frozen=True)
class ClipInfo:
    """What holds for all frames of a clip.

    ``format`` is mp4, matroska, gif, apng or webp, ``size`` (height, width) of upright frames, ``time_base`` the
    seconds of a unit of time. ``rate`` (frames a second, on average), ``count`` and ``seconds`` are what the file says,
    None where it says nothing. ``plays`` is how often an animation is shown, 0 for ever. ``depth`` is the bits of a
    channel, ``aspect`` a pixel's width by its height. ``metadata`` are texts such as the title.
    """

    name: str
    format: str
    size: tuple[int, int]
    time_base: Fraction
    rate: Fraction | None = None
    count: int | None = None
    seconds: float | None = None
    plays: int = 1
    alpha: bool = False
    depth: int = 8
    aspect: Fraction = Fraction(1)
    colours: Colours = field(default_factory=Colours)
    metadata: dict[str, str] = field(default_factory=dict)

    def bare(self) -> ClipInfo:
        """Without what the file says of itself."""
        return replace(self, metadata={})


class Clip(Protocol):
    """A clip that is open for reading, once from the front; ``tracks`` are its sounds and subtitles, as PyAV has them.

    ``frames`` gives each frame when it is asked for and keeps none; ``copy`` hears every packet of ``tracks`` in the
    order of the file.
    """

    @property
    def info(self) -> ClipInfo: ...

    @property
    def tracks(self) -> Sequence[Any]: ...

    def frames(self, copy: Callable[[Any], None] = ...) -> Iterator[Frame]: ...


def ignore(packet: Any) -> None:
    """For readers who want no sound."""
