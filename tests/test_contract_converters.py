"""Each check of a converter notices what it is there for."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from attn_i2i.blocks import PatchDiscriminator
from attn_i2i.convert.converter import Converter, Scope
from attn_i2i.testing import ContractError, check_converter


def converter(**changes: Any) -> Converter:
    """A layout of PatchGAN whose keys are ours, prefixed."""
    parts: dict[str, Any] = {
        "role": "discriminator",
        "architecture": "patchgan",
        "detect": lambda state: "critic.logits.weight" in state,
        "infer": lambda state: {"width": len(state["critic.features.0.conv.weight"]), "layers": 2},
        "rename": ((r"critic\.(.*)", r"\1"),),
        "slots": (("", "A"),),
    }
    return Converter(**{**parts, **changes})


def published() -> dict[str, Tensor]:
    return {f"critic.{key}": value for key, value in PatchDiscriminator(width=4, layers=2).state_dict().items()}


BROKEN_CONVERTERS: dict[str, tuple[dict[str, Any], str]] = {
    "careless detection": (
        {"detect": lambda s: s["weight"].shape[0] > 1 if "weight" in s else s.nothing},
        "AttributeError",
    ),
    "claims all": ({"detect": lambda state: True}, "claims foreign tensors"),
    "recognises nothing": ({"detect": lambda state: False}, "not recognised"),
    "uncovered key": ({"rename": ((r"critic\.features\.(.*)", r"features.\1"),)}, "no rule covers"),
    "wrong name": ({"rename": ((r"critic\.(.*)", r"net.\1"),)}, "missing"),
    "two for one": ({"rename": ((r"critic\..*", "logits.weight"),)}, "both 'logits.weight' here"),
    "wrong width": ({"infer": lambda state: {"width": 8, "layers": 2}}, "is .*, not"),
    "not plain": ({"infer": lambda state: {"width": torch.tensor(4), "layers": 2}}, "strings, numbers"),
    "slot": ({"slots": (("", "A2B"),)}, "Slots A2B of a discriminator"),
    "unknown part": ({"architecture": "pachgan"}, "Did you mean 'patchgan'"),
}


@pytest.mark.parametrize("name", BROKEN_CONVERTERS)
def test_broken_converters_are_told_what_to_do(name: str) -> None:
    changes, message = BROKEN_CONVERTERS[name]
    with pytest.raises(ContractError, match=message):
        check_converter(converter(**changes), published())


def test_good_converters_pass() -> None:
    check_converter(converter(), published())
    scoped = converter(scopes=(Scope("A/", "A"), Scope("B/", "B")))
    check_converter(scoped, {f"{domain}/{key}": value for domain in "AB" for key, value in published().items()})
