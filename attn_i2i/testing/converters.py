"""What a converter promises."""

from __future__ import annotations

import json

import torch

from ..convert.converter import Converter
from ..models.build import check_fit, create, create_discriminator
from ..types import AttnI2IError, StateDict
from .contract import call, expect, kind


def check_converter(converter: Converter, state: StateDict | None = None) -> None:
    """Hold a converter to what ``attn-i2i convert`` relies on.

    ``detect`` answers for any tensors and claims none that are foreign. ``state`` are the published tensors of one
    network or of the whole file; random values will do. If it is given, the tensors must be recognised, and a rule must
    cover each key. The configuration must be plain JSON, and the result must fit the registered part strictly. Raises
    ContractError.
    """
    expect(isinstance(converter, Converter), f"Registered is {kind(converter)}, not an attn_i2i.convert.Converter.")
    slots = {slot for _, slot in converter.slots} | {scope.slot for scope in converter.scopes}
    allowed = {"A2B", "B2A", "translate"} if converter.role == "generator" else {"A", "B", "all"}
    wrong = ", ".join(sorted(slots - allowed))
    expect(not wrong, f"Slots {wrong} of a {converter.role} converter: use {', '.join(sorted(allowed))}.")
    for foreign in foreign_states():
        sample = ", ".join(foreign) or "no tensors"
        claimed = call(converter.split, foreign, "latest_net_G.pth", doing=f"Detection over foreign tensors ({sample})")
        expect(
            not claimed,
            f"detect claims foreign tensors ({sample}): look for keys and shapes that only this layout has.",
        )
    if state is not None:
        _check_state(converter, state)


def foreign_states() -> list[StateDict]:
    """Tensors that belong to no published layout, in shapes that careless detection trips over."""
    return [
        {},
        {"weight": torch.zeros(())},
        {"model.x.weight": torch.zeros(3), "model.1.weight": torch.zeros(2)},
        {"conv1.weight": torch.zeros(0, 3, 7, 7), "main.0.weight": torch.zeros(1, 1)},
        {"features.0.conv.weight": torch.zeros(64, 3, 4, 4, 4)},
        {"Model/unknown/Conv/weights": torch.zeros(7, 7, 3, 1)},
    ]


def _check_state(converter: Converter, state: StateDict) -> None:
    parts = call(converter.split, state, "checkpoint.pth", doing="Detection over the published tensors")
    expect(parts, "The published tensors are not recognised: detect said no, or a scope matches no key.")
    make = create if converter.role == "generator" else create_discriminator
    for slot, part in parts.items():
        config, renamed = call(converter.convert, part, doing=f"Converting {slot}")
        try:
            plain = json.loads(json.dumps(config)) == config
        except (TypeError, ValueError):
            plain = False
        expect(plain, f"infer returned {config!r}: a configuration holds strings, numbers, booleans and lists only.")
        module = call(
            lambda config=config: make(converter.architecture, **config), doing=f"Building {slot} from {config}"
        )
        try:
            check_fit(module, renamed, f"{slot} as {converter.architecture}")
        except AttnI2IError as error:
            expect(False, f"{error} Compare rename and infer with the network's state_dict().")
