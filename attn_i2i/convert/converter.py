"""How one published layout of one network is recognised and brought into this library's layout."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from ..interfaces import RGB
from ..types import ConversionError, StateDict

Replacement: TypeAlias = "str | Callable[[re.Match[str]], str] | None"
Rules: TypeAlias = "Sequence[tuple[str, Replacement]]"

WRAPPERS = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before every key


class Scope(NamedTuple):
    """Keys that match ``pattern`` at their start belong to the network ``slot``; ``prefix`` replaces the match."""

    pattern: str
    slot: str
    prefix: str = ""


@dataclass(frozen=True)
class Converter:
    """One published layout of one kind of network.

    ``architecture`` names the registered generator or discriminator that ``role`` says. ``detect`` looks at keys and
    shapes of one network; ``infer`` reads the configuration off the shapes. Each key must match one pattern of
    ``rename`` in full. It becomes the replacement, a template or a function of the match; it is dropped if the
    replacement is None. ``rename`` may be a function of the configuration. ``adapt`` turns a published tensor into
    ours, given our key; ``finish`` then changes the renamed tensors together. ``check`` says what is wrong with
    published tensors that are dropped, or None. ``scopes`` divide a file that holds several networks.

    Which way a network translates is read off the names of files and entries (``convert.names``). ``makes`` says for
    which domain a letter in a name stands, where a layout differs from others. ``by_domain`` says that networks stand
    under the names of their domains. ``slots`` overrides both: pairs of a pattern for file and entry names, and the
    slot that it tells; the last is the default. Slots of generators are A2B, B2A, translate, those of discriminators A,
    B, all.

    ``layout`` is what ``as_layout`` calls it; if empty, it is the registered name. ``assumes`` says what no key tells,
    as a text or a function of the tensors; the model's provenance records it. With ``on_demand`` it is asked only by
    that option, or where a file's name without its ending matches ``suggested_by``.
    """

    role: Literal["generator", "discriminator"]
    architecture: str
    detect: Callable[[StateDict], bool]
    infer: Callable[[StateDict], Mapping[str, Any]]
    rename: Rules | Callable[[Mapping[str, Any]], Rules]
    adapt: Callable[[str, Tensor], Tensor] | None = None
    scopes: Sequence[Scope] = ()
    slots: Sequence[tuple[str, str]] = ()
    finish: Callable[[StateDict], StateDict] | None = None
    check: Callable[[StateDict], str | None] | None = None
    makes: Mapping[str, str] = field(default_factory=dict)
    by_domain: bool = False
    layout: str = ""
    assumes: str | Callable[[StateDict], Sequence[str]] = ""
    on_demand: bool = False
    suggested_by: str = ""

    def split(self, state: StateDict, where: str) -> dict[str, StateDict]:
        """Networks of this layout in ``state`` by slot; empty where there is none, or where one is not recognised.

        The slot is empty text where names decide.
        """
        parts: dict[str, StateDict] = {}
        for key, tensor in state.items():
            for scope in self.scopes:
                if match := re.match(scope.pattern, key):
                    inner = without_wrapper(key[match.end() :])
                    parts.setdefault(scope.slot, {})[scope.prefix + inner] = tensor
        if not parts:
            parts = {self.slot_of(where) or "": state}
        return parts if all(self._detects(part) for part in parts.values()) else {}

    def claimed(self, state: StateDict) -> set[str]:
        """Keys of ``state`` that this layout's scopes take; all of them where none matches."""
        keys = {key for key in state if any(re.match(scope.pattern, key) for scope in self.scopes)}
        return keys or set(state)

    def slot_of(self, where: str) -> str | None:
        """The slot that a file or dictionary name tells; None where the layout leaves it to the names together."""
        if not self.slots:
            return None
        return next((slot for pattern, slot in self.slots if re.search(pattern, where)), self.slots[-1][1])

    def is_suggested(self, stem: str) -> bool:
        """Whether a file's name, without its ending, suggests this layout."""
        return bool(self.suggested_by) and re.fullmatch(self.suggested_by, stem) is not None

    def convert(self, state: StateDict, *, consume: bool = False) -> tuple[dict[str, Any], StateDict]:
        """Configuration and renamed tensors of one published network.

        With ``consume`` each tensor leaves ``state`` when it is converted, so that a large network lies in memory once.
        """
        try:
            config = dict(self.infer(state))
        except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
            raise ConversionError(
                f"This looks like {self.architecture} ({self.role}), but its configuration cannot be read off the"
                f" shapes ({type(error).__name__}: {error}): the file is damaged or incomplete."
            ) from error
        if self.check and (wrong := self.check(state)):
            raise ConversionError(f"This looks like {self.architecture} ({self.role}), but {wrong}.")
        rules = self.rename(config) if callable(self.rename) else self.rename
        renamed: StateDict = {}
        for key in list(state):
            tensor = state.pop(key) if consume else state[key]
            new = self._renamed(key, rules, config)
            if new in renamed:
                raise ConversionError(
                    f"This looks like {self.architecture} ({self.role}), but two of its keys, one of them {key!r}, are"
                    f" both {new!r} here: it may come from a modified network."
                )
            if new is not None:
                refuse_values(key, tensor)
                renamed[new] = self.adapt(new, tensor) if self.adapt else tensor
        renamed = _with_counters(renamed)
        return config, self.finish(renamed) if self.finish else renamed

    def _renamed(self, key: str, rules: Rules, config: Mapping[str, Any]) -> str | None:
        for pattern, replacement in rules:
            if match := re.fullmatch(pattern, key):
                if replacement is None:
                    return None
                return match.expand(replacement) if isinstance(replacement, str) else replacement(match)
        options = ", ".join(f"{name} {value}" for name, value in config.items())
        raise ConversionError(
            f"This looks like {self.architecture} ({self.role}, {options}), but no rule covers its key {key!r}: it may"
            " come from a modified network. If the pictures do not depend on that tensor, give leave_out=[NAME]."
        )

    def _detects(self, state: StateDict) -> bool:
        try:
            return bool(self.detect(state))
        except (KeyError, IndexError, ValueError):
            return False


