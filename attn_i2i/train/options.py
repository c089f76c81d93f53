"""The engine's options, checked before anything is read or built. What a family trains by belongs to its recipe."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from ..types import ConfigError
from .words import RECIPES, meant

Precision = Literal["fp32", "bf16"]
OPTION = re.compile(r"[a-zA-Z_][\w-]*(\.[\w-]+)*")  # a name, or one below another: generator.width
AT_LEAST_ONE = (
    "steps",
    "epoch_size",
    "batch_size",
    "accumulation",
    "crop_size",
    "load_size",
    "keep",
    "save_every",
    "log_every",
)
AT_LEAST_ZERO = ("seed", "workers", "sample_every")
MAY_BE_NONE = frozenset({"steps", "epoch_size", "load_size", "workers"})
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
    ``load_size`` squared (default: 286/256 of ``crop_size``, as published), cropped at random and, with ``flip``,
    mirrored every second time. ``cache`` keeps the resized pictures in memory. ``ema`` is the decay of an average of
    the generators' weights, which the model then consists of; 0 is none. ``None`` lets the device decide.
    ``sample_every`` 0 draws no pictures.
    """

    steps: int | None = None
    epoch_size: int | None = None
    batch_size: int = 1
    accumulation: int = 1
    crop_size: int = 256
    load_size: int | None = None
    flip: bool = True
    seed: int = 0
    workers: int | None = None
    cache: bool = False
    device: str | None = None
    precision: Precision | None = None
    channels_last: bool | None = None
    compile: bool = False
    checkpointing: bool = False
    ema: float = 0.0
    save_every: int = 1000
    keep: int = 2
    sample_every: int = 500
    log_every: int = 10
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in AT_LEAST_ONE + AT_LEAST_ZERO:
            _check_number(name, getattr(self, name), int(name in AT_LEAST_ONE))
        for name in SWITCHES:
            value = getattr(self, name)
            if type(value) is not bool and not (value is None and name == "channels_last"):
                raise ConfigError(f"{name}={value!r} was given: expected True or False.")
        if self.device not in (None, "cpu", "cuda"):
            raise ConfigError(
                f"device={self.device!r} was given: expected cpu or cuda; choose one GPU by CUDA_VISIBLE_DEVICES."
            )
        if type(self.ema) not in (int, float) or not 0 <= self.ema < 1:
            raise ConfigError(f"ema={self.ema!r} was given: expected a decay from 0 (none) to below 1, such as 0.999.")
        if self.precision not in (None, *get_args(Precision)):
            raise ConfigError(f"precision={self.precision!r} was given: expected {' or '.join(get_args(Precision))}.")
        if self.load < self.crop_size:
            raise ConfigError(f"load_size={self.load_size} is less than crop_size={self.crop_size}: nothing to crop.")

    @property
    def load(self) -> int:
        """The size pictures are resized to before the crop."""
        return self.load_size or round(self.crop_size * 286 / 256)

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> TrainOptions:
        """Options by name; raises ConfigError, with a suggestion, for a name that is none."""
        known = [field.name for field in fields(cls)]
        for name in options:
            if name not in known:
                raise ConfigError(
                    f"Training has no option {name!r}.{meant(name, known, RECIPES.values())} Options:"
                    f" {', '.join(known)};"
                    " a recipe's own go under recipe_options."
                )
        return cls(**options)


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
