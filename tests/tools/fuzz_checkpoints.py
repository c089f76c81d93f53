"""Damages checkpoints in many ways and reads each: ``python -m tests.tools.fuzz_checkpoints --count 2000 --seed 0``.

Every case goes through ``read_checkpoint`` itself, child process and limits included. It must end with tensors or with
one line of the library's own; anything else is a failure: another exception, a reader that crashes or needs too long,
code of the file run (a canary file appears), a file left behind. Exit status 1 after any failure.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import torch

from attn_i2i.convert.reader.read import read_checkpoint
from attn_i2i.types import AttnI2IError
from tests.helpers.checkpoints import save_each
from tests.tools.mutations import MUTATIONS

SECONDS = 20.0
MEMORY = 512 * 2**20


@dataclass
class Tally:
    """What became of the cases of one container."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0


def main(arguments: list[str] | None = None) -> int:
    """Run the cases, print the figures; 0 when every case ended as it should."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.fuzz_checkpoints", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="run this case alone and say what became of it")
    options = parser.parse_args(arguments)
    numbers = range(options.count) if options.only is None else [options.only]
    started, tallies, failures = time.monotonic(), {kind: Tally() for kind in MUTATIONS}, []
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        Path(folder, "seeds").mkdir()
        seeds = save_each(Path(folder, "seeds"))
        for done, number in enumerate(numbers, 1):
            kind = list(MUTATIONS)[number % len(MUTATIONS)]
            outcome, story = _case(
                Path(folder), seeds[kind], kind, random.Random(f"{options.seed}-{number}"), tallies[kind]
            )
            if outcome == "failed":
                failures.append(f"case {number} ({kind}): {story}")
            if options.only is not None:
                print(f"case {number} ({kind}): {outcome}: {story}")
            if sys.stderr.isatty() or done % 200 == 0:
                print(f"\r{done} of {len(numbers)}, {len(failures)} failed", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    _report(tallies, failures, options.seed, time.monotonic() - started)
    return 1 if failures else 0


def _case(folder: Path, seed: Path, kind: str, dice: random.Random, tally: Tally) -> tuple[str, str]:
    """Damage one copy, read it, and look at what came of it."""
    work, scratch, canary = folder / "work", folder / "scratch", folder / "canary"
    for path in (work, scratch):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    files = [path for path in seed.parent.glob(f"{seed.stem}*") if kind in ("tensorflow", "snappy")] or [seed]
    for path in files:
        shutil.copy(path, work)
    target = work / (dice.choice(files).name if dice.random() < 0.2 else seed.name)
    content, names = target.read_bytes(), []
    for _ in range(dice.choice([1, 1, 1, 2])):
        usable = [m for m in MUTATIONS[kind] if not names or m.__name__ in ("flip", "truncate", "splice", "length")]
        mutation = dice.choice(usable if target.name == seed.name else usable[:4])
        content = mutation(content, dice, canary) or b"\0"
        names.append(mutation.__name__)
    target.write_bytes(content)
    before, started = sorted(work.iterdir()), time.monotonic()
    outcome, story = _read(work / seed.name, scratch)
    tally.slowest = max(tally.slowest, time.monotonic() - started)
    if canary.exists():
        outcome, story = "failed", "code of the file was run"
        canary.unlink()
    elif sorted(work.iterdir()) != before or any(scratch.iterdir()):
        outcome, story = "failed", "files were left behind"
    tally.outcomes[outcome] += 1
    return outcome, f"{story} [{', '.join(names)}]"


def _read(path: Path, scratch: Path) -> tuple[str, str]:
    before, tempfile.tempdir = tempfile.tempdir, str(scratch)
    try:
        tensors = read_checkpoint(path, memory_limit=MEMORY, seconds=SECONDS)
        total = sum(float(tensor.double().nan_to_num().sum()) for tensor in tensors.values() if not tensor.is_complex())
        return "read", f"{len(tensors)} tensors (sum {total:.3g})"
    except AttnI2IError as error:
        story = str(error)
        if "\n" in story or "did not survive" in story or "seconds to read" in story:
            return "failed", story
        return ("last resort" if "a damaged file (" in story else "refused"), story
    except Exception as error:  # exactly what this script looks for
        return "failed", f"{type(error).__name__}: {error}"
    finally:
        tempfile.tempdir = before


def _report(tallies: dict[str, Tally], failures: list[str], seed: int, seconds: float) -> None:
    count = sum(tally.outcomes.total() for tally in tallies.values())
    print(f"{count} damaged checkpoints (seed {seed}), each through read_checkpoint with its child process and limits")
    print("\n| container | cases | read | refused | of these by the last resort | failed | slowest |")
    print("|---|---|---|---|---|---|---|")
    for kind, tally in tallies.items():
        seen = tally.outcomes
        refused = seen["refused"] + seen["last resort"]
        figures = [seen.total(), seen["read"], refused, seen["last resort"], seen["failed"], f"{tally.slowest:.2f} s"]
        print(f"| {kind} | {' | '.join(map(str, figures))} |")
    print(f"\n{len(failures)} failures; {seconds:.0f} s in all")
    for failure in failures[:20]:
        print(failure)


if __name__ == "__main__":
    raise SystemExit(main())
