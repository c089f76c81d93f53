"""A model's parts are built for the device that the caller means, whatever was imported before."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import torch
from attn_i2i.model import builder, load_strictly
build = builder("generators", "attentiongan2", {"width": 4, "blocks": 1})
torch.set_float32_matmul_precision("high")
module = load_strictly(build, build().state_dict(), "fresh")
with torch.no_grad():
    print(module(torch.zeros(1, 3, 32, 32)).image.device)
"""


def test_a_first_import_inside_loading_leaves_nothing_on_the_meta_device() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "cpu", done.stderr
