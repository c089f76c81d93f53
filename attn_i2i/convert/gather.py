"""From checkpoint files to the networks of one model, each under its direction or domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ..plugins import zoo
from ..types import ConversionError, StateDict
from .detect import RecognisedNetwork, search, unknown_layout
from .directions import Chosen, assign_slots
from .leftovers import is_training_state
from .options import refuse_strangers
from .reader.paths import shown_name
from .reader.read import read_checkpoint
from .reader.sources import whole_files
from .versions import WeightsVersion, choose_versions

Role: TypeAlias = Literal["generator", "discriminator"]


@dataclass(frozen=True)
class ConvertedNetwork:
    """One converted network and where it stood."""

    network: RecognisedNetwork
    config: dict[str, Any]
    state: StateDict

    @property
    def architecture(self) -> str:
        return self.network.converter.load().architecture


@dataclass(frozen=True)
class Gathered:
    """The networks of one model, and what its user should know: what was assumed, chosen and left out."""

    generators: dict[str, ConvertedNetwork]
    discriminators: dict[str, ConvertedNetwork]
    assumed: list[str] = field(default_factory=list)
    weights: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def gather(
    files: Sequence[Path],
    chosen: Chosen,
    as_layout: str | None,
    weights: WeightsVersion | None,
    leave_out: Sequence[str],
) -> Gathered:
    """Read all ``files`` and put their networks in order; raises ConversionError for what makes no single model."""
    networks: list[RecognisedNetwork] = []
    left_out: dict[str, str] = {}
    for name, parts in whole_files(files):
        state: StateDict = {}
        for part in parts:
            state |= read_checkpoint(part, keep=lambda key: not is_training_state(key))
        contents = search(state, name, zoo().converters, as_layout, leave_out)
        if not contents.networks and not contents.left_out:
            raise unknown_layout(state, name, zoo().converters)
        networks += contents.networks
        left_out |= contents.left_out
        del state  # a large network should not stay in memory twice
    _refuse_unused(leave_out, left_out)
    if not any(network.role == "generator" for network in networks):
        names = ", ".join(map(shown_name, files))
        raise ConversionError(f"No generator was found in {names}: give the generator's file as well.")
    slots, assumed = assign_slots(networks, chosen)
    networks, slots, picked = choose_versions(networks, slots, weights)
    assumed += dict.fromkeys(text for network in networks for text in network.assumptions())
    generators = _by_slot(networks, slots, "generator")
    return Gathered(generators, _by_slot(networks, slots, "discriminator"), assumed, picked, left_out)


def _refuse_unused(leave_out: Sequence[str], left_out: dict[str, str]) -> None:
    used = {name.rpartition(":")[2] for name in left_out} | set(left_out) | {Path(name).stem for name in left_out}
    if unused := [name for name in leave_out if name not in used]:
        raise ConversionError(
            f"leave_out names {unused[0]!r}, and nothing in the files is called so: expected the first part of some"
            " keys, or a file."
        )


def _by_slot(networks: Sequence[RecognisedNetwork], slots: Sequence[str], role: Role) -> dict[str, ConvertedNetwork]:
    """Networks of one role by slot, of one architecture; equal copies count once."""
    chosen: dict[str, RecognisedNetwork] = {}
    for network, slot in zip(networks, slots, strict=True):
        if network.role == role:
            other = chosen.setdefault(slot, network)
            if other is not network and not other.equals(network):
                raise ConversionError(
                    f"{other.where} and {network.where} both hold a {role} for {slot}, with different weights: give"
                    " the files of one model only, go without one (leave_out=[NAME]), or say which is which with"
                    " direction={NAME: DIRECTION, ...}."
                )
    parts = {
        slot: ConvertedNetwork(network, *network.converted(consume=True)) for slot, network in sorted(chosen.items())
    }
    refuse_strangers(f"{role}s", {part.network.where: (part.architecture, part.config) for part in parts.values()})
    return parts
