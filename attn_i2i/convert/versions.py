"""Averaged and raw weights of one network: one of them is taken, and said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from ..types import ConversionError
from .detect import RecognisedNetwork
from .names import read_clue
from .options import ChoiceError

WeightsVersion: TypeAlias = Literal["ema", "raw"]


def choose_versions(
    networks: Sequence[RecognisedNetwork], slots: Sequence[str], wanted: WeightsVersion | None = None
) -> tuple[list[RecognisedNetwork], list[str], dict[str, str]]:
    """One version of each network, its slot, and which version it is where there was a choice.

    Averaged weights are taken where there are some, because their projects translate with them; ``wanted`` decides
    otherwise. Raises ConversionError where the wanted version of a generator is not there.
    """
    versions = ["ema" if read_clue(network.path, network.role).average else "raw" for network in networks]
    present: dict[tuple[str, str], set[str]] = {}
    for network, slot, version in zip(networks, slots, versions, strict=True):
        present.setdefault((network.role, slot), set()).add(version)
    generators = {version for (role, _), some in present.items() if role == "generator" for version in some}
    if wanted is not None and wanted not in generators:
        only = {"ema": "averaged", "raw": "raw"}[generators.pop()]
        raise ConversionError(
            f"weights={wanted!r} was asked for, but there are only {only} weights: leave weights out."
        )
    preferred = wanted or "ema"
    taken = {key: preferred if preferred in some else next(iter(some)) for key, some in present.items()}
    rows = [
        (network, slot)
        for network, slot, version in zip(networks, slots, versions, strict=True)
        if taken[network.role, slot] == version
    ]
    told = {slot: taken[role, slot] for (role, slot), some in sorted(present.items()) if len(some) > 1}
    return [network for network, _ in rows], [slot for _, slot in rows], told


def check_weights(wanted: str | None) -> None:
    """Raise ChoiceError for a word that names no version."""
    if wanted not in (None, "ema", "raw"):
        raise ChoiceError(f"weights={wanted!r} is not known: choose 'ema' (averaged weights) or 'raw'.")
