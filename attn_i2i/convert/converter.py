"""How one published layout of one network is recognised and brought into this library's layout."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from ..types import ConversionError, StateDict

Replacement: TypeAlias = "str | Callable[[re.Match[str]], str] | None"
Rules: TypeAlias = "Sequence[tuple[str, Replacement]]"

WRAPPERS = ("module.", "_orig_mod.")


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
    ``rename`` in full: it becomes the replacement (a template, or a function of the match), or is dropped where that
    is None. ``rename`` may be a function of the configuration. ``adapt`` turns a published tensor into ours, given
    our key. ``scopes`` divide a file that holds several networks; ``slots`` are patterns of file and dictionary
    names that tell a network's direction (generators: A2B, B2A) or the domain it looks at (discriminators: A, B). The
    last slot is the default.
    """

    role: Literal["generator", "discriminator"]
    architecture: str
    detect: Callable[[StateDict], bool]
    infer: Callable[[StateDict], Mapping[str, Any]]
    rename: Rules | Callable[[Mapping[str, Any]], Rules]
    adapt: Callable[[str, Tensor], Tensor] | None = None
    scopes: Sequence[Scope] = ()
    slots: Sequence[tuple[str, str]] = (("", "A2B"),)

    def split(self, state: StateDict, where: str) -> dict[str, StateDict]:
        """Networks of this layout in ``state`` by slot; empty where there is none, or where one is not recognised."""
        parts: dict[str, StateDict] = {}
        for key, tensor in state.items():
            for scope in self.scopes:
                if match := re.match(scope.pattern, key):
                    inner = without_wrapper(key[match.end() :])
                    parts.setdefault(scope.slot, {})[scope.prefix + inner] = tensor
        if not parts:
            parts = {self.slot_of(where): state}
        return parts if all(self._detects(part) for part in parts.values()) else {}

    def claimed(self, state: StateDict) -> set[str]:
        """Keys of ``state`` that this layout's scopes take; all of them where none matches."""
        keys = {key for key in state if any(re.match(scope.pattern, key) for scope in self.scopes)}
        return keys or set(state)

    def slot_of(self, where: str) -> str:
        """The slot that a file or dictionary name tells."""
        return next((slot for pattern, slot in self.slots if re.search(pattern, where)), self.slots[-1][1])

    def convert(self, state: StateDict) -> tuple[dict[str, Any], StateDict]:
        """Configuration and renamed tensors of one published network."""
        try:
            config = dict(self.infer(state))
        except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
            raise ConversionError(
                f"This looks like {self.architecture} ({self.role}), but its configuration cannot be read off the"
                f" shapes ({type(error).__name__}: {error}): the file is damaged or incomplete."
            ) from error
        rules = self.rename(config) if callable(self.rename) else self.rename
        renamed: StateDict = {}
        for key, tensor in state.items():
            new = self._renamed(key, rules)
            if new in renamed:
                raise ConversionError(
                    f"This looks like {self.architecture} ({self.role}), but two of its keys, one of them {key!r}, are"
                    f" both {new!r} here: it may come from a modified network."
                )
            if new is not None:
                renamed[new] = self.adapt(new, tensor) if self.adapt else tensor
        return config, _with_counters(renamed)

    def _renamed(self, key: str, rules: Rules) -> str | None:
        for pattern, replacement in rules:
            if match := re.fullmatch(pattern, key):
                if replacement is None:
                    return None
                return match.expand(replacement) if isinstance(replacement, str) else replacement(match)
        raise ConversionError(
            f"This looks like {self.architecture} ({self.role}), but no rule covers its key {key!r}:"
            " it may come from a modified network."
        )

    def _detects(self, state: StateDict) -> bool:
        try:
            return bool(self.detect(state))
        except (KeyError, IndexError, ValueError):
            return False


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


def has(state: StateDict, key: str, *shape: int | None) -> bool:
    """Whether ``key`` is there with this shape; None stands for any length."""
    if key not in state:
        return False
    actual = tuple(state[key].shape)
    return len(actual) == len(shape) and all(w is None or w == a for w, a in zip(shape, actual, strict=True))
