"""What an unrecognised checkpoint looks like, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from ..plugins._manager import usable
from ..registry import Entry, Registry
from ..types import AttnI2IError, StateDict
from .converter import Converter, Rules, without_wrapper

SAMPLE = 400
"""Tensors that are looked at: enough for any one network."""
NEAR = 0.6
"""A layout that covers less of the keys is not what the file comes from."""


ELSEWHERE = (
    (re.compile(r"(.*\.)?net\.modnet\..*"), "uvcgan2", "attn-i2i-uvcgan2"),
    (re.compile(r"(.*\.)?HourGlass\d\.HG\..*"), "photo2cartoon", "attn-i2i-photo2cartoon"),
)
"""Networks that distributions beside this package read, by keys that only they have."""
SPLIT = (
    (re.compile(r"(.*\.)?weight_g"), "weight norm", "remove_weight_norm"),
    (re.compile(r"(.*\.)?weight_orig"), "spectral norm", "remove_spectral_norm"),
    (re.compile(r"(.*\.)?parametrizations\.weight\.original0"), "weight norm", "remove_parametrizations"),
    (re.compile(r"(.*\.)?parametrizations\.weight\.original"), "spectral norm", "remove_parametrizations"),
)
"""Keys under which weights lie in parts, from which they are put together in every pass; how torch.nn.utils ends it."""


def plugin_hint(keys: Iterable[str]) -> str:
    """Which distribution to install for keys of networks that it reads; empty where none is known."""
    fitting = _fit(keys, ELSEWHERE)
    hints = (f" This is {name}: install {distribution} (plugins/ of the repository)." for name, distribution in fitting)
    return next(hints, "")


def _fit(keys: Iterable[str], table: Sequence[tuple[re.Pattern[str], str, str]]) -> Iterator[tuple[str, str]]:
    """What stands beside the patterns that keys fit, key by key."""
    return ((name, remedy) for key in keys for pattern, name, remedy in table if pattern.fullmatch(key))


def description(state: StateDict, converters: Registry[Converter]) -> str:
    """A sentence about the first network: the layout it is nearest to, where it differs, and its parts."""
    inner = _inner({without_wrapper(key): tensor for key, tensor in list(state.items())[:SAMPLE]})
    nearest, fewest = "", (1 - NEAR) * len(inner)
    for entry in _candidates(converters):
        rules = _rules(entry.load(), inner)
        strange = [key for key in inner if not any(re.fullmatch(pattern, key) for pattern, _ in rules)]
        if rules and len(strange) <= fewest:
            nearest, fewest = _difference(entry, inner, strange), len(strange) - 1
    first = ", ".join(repr(key) for key in list(state)[:3])
    return f"They begin with {first}. {nearest or 'They hold'} {parts_of(inner)}.{_split_hint(state)}"


def _split_hint(keys: Iterable[str]) -> str:
    hints = (f" Its weights are under {norm}: save them without it ({how})." for norm, how in _fit(keys, SPLIT))
    return next(hints, "")


def _candidates(converters: Registry[Converter]) -> list[Entry[Converter]]:
    """The layouts that keys can tell; of two that are as near, the commonest code base's comes first."""
    working = usable(converters)
    entries = [entry for entry in converters if entry.name in working and not entry.load().on_demand]
    return sorted(entries, key=lambda entry: entry.name != "cyclegan")


def _difference(entry: Entry[Converter], state: StateDict, strange: list[str]) -> str:
    differs = f"that has no {', '.join(map(repr, strange[:3]))}" if strange else "the shapes differ"
    options = _inferred(entry.load(), state) or {}
    told = f" ({', '.join(f'{name}={value}' for name, value in options.items())})" if options else ""
    return f"It is most like the {entry.load().role} of {entry.name}{told}, but {differs}:"


def parts_of(state: Mapping[str, Tensor]) -> str:
    """The convolutions, linear layers and norms of a network, in one phrase."""
    convolutions = [tensor for tensor in state.values() if tensor.dim() == 4]
    linears = sum(tensor.dim() == 2 for tensor in state.values())
    parts = []
    if convolutions:
        first, last = convolutions[0], convolutions[-1]
        count = counted(len(convolutions), "convolution")
        parts.append(f"{count}, the first {_kernel(first)}, the last {_kernel(last)}")
    if linears:
        parts.append(counted(linears, "linear layer"))
    parts.append(_norms(state))
    return ", ".join(parts)


def _kernel(weight: Tensor) -> str:
    return f"{weight.shape[2]}x{weight.shape[3]} from {weight.shape[1]} to {weight.shape[0]} channels"


def _norms(state: Mapping[str, Tensor]) -> str:
    if any(key.endswith("running_var") for key in state):
        return "norms with running statistics (batch norm)"
    vectors = [key for key, tensor in state.items() if key.endswith("weight") and tensor.dim() == 1]
    return f"{counted(len(vectors), 'norm')} with parameters" if vectors else "no norms with parameters"


def counted(count: int, what: str) -> str:
    """A number of things: ``1 norm``, ``2 norms``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _inner(state: StateDict) -> StateDict:
    """The tensors of the first network, without the dictionary names that all of them share."""
    while state:
        names = {key.partition(".")[0] for key in state}
        if len(names) != 1 or any("." not in key for key in state) or names <= {"model", "main"}:
            return state
        state = {key.partition(".")[2]: tensor for key, tensor in state.items()}
    return state


def _rules(converter: Converter, state: StateDict) -> Rules:
    if not callable(converter.rename):
        return converter.rename
    options = _inferred(converter, state)
    return () if options is None else converter.rename(options)


def _inferred(converter: Converter, state: StateDict) -> Mapping[str, Any] | None:
    """The options that a layout would read off, None where it cannot read any."""
    try:
        return converter.infer(state)
    except (AttnI2IError, KeyError, IndexError, TypeError, ValueError, ZeroDivisionError, AttributeError):
        return None
