"""Small models trained alike for a benchmark, what is measured of them, and the files that keep it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from attn_i2i.evaluate import evaluate
from attn_i2i.files import atomic_path
from attn_i2i.train import train

SCALE = {"kid": 1000.0}


class Training(NamedTuple):
    """One training: its recipe, what is set of it, its pictures, and what else the engine is told."""

    recipe: str
    chosen: Mapping[str, Any]
    data: Path
    engine: Mapping[str, Any]


def arguments(description: str | None, *, steps: int) -> argparse.ArgumentParser:
    """What both benchmarks are told on the command line; ``steps`` is the usual length of a training."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", action="append", required=True, metavar="TASK=DIR")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--limit", type=int, default=None, help="test pictures, evenly spread")
    parser.add_argument("--features", default=None)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default=None)
    parser.add_argument("--output", type=Path, default=None, help="page to write")
    return parser


def finished(folder: Path) -> dict[str, float] | None:
    """What was measured of the training in ``folder``; None where that is still to be done."""
    if not (folder / "result.json").is_file():
        return None
    values: dict[str, float] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return values


def measured(
    folder: Path, training: Training, measures: Sequence[str], options: argparse.Namespace
) -> dict[str, float]:
    """The measures of a training of ``options.steps`` steps, which are kept in ``folder``.

    An interrupted training goes on as it was started. The KID is left out where there are no features for it.
    """
    run = folder / "run"
    folder.mkdir(parents=True, exist_ok=True)
    own = {"learning_rate": 3e-4, "generator.width": options.width, **training.chosen}
    own |= {"generator.blocks": 4} if training.recipe != "ugatit" else {}
    engine: dict[str, Any] = {"crop_size": options.side, "flip": False, "workers": 0, "batch_size": options.batch}
    engine |= {"epoch_size": max(1, options.steps * options.batch // 10), "steps": options.steps, "ema": 0.995}
    engine |= {"sample_every": options.steps, "device": options.device, "precision": options.precision}
    model = train(training.recipe, training.data, run, recipe_options=own, resume=run.exists(),
                  **engine | dict(training.engine))  # fmt: skip
    result = evaluated(model, training.data, measures, options)
    with atomic_path(folder / "result.json") as temporary:
        temporary.write_text(json.dumps(result), encoding="utf-8")
    return result


def evaluated(subject: Path, data: Path, measures: Sequence[str], options: argparse.Namespace) -> dict[str, float]:
    """The measures that a model, or a folder of its pictures, has on the test pictures of ``data``."""
    names = [name for name in measures if name != "kid" or options.features]
    evaluation = evaluate([subject], data, direction="A2B", measures=names, features=options.features,
                          cycle=False, baseline=False, device=options.device, limit=options.limit)  # fmt: skip
    values = {name: evaluation.value(evaluation.rows[0].label, name) for name in names}
    return {name: value * SCALE.get(name, 1.0) for name, value in values.items() if value is not None}


def write(text: str, path: Path) -> None:
    """Write a page or a drawing whole, over an earlier one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, force=True) as temporary:
        temporary.write_text(text, encoding="utf-8")
