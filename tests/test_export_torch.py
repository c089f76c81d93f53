"""What is said before anything is exported: of a PyTorch that cannot, of options that make no sense, and of targets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from attn_i2i.export import ExportOptions, export_model
from attn_i2i.export.facts import Facts
from attn_i2i.files import TargetExistsError
from attn_i2i.models import ModelConfig
from attn_i2i.types import ConfigError

from .helpers.exported import FACTS, exportable


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


@exportable
@pytest.mark.parametrize("beside", ["photo.png", "SHA256SUMS"])
def test_force_replaces_an_earlier_export_and_nothing_else(
    beside: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(network: object, config: ModelConfig, direction: str, folder: Path, *_: object) -> Facts:
        (folder / f"{direction}.onnx").write_bytes(b"a graph")
        return replace(FACTS, direction=direction)

    monkeypatch.setattr("attn_i2i.export.job.export_network", write)
    mine = tmp_path / "mine"
    for force in (False, True):
        export_model(model, mine, force=force)
    Path(mine, beside).write_bytes(b"mine")
    with pytest.raises(TargetExistsError, match=r"mine holds .*, which is no part of an earlier export, so force=True"):
        export_model(model, mine, force=True)
    assert Path(mine, beside).read_bytes() == b"mine"
    with pytest.raises(TargetExistsError, match=r"holds the model itself|no part of an earlier export"):
        export_model(model, model, force=True)
    assert (model / "config.json").is_file()
