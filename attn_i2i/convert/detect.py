"""Which networks a checkpoint holds: every registered layout is asked, and exactly one may claim each tensor."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..registry import Entry, Registry
from ..types import ConversionError, StateDict
from .converter import Converter, without_wrapper

TRAINING_STATE = re.compile(
    r"(?i)(^|.*[./])(optim\w*|\w+_opt(im\w*)?|opt_\w+|\w*scheduler|scaler|ema_?updates|epoch|iters?|iteration|step"
    r"|global_step|beta[12]_power(_\d+)?)([./].*)?|.*/(Adam|RMSProp|Momentum|ExponentialMovingAverage)(_\d+)?"
)
"""Names of what optimizers, counters and running averages leave beside the weights that the releases load."""


@dataclass(frozen=True)
class RecognisedNetwork:
    """One network of a checkpoint: which layout recognised it, its slot, its published tensors, where they stood."""

    converter: Entry[Converter]
    slot: str
    state: StateDict
    where: str

    def converted(self) -> tuple[dict[str, Any], StateDict]:
        """Its configuration and tensors in this library's layout."""
        return self.converter.load().convert(self.state)


def find_networks(state: StateDict, where: str, converters: Registry[Converter]) -> list[RecognisedNetwork]:
    """All networks in the flat tensors of one file called ``where``.

    Raises ConversionError where nothing is recognised, where two layouts claim the same tensors, and where a
    recognised checkpoint holds tensors that no layout covers; what optimizers leave, and single numbers beside the
    networks (counters, scores), are none.
    """
    state = {key: tensor for key, tensor in state.items() if not TRAINING_STATE.fullmatch(key)}
    found, unclaimed = _find(state, where, list(converters))
    if not found:
        sample = ", ".join(repr(key) for key in list(state)[:3])
        known = sorted({entry.load().architecture for entry in converters if entry.load().role == "generator"})
        raise ConversionError(
            f"{where}: no known layout has these {len(state)} tensors ({sample}, ...): known are"
            f" {', '.join(known)}; a plugin can add a converter for others."
        )
    if unclaimed:
        raise ConversionError(
            f"{where}: {', '.join(sorted({f.converter.name for f in found}))} recognised, but no layout covers"
            f" {len(unclaimed)} of its tensors ({', '.join(map(repr, unclaimed[:3]))}, ...)."
        )
    return found


def _find(
    state: StateDict, where: str, converters: Sequence[Entry[Converter]]
) -> tuple[list[RecognisedNetwork], list[str]]:
    state = {without_wrapper(key): tensor for key, tensor in state.items()}
    found: list[RecognisedNetwork] = []
    owner: dict[str, Entry[Converter]] = {}
    for entry in converters:
        converter = entry.load()
        parts = converter.split(state, where)
        for key in converter.claimed(state) if parts else ():
            if key in owner:
                raise ConversionError(
                    f"{where}: claimed by two layouts, {owner[key].name!r} (plugin {owner[key].plugin!r}) and"
                    f" {entry.name!r} (plugin {entry.plugin!r}): disable one of the plugins."
                )
            owner[key] = entry
        found += [RecognisedNetwork(entry, slot, part, where) for slot, part in parts.items()]
    rest = {key: tensor for key, tensor in state.items() if key not in owner}
    unclaimed: list[str] = []
    for name, group in _groups(rest).items():
        loose = [key for key, tensor in group.items() if tensor.dim()]
        inner, left = _find(group, f"{where}:{name}", converters) if name else ([], loose)
        found += inner
        unclaimed += [f"{name}.{key}" if name else key for key in left]
    return found, unclaimed


def _groups(state: StateDict) -> dict[str, StateDict]:
    """Tensors by the first part of their key; keys of one part stand under the empty name."""
    groups: dict[str, StateDict] = {}
    for key, tensor in state.items():
        name, separator, inner = key.partition("." if "/" not in key else "/")
        groups.setdefault(name if separator else "", {})[inner if separator else key] = tensor
    return groups
