"""What an exported file says of itself, and where there can be one."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
import torch
from packaging.version import Version

from attn_i2i.export.network import NEEDED

exportable = pytest.mark.skipif(
    Version(torch.__version__) < NEEDED, reason=f"exporting needs PyTorch {NEEDED}, as test_export_torch.py says"
)


def facts(path: Path) -> dict[str, object]:
    """What the library wrote into an ONNX file."""
    return json.loads({p.key: p.value for p in onnx.load(path).metadata_props}["attn_i2i"])
