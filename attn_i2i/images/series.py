"""What holds for a whole series of pictures: the range of their stored values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..arguments import require_types, typed
from ..types import ConfigError
from .opening import MAX_PIXELS
from .picture import Picture, Stored
from .ranges import DTYPE, EXAMPLES, Percentiles, Range, RangeLike, measure, parse_range
from .read import ImageSource, read_image


@typed
def measure_range(
    sources: Iterable[ImageSource | Picture],
    range: RangeLike,  # noqa: A002
    *,
    page: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Range:
    """The range of a series, such as all training pictures: "percentile:0.1,99.9" or "min,max" over all their numbers.

    Two numbers are returned as they are. Pictures are read one at a time. Percentiles are exact for integers of up to
    16 bits; of other numbers a quarter of a million of each picture count. Raises ConfigError and UnreadableFileError.
    """
    require_types(Iterable, sources=sources)
    wanted = parse_range(range)
    if isinstance(wanted, Range):
        return wanted
    if not isinstance(wanted, Percentiles):
        raise ConfigError(f"range={range!r} is nothing to measure: give such as {EXAMPLES}.")
    read = (
        source if isinstance(source, Picture) else read_image(source, max_pixels=max_pixels, range=DTYPE, page=page)
        for source in sources
    )
    return measure((picture.numbers() for picture in read), wanted)


def in_range(picture: Picture, wanted: Range) -> Picture:
    """The same picture seen in another range; where its file calls white 0, the range turns round as its own did."""
    if picture.stored is not None and picture.stored.range.low > picture.stored.range.high:
        wanted = Range(wanted.high, wanted.low)
    numbers = picture.numbers()
    return replace(picture, values=wanted.unit(numbers).to(picture.values.device), stored=Stored(numbers, wanted))
