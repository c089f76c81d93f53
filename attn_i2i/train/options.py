"""The engine's options, checked before anything is read or built. What a family trains by belongs to its recipe."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from ..devices import GPUS
from ..images.draw import parse_display
from ..images.ranges import parse_range
from ..recipes.words import OTHER_CODES
from ..types import ConfigError
from .words import meant

Precision = Literal["fp32", "bf16", "auto"]
OPTION = re.compile(r"[a-zA-Z_][\w-]*(\.[\w-]+)*")  # a name, or one below another: generator.width
# Smallest values, and options that the data, the recipe or the device may decide.
AT_LEAST_ONE = (
    "steps",
    "epoch_size",
    "batch_size",
    "accumulation",
    "keep",
    "save_every",
    "log_every",
)
AT_LEAST_ZERO = ("seed", "workers", "sample_every")
MAY_BE_NONE = frozenset({"steps", "epoch_size", "workers"})
NATIVE = "native"
"""The ``load_size`` of pictures that keep their scale: crops are cut out of them as they are."""
SIZE = re.compile(r"(\d{1,5})[x×](\d{1,5})")
SWITCHES = ("flip", "cache", "channels_last", "compile", "checkpointing", "tensorboard")
MOST_SEED = 2**62  # torch's generators take twice as much, and the processes' numbers are added to it
# What a resumed run may change without becoming another run.
FREE_ON_RESUME = frozenset(
    {
        "steps",
        "workers",
        "cache",
        "save_every",
        "sample_every",
        "log_every",
        "keep",
        "tensorboard",
        "display",
        "device",
        "precision",
        "checkpointing",  # which computes the same weights, and is what a run without memory is told to use
    }
)


@dataclass(frozen=True)
class TrainOptions:
    """How to train, whatever the recipe: data, precision, saving, seeing.

    ``steps`` are optimizer steps, by default until the recipe's learning rate is 0. ``epoch_size`` pictures make an
    epoch, by default those of the larger domain. ``batch_size`` is that of one
    process, so a step sees batch_size * accumulation * processes pictures of each domain. Pictures are resized to
    ``load_size`` (default: 286/256 of ``crop_size``, as published), cropped at random and, with ``flip``, mirrored
    every second time. Sizes are one number for squares, or "HEIGHTxWIDTH". The ``load_size`` "native" crops pictures at
    their own scale, and reads no more of large ones than it takes. ``range`` says which stored numbers the networks see
    as -1 and 1: "dtype", "LOW,HIGH", "percentile:LOW,HIGH" or "min,max". Without it 8 bits are taken as they are, and
    of all other pictures the percentiles 0.1 and 99.9 are measured. ``cache`` keeps the resized pictures in memory.
    ``ema`` is the decay of an average of the generators' weights, which the model then consists of; 0 is none. ``None``
    is 0.995 where the recipe has ``augment`` or ``r1``, which are for little data, and 0 elsewhere. In ``device``,
    ``precision`` and ``channels_last`` it lets the device decide. ``sample_every`` 0 draws no pictures. ``display``
    says how those of many channels are shown: "0,1,2" as red, green and blue, "4" as grey, or the name of a colour map.
    """

    steps: int | None = None
    epoch_size: int | None = None
    batch_size: int = 1
    accumulation: int = 1
    crop_size: int | str = 256
    load_size: int | str | None = None
    range: str | None = None
    flip: bool = True
    seed: int = 0
    workers: int | None = None
    cache: bool = False
    device: str | None = None
    precision: Precision | None = None
    channels_last: bool | None = None
    compile: bool = False
    checkpointing: bool = False
    ema: float | None = None
    save_every: int = 1000
    keep: int = 2
    sample_every: int = 500
    log_every: int = 10
    display: str | None = None
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in AT_LEAST_ONE + AT_LEAST_ZERO:
            _check_number(name, getattr(self, name), int(name in AT_LEAST_ONE))
        for name in SWITCHES:
            value = getattr(self, name)
            if type(value) is not bool and not (value is None and name == "channels_last"):
                raise ConfigError(f"{name}={value!r} was given: expected True or False.")
        if self.device not in (None, "cpu", *GPUS):
            raise ConfigError(
                f"device={self.device!r} was given: expected one of cpu, {', '.join(GPUS)}; choose one of several GPUs"
                " by CUDA_VISIBLE_DEVICES."
            )
        if self.ema is not None and (type(self.ema) not in (int, float) or not 0 <= self.ema < 1):
            raise ConfigError(f"ema={self.ema!r} was given: expected a decay from 0 (none) to below 1, such as 0.999.")
        if self.precision not in (None, *get_args(Precision)):
            raise ConfigError(f"precision={self.precision!r} was given: expected {', '.join(get_args(Precision))}.")
        self._settle_pictures()

    def _settle_pictures(self) -> None:
        """Sizes and range as they are stored."""
        object.__setattr__(self, "crop_size", read_size("crop_size", self.crop_size))
        if self.load_size not in (None, NATIVE):
            object.__setattr__(self, "load_size", read_size("load_size", self.load_size))
        if self.range is not None:
            object.__setattr__(self, "range", _range_text(self.range))
        parse_display(self.display)
        if self.load is None and self.cache:
            raise ConfigError("cache keeps resized pictures, and load_size='native' resizes none: leave one out.")
        if self.load is not None and (self.load[0] < self.crop[0] or self.load[1] < self.crop[1]):
            raise ConfigError(f"load_size={self.load_size} is less than crop_size={self.crop_size}: nothing to crop.")

    @property
    def crop(self) -> tuple[int, int]:
        """Height and width of what the networks see."""
        return _sides(self.crop_size)

    @property
    def load(self) -> tuple[int, int] | None:
        """Height and width that pictures are resized to before the crop; None where they keep their scale."""
        if self.load_size is None:
            height, width = self.crop
            return round(height * 286 / 256), round(width * 286 / 256)
        return None if self.load_size == NATIVE else _sides(self.load_size)

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> TrainOptions:
        """Options by name; raises ConfigError, with a suggestion, for a name that is none."""
        names = [field.name for field in fields(cls)]
        for name in options:
            if name not in names:
                raise ConfigError(
                    f"Training has no option {name!r}.{meant(name, names, OTHER_CODES.values())} Options:"
                    f" {', '.join(names)};"
                    " a recipe's own go under recipe_options."
                )
        return cls(**options)


def read_size(name: str, value: object) -> int | str:
    """A size as it is stored: a side, or "HEIGHTxWIDTH" where they differ. Raises ConfigError.

    >>> read_size("crop_size", "256x512"), read_size("crop_size", (64, 64))
    ('256x512', 64)
    """
    sides = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if isinstance(value, str):
        match = SIZE.fullmatch(value.strip())
        sides = (int(match[1]), int(match[2])) if match else (int(value),) * 2 if value.strip().isdecimal() else ()
    if len(sides) != 2 or any(type(side) is not int or side < 1 for side in sides):
        other = f", or {NATIVE!r} for pictures at their own scale" if name == "load_size" else ""
        raise ConfigError(
            f"{name}={value!r} was given: expected a whole number from 1 on, or height and width such as"
            f" '256x512'{other}."
        )
    return sides[0] if sides[0] == sides[1] else f"{sides[0]}x{sides[1]}"


def _sides(size: int | str) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    height, _, width = size.partition("x")
    return int(height), int(width)


def _range_text(value: Any) -> str:
    """A range as text, checked."""
    parse_range(value)
    return value if isinstance(value, str) else ",".join(map(str, value))


def _check_number(name: str, value: object, least: int) -> None:
    if value is None and name in MAY_BE_NONE:
        return
    if type(value) is not int or value < least:
        raise ConfigError(f"{name}={value!r} was given: expected a whole number from {least} on.")
    if name == "seed" and value > MOST_SEED:
        raise ConfigError(f"seed={value} was given: expected at most {MOST_SEED}.")


def parse_assignments(assignments: list[str]) -> dict[str, Any]:
    """``["width=32", "preset=paper"]`` as a dictionary; values are JSON where they can be, else text."""
    parsed: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not (equals and OPTION.fullmatch(name)):
            raise ConfigError(f"{assignment!r} was given: expected name=value, such as width=32 or objective.cycle=5.")
        if name in parsed:
            raise ConfigError(f"{name} was given twice: give it once.")
        try:
            parsed[name] = json.loads(text)
        except ValueError:
            parsed[name] = text
    return parsed
