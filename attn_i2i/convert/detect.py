"""Which networks a checkpoint holds: every registered layout is asked, and exactly one may claim each tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ..plugins._manager import usable
from ..registry import Entry, Registry
from ..types import AttnI2IError, ConversionError, StateDict
from .converter import Converter, without_wrapper
from .describe import counted, description, plugin_hint
from .leftovers import is_training_state, training_only
from .options import ChoiceError
from .own import own_names

MAX_TENSORS = 20_000
"""What one checkpoint may hold beside optimizers: published training states have some hundreds."""
MAX_NESTING = 12
"""Dictionaries around a network: five are common, every further one costs a look at all tensors."""
MAX_GROUPS = 2_000
"""Dictionaries of one file that are searched: those of a training state are some dozens."""
MAX_ADVICE = 8
"""Names that one message lists, so that it stays a line."""


@dataclass(frozen=True)
class RecognisedNetwork:
    """One network of a checkpoint: which layout recognised it, its slot, its published tensors, where they stood.

    ``slot`` is None if the layout leaves it to the names in ``path``. ``path`` is the file's name without its ending,
    then the dictionary entries that lead to the network. ``where`` shows the same.
    """

    converter: Entry[Converter]
    slot: str | None
    state: StateDict
    where: str
    path: tuple[str, ...] = ("",)

    @property
    def role(self) -> str:
        return self.converter.load().role

    @property
    def makes(self) -> Mapping[str, str]:
        """Letters in names that stand for the domain which a network of this layout makes or looks at."""
        return self.converter.load().makes

    def assumptions(self) -> Sequence[str]:
        """What its layout takes for granted, because no key tells it."""
        assumes = self.converter.load().assumes
        return assumes(self.state) if callable(assumes) else [assumes] if assumes else []

    def converted(self, *, consume: bool = False) -> tuple[dict[str, Any], StateDict]:
        """Its configuration and tensors in this library's layout; with ``consume`` the published ones are given up."""
        try:
            return self.converter.load().convert(self.state, consume=consume)
        except ConversionError as error:
            raise ConversionError(f"{self.where}: {error}") from error

    def equals(self, other: RecognisedNetwork) -> bool:
        """Whether the other holds the same tensors, whatever each of the files has beside them that is dropped."""
        if _equal(self.state, other.state):
            return True
        return self.converter.name == other.converter.name and _equal(self.converted()[1], other.converted()[1])


def _equal(first: StateDict, second: StateDict) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


@dataclass
class Contents:
    """What one file holds: its networks, and by name what is left out, with the reason."""

    networks: list[RecognisedNetwork] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def find_networks(
    state: StateDict, where: str, converters: Registry[Converter], as_layout: str | None = None
) -> list[RecognisedNetwork]:
    """All networks in the flat tensors of one file called ``where``; ``as_layout`` prefers the layout of that name.

    Raises ConversionError where nothing is recognised, where two layouts claim the same tensors, and where a
    recognised checkpoint holds tensors that no layout covers. What optimizers leave, single numbers beside the
    networks (counters, scores) and networks that only a training needs are none.
    """
    contents = search(state, where, converters, as_layout)
    if not contents.networks:
        raise unknown_layout(state, where, converters)
    return contents.networks


def search(
    state: StateDict,
    where: str,
    converters: Registry[Converter],
    as_layout: str | None = None,
    leave_out: Sequence[str] = (),
) -> Contents:
    """As ``find_networks``, also what is left out, where ``leave_out`` adds names; a file may hold nothing else."""
    contents = Contents()
    state = {key: tensor for key, tensor in state.items() if not is_training_state(key)}
    for name in leave_out:
        inside = [key for key in state if key == name or key.startswith((f"{name}.", f"{name}/"))]
        state = {key: tensor for key, tensor in state.items() if key not in set(inside)}
        if inside or name in (where, _stem(where)):
            contents.left_out[f"{where}:{name}" if inside else where] = "as asked for"
            state = state if inside else {}
    if len(state) > MAX_TENSORS:
        raise ConversionError(
            f"{where}: {len(state)} tensors beside the optimizers, more than {MAX_TENSORS}: give"
            " a file of the networks alone."
        )
    finder = _Search(where, _asked(converters, as_layout, where), contents)
    unclaimed = finder.look(state, (_stem(where),))
    if not contents.networks and (reason := training_only(where, list(state))):
        return Contents(left_out={**contents.left_out, where: reason})
    if contents.networks and unclaimed:
        names = ", ".join(sorted({network.converter.name for network in contents.networks}))
        groups = list(dict.fromkeys(key.partition(".")[0] for key in unclaimed))
        raise ConversionError(
            f"{where}: {names} recognised, but no layout covers {len(unclaimed)} of its tensors"
            f" ({', '.join(map(repr, unclaimed[:3]))}, ...).{plugin_hint(unclaimed)}"
            " If the pictures do not depend on them, convert without"
            f" them: leave_out={groups[:MAX_ADVICE]!r}"
        )
    return contents


