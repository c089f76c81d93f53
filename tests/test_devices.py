"""Where a network runs and in what precision; what costs time instead of saving it."""

from __future__ import annotations

import platform
from typing import Any

import pytest
import torch

from attn_i2i.devices import PrecisionWarning
from attn_i2i.train import TrainOptions
from attn_i2i.train.engine import make_accelerator

from .test_translator import Negative, translator


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set what kind of processor this seems to be, with or without instructions for bfloat16."""

    def be(machine: str, bfloat16: bool) -> None:
        monkeypatch.setattr(platform, "machine", lambda: machine)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bfloat16)

    return be


def test_bfloat16_without_instructions_for_it_is_warned_of_once(processor: Any) -> None:
    processor("x86_64", bfloat16=False)
    with pytest.warns(PrecisionWarning, match="bfloat16 is slower than float32 on this processor"):
        translate = translator(Negative(), dtype="bfloat16")
    translate(torch.rand(3, 8, 8))
    with pytest.warns(PrecisionWarning, match="bfloat16 is slower"):
        make_accelerator(TrainOptions(device="cpu", precision="bf16"))


def test_nothing_is_said_where_bfloat16_is_not_slower(processor: Any) -> None:
    processor("x86_64", bfloat16=False)
    translator(Negative())
    make_accelerator(TrainOptions(device="cpu"))
    for machine, supported in (("x86_64", True), ("aarch64", False)):
        processor(machine, bfloat16=supported)
        translator(Negative(), dtype="bfloat16")
        make_accelerator(TrainOptions(device="cpu", precision="bf16"))
