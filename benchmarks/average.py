"""Weights beside their moving average, run by run: ``python -m benchmarks.average RUN... --data DIR --measures LIST``.

Each RUN was trained with ``--ema``. Its model holds the average; its newest checkpoint has the weights themselves too.
Both are measured on the validation pictures, valA and valB, of DIR.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from attn_i2i.evaluate import evaluate
from attn_i2i.models.checksums import SUMS
from attn_i2i.train.checkpoint import SHARED, newest_whole
from attn_i2i.train.record import read_record


def without_average(run: Path, folder: Path) -> Path:
    """A copy of RUN's model in ``folder`` that has the weights of its newest checkpoint, and no average."""
    record, checkpoint = read_record(run), newest_whole(run)
    assert record is not None, f"{run} is no run"
    assert record.options.get("ema"), f"{run} keeps no average: train it with --ema 0.995, say"
    assert checkpoint is not None, f"{run} has no checkpoint"
    networks = torch.load(checkpoint / SHARED, weights_only=True, map_location="cpu")["networks"]
    model = shutil.copytree(run / "model", folder / "weights", ignore=shutil.ignore_patterns(SUMS))
    for path in model.glob("*2*.safetensors"):
        state = load_file(path)
        weights = {name: networks[f"G_{path.stem}.{name}"].to(old.dtype) for name, old in state.items()}
        save_file(weights, path, metadata={"format": "pt"})
    return model


def rows(run: Path, options: argparse.Namespace) -> Iterator[str]:
    """The lines of a table for one run: each direction's weights and average."""
    with tempfile.TemporaryDirectory() as folder:
        subjects = [without_average(run, Path(folder)), run / "model"]
        for way in ("A2B", "B2A"):
            evaluation = evaluate(subjects, options.data, direction=way, measures=options.measures.split(","),
                                  source="valA", target="valB", cycle=False, baseline=False, limit=options.limit,
                                  features=options.features, range=options.range)  # fmt: skip
            for row, name in zip(evaluation.rows, ("weights", "average"), strict=False):
                values = [evaluation.value(row.label, measure) for measure in options.measures.split(",")]
                cells = ["" if value is None else f"{value:.4g}" for value in values]
                yield " | ".join((f"| {run.name}, {way}", name, *cells)) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--measures", required=True)
    parser.add_argument("--features")
    parser.add_argument("--range")
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    print("| run | | " + options.measures.replace(",", " | ") + " |")
    print("|---|---|" + "--:|" * len(options.measures.split(",")))
    for run in options.runs:
        for line in rows(run, options):
            print(line, flush=True)


if __name__ == "__main__":
    main()
