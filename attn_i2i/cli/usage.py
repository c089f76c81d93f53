"""What help pages and refused values say: words for those who write no Python."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, get_args

from ..types import ConfigError

# What stands for the value of an option, by the option's type.
VALUES: dict[Any, str] = {str: "TEXT", int: "N", float: "NUMBER", Path: "PATH"}
# How typer and pydantic refuse a value, and how it is said here.
REFUSALS = (
    (r"Value error, ", ""),
    (r"Input should be a valid integer, unable to parse string as an integer", "expected a whole number"),
    (r"Input should be a valid number, unable to parse string as a number", "expected a number"),
    (r"Input should be greater than or equal to (\S+)", r"expected \1 or more"),
    (r"Input should be less than or equal to (\S+)", r"expected \1 or less"),
)


def plain(message: str) -> str:
    """A message of bad usage in plain words.

    >>> plain("Invalid value for '--port': Input should be less than or equal to 65535")
    "Invalid value for '--port': expected 65535 or less"
    """
    for pattern, words in REFUSALS:
        message = re.sub(pattern, words, message)
    return message


def named_output(ctx: Any, parameter: Any, value: Any) -> Any:
    """The value of ``--output``, which is never the standard output: a folder called - is hard to get rid of."""
    if value is not None and str(value) == "-":
        raise ConfigError("-o - was given, but results go to files: give the name of a folder, or of a file.")
    return value


def finite(ctx: Any, parameter: Any, value: Any) -> Any:
    """The value of an option that takes a number; nan and inf are none, though Python reads them as such."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{parameter.opts[0]} {value} was given: expected a number.")
    return value


def name_value(parameter: Any) -> None:
    """Let a help page show ``--size N`` for an option without a metavar, and ``INPUT`` alone for an argument.

    Newer versions of typer write ``--size <int range>`` and ``INPUT <list[str]>``.
    """
    annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    if annotation is None:  # an older version, which has words of its own
        return
    if parameter.param_type_name == "argument":
        parameter.display_type_rich = lambda ctx: ""
        return
    kinds = {annotation, *get_args(annotation)} & VALUES.keys()
    if parameter.metavar is None and not parameter.is_flag and kinds:
        parameter.metavar = VALUES[kinds.pop()]
