"""Every test knows the plugin, installed or not, and draws the same numbers."""

from __future__ import annotations

import pytest
import torch
from attn_i2i.plugins import manager

import attn_i2i_uvcgan2


@pytest.fixture(autouse=True)
def registered() -> None:
    torch.manual_seed(0)
    if not manager().has_plugin("uvcgan2"):
        manager().register(attn_i2i_uvcgan2, "uvcgan2")
