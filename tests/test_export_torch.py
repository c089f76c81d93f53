"""What a PyTorch that cannot export says."""

from __future__ import annotations

import pytest
import torch

from attn_i2i.export import ExportOptions, export_model
from attn_i2i.types import ConfigError


def test_an_old_torch_is_told_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "2.7.1+cpu")
    with pytest.raises(
        ConfigError, match=r"Exporting needs PyTorch 2\.8 or newer, and 2\.7\.1\+cpu is here: pip install -U torch"
    ):
        export_model("nowhere", "nothing.onnx")
    monkeypatch.setattr(torch, "__version__", "2.8.0+cu128")
    assert ExportOptions().format == "onnx"
