"""How long a fresh process takes to its first picture, step by step: ``python -m benchmarks.startup``.

Each round starts a process. Its steps are timed by the wall clock and by processor time, and the median of the rounds
is shown. Processor time is what other work on the machine disturbs least.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.machine import describe

STEPS = """
import json, sys, time
marks = [("start", time.perf_counter(), time.process_time())]
def mark(name): marks.append((name, time.perf_counter(), time.process_time()))
import torch; mark("import torch")
import attn_i2i; mark("import attn_i2i")
translate = attn_i2i.load(sys.argv[1]); mark("load")
result = translate(sys.argv[2]); mark("first picture")
result.pil(); mark("as 8 bits")
translate(sys.argv[2]); mark("second picture")
print(json.dumps([(b[0], b[1] - a[1], b[2] - a[2]) for a, b in zip(marks, marks[1:])]))
"""


def measured(model: str, picture: Path, tune: str) -> list[tuple[str, float, float]]:
    """(step, wall seconds, processor seconds) of a fresh process."""
    command = [sys.executable, "-c", STEPS, model, str(picture)]
    done = subprocess.run(
        command, env={**os.environ, "ATTN_I2I_TUNE": tune}, check=True, capture_output=True, text=True
    )
    return [(name, wall, cpu) for name, wall, cpu in json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="attentiongan2-flat2clay")
    parser.add_argument("--picture", type=Path, default=Path("zoo/samples/heart.png"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tune", choices=("on", "off"), default="on", help="ATTN_I2I_TUNE of the processes")
    arguments = parser.parse_args()
    print(f"{describe()}; {arguments.model}, {arguments.picture.name}, {arguments.rounds} rounds.\n")
    rounds = [measured(arguments.model, arguments.picture, arguments.tune) for _ in range(arguments.rounds)]
    print("| step | wall s | CPU s |\n|---|--:|--:|")
    total = [0.0, 0.0]
    for steps in zip(*rounds, strict=True):
        wall, cpu = (statistics.median(step[i] for step in steps) for i in (1, 2))
        print(f"| {steps[0][0]} | {wall:.2f} | {cpu:.2f} |")
        if steps[0][0] != "second picture":
            total = [total[0] + wall, total[1] + cpu]
    print(f"| all to the first picture | {total[0]:.2f} | {total[1]:.2f} |")


if __name__ == "__main__":
    main()
