"""Whether a measure can be run and read."""

from __future__ import annotations

import inspect

from ..evaluate.needs import NEEDS
from ..interfaces import Measure
from .contract import ContractError


def check_measure(measure: Measure) -> None:
    """Raise ContractError unless ``measure`` is one, its needs have names, and its function takes as many."""
    if not isinstance(measure, Measure):
        raise ContractError(f"A {type(measure).__name__} is registered as a measure: expected interfaces.Measure.")
    unknown = [need for need in measure.needs if need not in NEEDS]
    if unknown or not measure.needs:
        given = f"{unknown[0]!r} is" if unknown else "Nothing is"
        raise ContractError(f"{given} named as what the measure needs: expected names of {', '.join(NEEDS)}.")
    try:
        inspect.signature(measure.function).bind(*measure.needs)
    except TypeError as error:
        raise ContractError(f"Its function does not take the {len(measure.needs)} needs: {error}.") from error
    if not measure.summary:
        raise ContractError("Its function has no docstring, and it has no summary: say in one line what it tells.")