def unknown_layout(state: StateDict, where: str, converters: Registry[Converter]) -> ConversionError:
    """The error for a file of which nothing is recognised: what it holds, and what is known."""
    if fitting := sorted(entry.load().layout or entry.name for entry in converters if _fits_on_demand(entry, state)):
        ways = " or ".join(f"as_layout={layout}" for layout in fitting)
        return ConversionError(f"{where}: keys and shapes do not tell what this is: say it by {ways}.")
    if own := own_names(state):
        return ConversionError(f"{where}: {own}")
    these = f"{'this' if len(state) == 1 else 'these'} {counted(len(state), 'tensor')}"
    return ConversionError(
        f"{where}: no known layout has {these}.{plugin_hint(state)}"
        f" {description(state, converters)} A plugin can add a converter for others; docs/converting.md lists what is"
        " read."
    )


def _fits_on_demand(entry: Entry[Converter], state: StateDict) -> bool:
    """Whether a layout would take these tensors that is asked only where somebody wishes it."""
    try:
        converter = entry.load()
    except AttnI2IError:
        return False
    return converter.on_demand and bool(converter.split(state, ""))


def _stem(where: str) -> str:
    """A file's name without its ending, or endings: a dot may stand inside a name."""
    stem = where.rpartition("/")[2]
    for ending in (".tar", ".pth", ".pt", ".ckpt", ".pkl", ".bin", ".safetensors", ".pdparams", ".index"):
        stem = stem.removesuffix(ending)
    return stem


def _asked(converters: Registry[Converter], as_layout: str | None, where: str) -> list[Entry[Converter]]:
    """The layouts to ask, those that the file's name suggests first.

    ``as_layout`` takes the place of all others for its kind of network. A layout that no key tells is asked only if
    ``as_layout`` or the file's name asks for it.
    """
    working = usable(converters)
    entries = [entry for entry in converters if entry.name in working]
    if as_layout is None:
        suggested = [entry for entry in entries if entry.load().is_suggested(_stem(where))]
        return suggested + [entry for entry in entries if entry not in suggested and not entry.load().on_demand]
    wanted = [entry for entry in entries if as_layout in (entry.name, entry.load().layout)]
    if not wanted:
        names = sorted({entry.load().layout or entry.name for entry in entries})
        raise ChoiceError(f"No layout is called {as_layout!r}: known are {', '.join(names)}.")
    roles = {entry.load().role for entry in wanted}
    return wanted + [entry for entry in entries if entry.load().role not in roles and not entry.load().on_demand]


class _Search:
    def __init__(self, where: str, entries: Sequence[Entry[Converter]], contents: Contents) -> None:
        self.where, self.contents, self.groups = where, contents, 0
        self.converters = [(entry, entry.load()) for entry in entries]
        self.suggested = {entry.name for entry, converter in self.converters if converter.is_suggested(_stem(where))}

    def look(self, state: StateDict, path: tuple[str, ...]) -> list[str]:
        """Note the networks under ``path``; returns the names of tensors that nothing covers."""
        self.groups += 1
        state = {without_wrapper(key): tensor for key, tensor in state.items()}
        shown = self.where if len(path) == 1 else f"{self.where}:{'.'.join(path[1:])}"
        rest = self._claimed(state, path, shown)
        unclaimed: list[str] = []
        for name, group in _groups(rest).items():
            tensors = [key for key, tensor in group.items() if tensor.dim()]
            before = len(self.contents.networks)
            deeper = bool(name) and len(path) <= MAX_NESTING and self.groups < MAX_GROUPS
            missing = self.look(group, (*path, name)) if deeper else tensors
            nothing = len(self.contents.networks) == before
            if missing and name and nothing and (reason := training_only(name, group)):
                self.contents.left_out[f"{shown}{'.' if len(path) > 1 else ':'}{name}"] = reason
                continue
            unclaimed += [f"{name}.{key}" if name else key for key in missing]
        return unclaimed

    def _claimed(self, state: StateDict, path: tuple[str, ...], shown: str) -> StateDict:
        """Ask every layout; returns the tensors that none takes."""
        owner: dict[str, Entry[Converter]] = {}
        for entry, converter in self.converters:
            parts = converter.split(state, shown)
            claimed = converter.claimed(state) if parts else set()
            if any(key in owner and owner[key].name in self.suggested for key in claimed):
                continue
            for key in claimed:
                if key in owner:
                    raise ConversionError(
                        f"{shown}: claimed by two layouts, {owner[key].name!r} (plugin {owner[key].plugin!r}) and"
                        f" {entry.name!r} (plugin {entry.plugin!r}): disable one of the plugins."
                    )
                owner[key] = entry
            for slot, part in parts.items():
                self.contents.networks.append(RecognisedNetwork(entry, slot or None, part, shown, path))
        return {key: tensor for key, tensor in state.items() if key not in owner}


def _groups(state: StateDict) -> dict[str, StateDict]:
    """Tensors by the first part of their key; keys of one part stand under the empty name."""
    groups: dict[str, StateDict] = {}
    for key, tensor in state.items():
        name, separator, inner = key.partition("." if "/" not in key else "/")
        groups.setdefault(name if separator else "", {})[inner if separator else key] = tensor
    return groups
