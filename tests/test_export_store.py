"""A graph in the model store is that of the code that made it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from torch import nn

from attn_i2i.export.opening import code_of

CODE = """
from torch import nn

class Scaled(nn.Module):
    def forward(self, image):
        return image * {}
"""


def test_a_plugin_that_changes_its_code_gets_another_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    digests = []
    for factor in (0.5, 0.25, 0.5):
        Path(tmp_path, "my_scaled.py").write_text(CODE.format(factor))
        sys.modules.pop("my_scaled", None)
        importlib.invalidate_caches()
        network = nn.Sequential(importlib.import_module("my_scaled").Scaled(), nn.ReLU())
        (digest,) = code_of(network)
        assert digest.startswith("my_scaled ")
        digests.append(digest)
    assert digests[0] == digests[2] != digests[1]
    monkeypatch.delitem(sys.modules, "my_scaled")
    assert code_of(network) == ["my_scaled "]  # written by hand in a session
