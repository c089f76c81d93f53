"""Measured times that are told instead of measured, and a home that keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attn_i2i.blocks.convolution import Conv2d
from attn_i2i.tuning import Tuner, Work

SIDE = 32  # pixels of a picture
FAST = {"direct": 1.0, "winograd": 0.5, "channels-last": 2.0}  # seconds by way


def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model store of this test's own, and leave to measure."""
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ATTN_I2I_TUNE", "on")
    return tmp_path / "home"


def without_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of whom the system knows no home, as in some containers."""

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("ATTN_I2I_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nobody)


class Told:
    """Stands for measuring: seconds by level of the work, and what was asked."""

    def __init__(self, *by_level: Mapping[str, float]) -> None:
        self.by_level, self.asked = by_level, list[Work]()

    def __call__(self, conv: Conv2d, work: Work) -> Mapping[str, float]:
        self.asked.append(work)
        return self.by_level[min(work.level - 5, len(self.by_level) - 1)]


def never(conv: Conv2d, work: Work) -> Mapping[str, float]:
    raise AssertionError(f"{work} was measured")


def picture(side: int = SIDE) -> Tensor:
    return torch.empty(1, 128, side, side)


def fitted(told: Any, side: int = SIDE) -> Conv2d:
    conv = Conv2d(128, 128, 3)
    Tuner(told).fit(nn.Sequential(conv), [picture(side)])
    return conv
