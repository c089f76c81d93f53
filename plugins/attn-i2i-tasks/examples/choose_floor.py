"""What floors under the masks of a trained model do: ``python choose_floor.py RUN/model NUCLEI 0 0.04 0.06``.

A table of the PSNR to the truth inside the nuclei, and to the input outside them, on the validation pictures of the
folder NUCLEI. It is in dB for a peak of 65,535, all that 16 bits can hold, and the mean of the pictures.
"""

from __future__ import annotations

import argparse
import tempfile
from math import log10
from pathlib import Path

from attn_i2i.evaluate import evaluate
from attn_i2i.models.config import read_config
from ship import ship

MEASURES = ("foreground_psnr", "background_psnr")
PEAK = 65_535


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("floors", type=float, nargs="+")
    arguments = parser.parse_args()
    told = read_config(arguments.model).preprocessing.get("range")
    if not isinstance(told, list | tuple):
        parser.error(f"{arguments.model} was trained in no range of two numbers: give a model of microscopy")
    low, high = told
    more = 20 * log10(PEAK / (high - low))  # the measures' peak is the model's range
    print("| floor | inside, dB | the input, inside | outside, dB |\n|--:|--:|--:|--:|")
    for floor in arguments.floors:
        with tempfile.TemporaryDirectory() as folder:
            ship(arguments.model, Path(folder, "model"), options={"mask_floor": floor})
            done = evaluate([Path(folder, "model")], arguments.data, source="valA", target="valB", measures=MEASURES,
                            direction="A2B", cycle=False)  # fmt: skip
        own, given = done.rows[0].label, done.rows[-1].label
        cells = [(own, "foreground_psnr"), (given, "foreground_psnr"), (own, "background_psnr")]
        values = [done.value(row, name) for row, name in cells]
        print(f"| {floor} | " + " | ".join("" if v is None else f"{v + more:.2f}" for v in values) + " |", flush=True)


if __name__ == "__main__":
    main()
