"""Every test knows the plugin, installed or not, and draws the same numbers."""

from __future__ import annotations

import pytest
import torch
from attn_i2i.plugins import manager

import attn_i2i_photo2cartoon


@pytest.fixture(autouse=True)
def registered() -> None:
    torch.manual_seed(0)
    if not manager().has_plugin("photo2cartoon"):
        manager().register(attn_i2i_photo2cartoon, "photo2cartoon")