def refuse_values(key: str, tensor: Tensor) -> None:
    """Raise ConversionError for what no network can compute with: quantised or complex numbers, NaN, infinity."""
    if tensor.dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        # the extremes, since a mask of a tensor of a gigabyte needs more than another gigabyte
        extremes = torch.stack(tensor.aminmax()) if tensor.numel() else tensor.new_zeros(2)
        if not extremes.isfinite().all():
            raise ConversionError(f"the weights {key!r} hold NaN or infinite numbers: take an earlier checkpoint.")
        if not extremes.float().isfinite().all():
            raise ConversionError(f"the weights {key!r} hold numbers beyond float32: take an earlier checkpoint.")
    elif tensor.dim() or tensor.dtype.is_complex:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise ConversionError(
            f"the weights {key!r} are {kind}: quantised or other than plain numbers, which mean nothing without their"
            " scales; give the checkpoint before quantisation."
        )


def _with_counters(state: StateDict) -> StateDict:
    """``state`` with the batch norms' counters, which PyTorch before 0.4.1 did not store."""
    norms = [key.removesuffix("running_var") for key in state if key.endswith(".running_var")]
    return state | {key: torch.tensor(0) for norm in norms if (key := f"{norm}num_batches_tracked") not in state}


def without_wrapper(key: str) -> str:
    """``key`` without the prefixes that DataParallel and torch.compile put before it."""
    while key.startswith(WRAPPERS):
        key = key.partition(".")[2]
    return key


def count(state: StateDict, pattern: str) -> int:
    """How many different values the first group of ``pattern`` takes over the keys it matches: layers, blocks."""
    return len({match[1] for key in state if (match := re.match(pattern, key))})


def unusual(**channels: int) -> dict[str, int]:
    """Those numbers of channels that are not RGB's: a configuration leaves out what everybody expects."""
    return {name: int(number) for name, number in channels.items() if number != RGB}


def has(state: StateDict, key: str, *shape: int | None) -> bool:
    """Whether ``key`` is there with this shape; None stands for any length."""
    if key not in state:
        return False
    actual = tuple(state[key].shape)
    return len(actual) == len(shape) and all(w is None or w == a for w, a in zip(shape, actual, strict=True))
