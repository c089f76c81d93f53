"""Make a trained model small enough to ship: ``python ship.py RUN/model ZOO/NAME --licence MIT --set mask_floor=0.06``.

Generators alone, in float16, which halves their size and moves no output by more than a display can show; they are
loaded as float32. ``--set`` changes an option of the generators that no weight depends on. Prints the card's
``[weights]`` table.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from attn_i2i.files import sha256
from attn_i2i.models.build import create
from attn_i2i.models.config import read_config
from attn_i2i.models.directory import save_model
from attn_i2i.train.options import parse_assignments
from safetensors.torch import load_file


def ship(model: Path, target: Path, licence: str = "MIT", options: Mapping[str, Any] | None = None) -> None:
    """Write the small form of ``model`` to ``target``, under the ``licence`` that its data ask for."""
    config = read_config(model)
    config = replace(config, discriminators=None, licence=licence, config={**config.config, **(options or {})})
    for direction in config.directions:  # raises ConfigError for an option that no such generator takes
        create(config.architecture, **config.options(direction))
    halves = {
        direction: {
            key: t.half() if t.is_floating_point() else t
            for key, t in load_file(model / f"{direction}.safetensors").items()
        }
        for direction in config.directions
    }
    save_model(target, config, halves, force=True)


def main() -> None:
    """Write the model and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--licence", default="MIT")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    ship(arguments.model, arguments.target, arguments.licence, parse_assignments(arguments.set))
    print("[weights]\nsha256 = {")
    for file in sorted([*arguments.target.glob("*.safetensors"), arguments.target / "config.json"]):
        print(f'  "{file.name}" = "{sha256(file)}",')
    print("}")


if __name__ == "__main__":
    main()
