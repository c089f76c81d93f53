"""Several fruit, and fruit behind bars: ``python -m benchmarks.occlusion WORK -m MODEL`` measures masks there.

The test pictures are made of the parts that ``attn-i2i task fruit`` makes its own of, at the model's size, by the same
seed: alone, up to three over each other, behind a fence, and both. What a bar hides is background in the exact masks.
WORK keeps the folders. Printed is a table of both directions, with 95 % intervals. Needs attn-i2i-tasks.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attn_i2i.evaluate import Value, evaluate

SCENES: Mapping[str, Mapping[str, Any]] = {
    "one fruit": {},
    "one to three, overlapping": {"count": 3},
    "one, behind bars": {"bars": True},
    "one to three, behind bars": {"count": 3, "bars": True},
}
MEASURES = {"background_psnr": "background, dB", "mask_ap": "mask AP", "mask_iou": "mask IoU at 0.5"}


def folder(work: Path, scene: str, size: int, tests: int) -> Path:
    """The task's folder of a scene, made where it is not there yet."""
    from attn_i2i_tasks import make_fruit

    target = work / f"{scene.replace(', ', '-').replace(' ', '-')}-{size}-{tests}"
    if not target.is_dir():
        work.mkdir(parents=True, exist_ok=True)
        make_fruit(target, size=size, per_fruit=1, tests=tests, **SCENES[scene])
    return target


def shown(value: Value | None) -> str:
    """A value with its interval.

    >>> shown(Value(0.5, 0.25, 0.75)), shown(None)
    ('0.500 (0.250 to 0.750)', '-')
    """
    if value is None:
        return "-"
    return f"{value.value:.3f}" + (f" ({value.low:.3f} to {value.high:.3f})" if value.low is not None else "")


def rows(options: argparse.Namespace) -> Iterator[str]:
    """The lines of the table."""
    yield "| scene | direction | " + " | ".join(MEASURES.values()) + " |"
    yield "|---|---|" + "--:|" * len(MEASURES)
    for scene in SCENES:
        data = folder(options.work, scene, options.size, options.tests)
        for way in ("A2B", "B2A"):
            evaluation = evaluate([options.model], data, direction=way, measures=list(MEASURES), cycle=False,
                                  baseline=False)  # fmt: skip
            values = evaluation.rows[0].measured.values
            yield f"| {scene} | {way} | " + " | ".join(shown(values.get(name)) for name in MEASURES) + " |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("-m", "--model", default="attentiongan2-apple2orange-fruit")
    parser.add_argument("--size", type=int, default=128, help="side of the pictures")
    parser.add_argument("--tests", type=int, default=100, help="test pictures of each fruit")
    for row in rows(parser.parse_args()):
        print(row, flush=True)


if __name__ == "__main__":
    main()
