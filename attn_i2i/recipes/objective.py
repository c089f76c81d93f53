"""The loss terms of a recipe: those it comes with, changed and added to by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..interfaces import Objective, Term
from ..plugins import zoo
from ..registry import suggestion
from ..types import ConfigError, UnknownNameError

PREFIX = "objective."  # what tells a loss term's weight from a recipe's option


def resolve_terms(recipe: str, default: Objective, changes: Mapping[str, Any]) -> tuple[Objective, dict[str, Any]]:
    """The terms of an objective, and the text that the run stores of each.

    A change is a weight, for a default term or a registered term. Or it is a pair: a weight, and the term itself as a
    function or a registered name. Weight 0 leaves a term out. Functions are stored as ``module:name``. Raises
    ConfigError for what is no weight or no term, UnknownNameError for a name that nobody registered.
    """
    terms: dict[str, tuple[float, Term]] = dict(default)
    stored: dict[str, Any] = {name: weight for name, (weight, _) in default.items()}
    for name, change in changes.items():
        weight, source = _read(recipe, name, change)
        if source is None and name not in default:
            source = name
        if source is not None:
            terms[name] = weight, _term(recipe, name, source, default)
        else:
            terms[name] = weight, default[name][1]
        stored[name] = weight if source in (None, name) else [weight, _text(source)]
    used = {name: pair for name, pair in terms.items() if pair[0]}
    if default and not used:
        raise ConfigError(f"{recipe}: every loss term has the weight 0, so nothing would be learnt.")
    return used, {f"{PREFIX}{name}": value for name, value in stored.items()}


def term_named(name: str, default: Iterable[str]) -> str:
    """The name of a term as it is registered: ``mask_variation`` is ``mask-variation``."""
    hyphened = name.replace("_", "-")
    return hyphened if name not in default and (hyphened in default or hyphened in zoo().losses) else name


def _read(recipe: str, name: str, change: Any) -> tuple[float, str | Term | None]:
    """The weight of a change, and what the term is where that was given."""
    source: Any = None
    weight = change
    if isinstance(change, list | tuple) and len(change) == 2:
        weight, source = change
    is_weight = isinstance(weight, int | float) and not isinstance(weight, bool) and 0 <= weight < math.inf
    if not is_weight or not (source is None or isinstance(source, str) or callable(source)):
        raise ConfigError(
            f"{recipe}: {PREFIX}{name}={change!r} was given, expected a weight of 0 or more, or a weight and a loss"
            " term: a function of a RoundTrip or a registered name."
        )
    return float(weight), source


def _term(recipe: str, name: str, source: str | Term, default: Objective) -> Term:
    if not isinstance(source, str):
        return source
    if source in zoo().losses:
        return zoo().losses.load(source)
    if ":" in source:
        raise ConfigError(
            f"{recipe}: the loss term {name!r} was the function {source} of a Python program: train from there, with"
            " the same objective, or register the term under a name."
        )
    names = sorted({*default, *(entry.name for entry in zoo().losses)})
    raise UnknownNameError(
        f"{recipe} has no loss term {source!r}, and none is registered under that name."
        f"{suggestion(source, names)} Terms: {', '.join(names)}."
    )


def _text(source: str | Callable[..., Any]) -> str:
    """A registered name, or where a function stands."""
    if isinstance(source, str):
        return source
    return f"{source.__module__}:{getattr(source, '__qualname__', type(source).__qualname__)}"
