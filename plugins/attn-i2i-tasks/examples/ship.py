"""Make a trained model small enough to ship: ``python ship.py RUN/model ZOO/NAME [LICENCE]``.

Generators alone, in float16, which halves their size and moves no output by more than a display can show; they are
loaded as float32. Prints the card's ``[weights]`` table.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from attn_i2i.files import sha256
from attn_i2i.models.config import read_config
from attn_i2i.models.directory import save_model
from safetensors.torch import load_file


def ship(model: Path, target: Path, licence: str = "MIT") -> None:
    """Write the small form of ``model`` to ``target``, under the ``licence`` that its data ask for."""
    config = replace(read_config(model), discriminators=None, licence=licence)
    halves = {
        direction: {
            key: t.half() if t.is_floating_point() else t
            for key, t in load_file(model / f"{direction}.safetensors").items()
        }
        for direction in config.directions
    }
    save_model(target, config, halves, force=True)


if __name__ == "__main__":
    ship(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
    print("[weights]\nsha256 = {")
    for file in sorted([*Path(sys.argv[2]).glob("*.safetensors"), Path(sys.argv[2], "config.json")]):
        print(f'  "{file.name}" = "{sha256(file)}",')
    print("}")
