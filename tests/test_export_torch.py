"""What is said before anything is exported: of a PyTorch that cannot, and of options that make no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from attn_i2i.export import ExportOptions, export_model
from attn_i2i.types import ConfigError

from .helpers.exported import exportable


def test_an_old_torch_is_told_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "2.7.1+cpu")
    with pytest.raises(
        ConfigError, match=r"Exporting needs PyTorch 2\.8 or newer, and 2\.7\.1\+cpu is here: pip install -U torch"
    ):
        export_model("nowhere", "nothing.onnx")
    monkeypatch.setattr(torch, "__version__", "2.8.0+cu128")
    assert ExportOptions().format == "onnx"


@exportable
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"int8": True, "calibrate": Path(), "least_psnr": float("nan")},
            "least_psnr=nan was given: expected a number",
        ),
        ({"least_psnr": 50.0}, "least_psnr=50.0 was given, which is for int8=True"),
    ],
)
def test_a_bound_that_would_hold_nothing_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ExportOptions(**options)
