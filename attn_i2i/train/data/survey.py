"""What a training's pictures are, and so how its networks see them: their channels, and one range for all."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...images.header import Header, read_header
from ...images.picture import Picture
from ...images.ranges import DTYPE, Percentiles, Range, parse_range
from ...images.read import read_stream
from ...images.series import measure_range
from ...interfaces import RGB
from ...types import AttnI2IError, ConfigError
from .folders import TrainingImages
from .reading import Encoded, Reading
from .shards import Shards

LOOKED_AT = 64  # pictures of a domain whose headers are read: kinds are seldom mixed, and headers cost a disk's time
MEASURED = "percentile:0.1,99.9"
"""The range of pictures of more than 8 bits where none is given: a dead or a hot pixel does not decide it."""

_MIXED = (
    "Pictures of several types are seen in one range of stored numbers: range='dtype' takes each type in its own, where"
    " that is meant."
)


class Survey(NamedTuple):
    """How pictures are read, the range as text where numbers or a type say it, and what is worth saying."""

    reading: Reading
    range: str | None
    notes: tuple[str, ...]


def survey(
    pictures: TrainingImages | Shards,
    channels: int | None,
    range: str | None,  # noqa: A002
    begun: str | None = None,
) -> Survey:
    """Look at the pictures, and measure the range over all of them where it takes measuring.

    ``channels`` are the networks' where they are settled, and ``range`` is what was asked for, ``begun`` that of the
    model which the training begins from. Raises ConfigError where pictures and networks, or domains, do not agree.
    """
    headers = {name: list(_headers(files)) for name, files in pictures.samples(LOOKED_AT).items()}
    counted, notes = _channels(headers, channels)
    dtypes = sorted({header.dtype.name for group in headers.values() for _, header in group})
    deep = any(name != np.dtype(np.uint8).name for name in dtypes)
    wanted, how = (range, "") if range is not None else (begun, " of the model it begins from")
    if wanted is None and deep:
        wanted, how = MEASURED, ""
    if wanted is None or (wanted == DTYPE and not deep):
        return Survey(Reading(counted), None, notes)
    settled = parse_range(wanted)
    if isinstance(settled, Percentiles):
        settled, how = (
            measure_range(map(_readable, pictures.sources()), wanted),
            f", measured over all of them ({wanted})",
        )
    text = DTYPE if not isinstance(settled, Range) else ",".join(map(_number, settled))
    floats = " (of floats 0 to 1)" if any(name.startswith("float") for name in dtypes) else ""
    seen = f"all that their type can hold{floats}" if text == DTYPE else " to ".join(text.split(","))
    told = f"The networks see {', '.join(dtypes)} pictures in the range {seen}{how}."
    notes += (_MIXED,) if isinstance(settled, Range) and len(dtypes) > 1 else ()
    return Survey(Reading(counted, settled), text, (*notes, told))


def _readable(source: str | Encoded) -> str | Picture:
    """What is measured: of bytes the picture, because errors name it then."""
    if isinstance(source, Encoded):
        return read_stream(io.BytesIO(source.data), source.name, range=DTYPE)
    return source


def _headers(files: Sequence[str | Encoded]) -> Sequence[tuple[str, Header]]:
    """What files say of themselves; a damaged one is left to whoever reads it, who names it."""
    told = []
    for file in files:
        name, source = (file.name, file.data) if isinstance(file, Encoded) else (file, file)
        try:
            told.append((name, read_header(source, name)))
        except AttnI2IError:
            continue
    return told


def _channels(headers: Mapping[str, Sequence[tuple[str, Header]]], wanted: int | None) -> tuple[int, tuple[str, ...]]:
    """The channels of all pictures; a few grey ones among colours are seen in three equal channels, as published."""
    of_group, notes = {}, list[str]()
    for group, told in headers.items():
        counts = Counter(header.channels for _, header in told)
        if not counts:
            continue
        if set(counts) == {1, RGB}:
            notes.append(f"{group}: {counts[1]} of {counts.total()} pictures looked at are grey among colours.")
            counts = Counter({RGB: counts.total()})
        if len(counts) > 1:
            first, second = _two(told)
            raise ConfigError(
                f"{first}, and {second}: the pictures of a training have the same channels, so convert one."
            )
        of_group[group] = next(iter(counts))
    if len(set(of_group.values())) > 1:
        told_of = ", ".join(f"{count} in {group}" for group, count in of_group.items())
        raise ConfigError(
            f"The domains have different numbers of channels ({told_of}), and a training takes one: save the pictures"
            " of one domain anew with as many. Networks that differ so train in a loop of yours, from Python."
        )
    counted = next(iter(of_group.values()), wanted or RGB)
    if wanted is not None and wanted != counted:
        name = next(name for told in headers.values() for name, _ in told)
        raise ConfigError(
            f"The pictures have channels={counted} ({name}), and the networks channels={wanted}: leave channels out to"
            f' train networks for these pictures (or give recipe_options={{"channels": {counted}}}), or convert them.'
        )
    if wanted is None and counted != RGB:
        notes.append(f"The pictures have channels={counted}: so have the networks.")
    return counted, tuple(notes)


def _two(told: Sequence[tuple[str, Header]]) -> tuple[str, str]:
    """Two pictures that differ, with their channels."""
    name, header = told[0]
    other = next((n, h) for n, h in told if h.channels != header.channels)
    return f"{name} has channels={header.channels}", f"{other[0]} has channels={other[1].channels}"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
