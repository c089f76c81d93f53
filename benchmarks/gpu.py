"""Checks and figures of a GPU in one command of at most eight minutes: ``python -m benchmarks.gpu -o DIR``.

First whether the library is right there: reference cases, half precision, layouts, resuming, waiting for the device.
Then how quick it is: translating and training against the plain forward and step, and what a loader must feed. Each
section is a process of its own, so that a section that fails or takes too long takes nothing else along. While checks
run, other processes compile what is timed later. DIR/gpu.json and DIR/gpu.md hold what is done so far, at any time.
Exit code 1 where a section broke off or a check failed.

``--device cpu --quick`` runs the same on small networks, in this process and within seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.gpu_sections import card, checks, inference, runs, training
from benchmarks.gpu_sections.report import JSON, PAGE, Report, Row, Settings, cut
from benchmarks.machine import describe

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "cases"
LIMIT = 450  # seconds for all sections: eight minutes, less what starting and writing take
POLL = 0.2
WARM_MEMORY = 0.4  # of the card, for each section that only compiles: others run beside it


class Section(NamedTuple):
    """A table, or a part of one: its rows come one by one, so that those made before a failure are kept.

    Checks run side by side, what is timed runs alone. ``compiles`` sections are first run once for their caches.
    """

    title: str
    rows: Callable[[Settings], Iterator[Row]]
    timed: bool = False
    compiles: bool = False


def sections(settings: Settings) -> dict[str, Section]:
    """All sections by name, in the order in which they are reported."""
    table = {
        "machine": Section("What the card reaches", card.ceilings, timed=True),
        "forward": Section("Reference cases", checks.forward_cases),
        "training cases": Section("Reference cases", checks.training_cases),
        "precision": Section("Precision and layout", checks.precision),
        "losses": Section("First losses against float32", checks.losses),
        "repeated": Section("The same steps twice", runs.repeated),
        "resumed": Section("Resumed runs", runs.resumed),
        "waiting": Section("Steps that do not wait for the device", runs.waiting),
    }
    for label in inference.networks(settings):
        table[f"inference {label}"] = Section("Translating", inference.section(label), timed=True, compiles=True)
    for recipe, compiles in training.recipes(settings).items():
        table[f"training {recipe}"] = Section("Training", training.section(recipe), timed=True, compiles=compiles)
    return table | {"loader": Section("What the loader delivers", card.loader, timed=True)}


def child_command(name: str, settings: Settings, rows: Path) -> list[str]:
    """What runs one section in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--section", name, "--rows", str(rows)]
    command += ["--device", settings.device, "--cases", *settings.cases]
    return command + ["--warm"] * settings.warm + ["--quick"] * settings.quick


@dataclass
class Child:
    """A section in a process of its own; its rows arrive in a file, line by line."""

    name: str
    command: list[str]
    rows: Path
    warm: bool = False

    def __post_init__(self) -> None:
        self.began, self.seconds = time.monotonic(), 0.0
        self.output = self.rows.with_suffix(".txt").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=environment(), stdout=self.output, stderr=self.output
        )

    def done(self, deadline: float) -> bool:
        """Whether the process ended; past the ``deadline`` it is ended."""
        if self.process.poll() is None and time.monotonic() > deadline:
            self.process.kill()
            self.process.wait()
            self.output.write(f"\nStopped: not done after {time.monotonic() - self.began:.0f} s.")
        self.seconds = time.monotonic() - self.began
        return self.process.poll() is not None

    def answer(self) -> tuple[list[Row], str]:
        """The rows, and what went wrong, or nothing; asked for once, when it is done."""
        with self.output:
            self.output.seek(0)
            text = self.output.read().strip() or f"exit code {self.process.returncode}"
        return read_rows(self.rows), text if self.process.returncode else ""


def environment() -> dict[str, str]:
    """A child's: as many threads as the cores it is meant to have, where nothing else was chosen."""
    return {"OMP_NUM_THREADS": "2"} | os.environ


def read_rows(file: Path) -> list[Row]:
    """The whole lines of a file of rows; one cut short by the end of its process is left out."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def run_here(table: dict[str, Section], settings: Settings, report: Report) -> None:
    """Every section in this process, one after the other."""
    for name, section in table.items():
        rows, error, began = [], "", time.monotonic()
        try:
            for row in section.rows(settings):
                rows.append(row)  # noqa: PERF402  # a failure keeps the rows before it
        except Exception:
            error = traceback.format_exc()
        say(report, name, section, rows, error, time.monotonic() - began)


def run_apart(table: dict[str, Section], settings: Settings, report: Report, limit: float) -> None:
    """Checks and compiling side by side first, then what is timed, each alone; every section in its own process."""
    deadline = time.monotonic() + limit
    warm = settings._replace(warm=True)
    jobs = [(name, warm) for name, section in table.items() if section.compiles]
    jobs += [(name, settings) for name, section in table.items() if not section.timed]
    # Half of the time at most: what is timed needs the other half.
    run_together(table, jobs, report, time.monotonic() + limit / 2)
    for name, section in table.items():
        if section.timed:
            run_together(table, [(name, settings)], report, deadline)


def run_together(table: dict[str, Section], jobs: list[tuple[str, Settings]], report: Report, deadline: float) -> None:
    """Jobs side by side, two cores for each; rows of those that only compile are dropped."""
    at_once = max(1, (os.cpu_count() or 1) // 2)
    waiting, running = list(jobs), list[Child]()
    with tempfile.TemporaryDirectory() as work:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    name, settings = waiting.pop(0)
                    rows = Path(work, f"{len(waiting)}.jsonl")
                    running.append(Child(name, child_command(name, settings, rows), rows, settings.warm))
                for child in [child for child in running if child.done(deadline)]:
                    running.remove(child)
                    told(table, child, report)
                time.sleep(POLL)
        finally:
            for child in running:
                child.process.kill()


def told(table: dict[str, Section], child: Child, report: Report) -> None:
    """Report a child that is done."""
    rows, error = child.answer()
    if child.warm:
        print(f"compiled {child.name}: {child.seconds:.0f} s{' (failed)' * bool(error)}", flush=True)
    else:
        say(report, child.name, table[child.name], rows, error, child.seconds)


def say(report: Report, name: str, section: Section, rows: list[Row], error: str, seconds: float) -> None:
    report.add(name, section.title, rows, error=error, seconds=seconds)
    print(f"{name}: {len(rows)} rows in {seconds:.0f} s{', then it broke off' * bool(error)}", flush=True)
    if error:
        print(cut(error), flush=True)


def write_rows(section: Section, settings: Settings, file: Path) -> None:
    """What a child process does: its section's rows, each as soon as it is there."""
    if settings.warm and settings.device == "cuda":
        torch.cuda.set_per_process_memory_fraction(WARM_MEMORY)
    with file.open("w", encoding="utf-8") as lines:
        for row in section.rows(settings):
            lines.write(json.dumps(row) + "\n")
            lines.flush()


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("gpu-out"), help="folder of gpu.json and gpu.md")
    parser.add_argument("--force", action="store_true", help="write over the tables of an earlier run")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--quick", action="store_true", help="small networks, in this process: does it work at all?")
    parser.add_argument("--cases", nargs="*", default=[str(CASES)], help="folders of reference cases")
    parser.add_argument("--only", nargs="+", metavar="SECTION", default=[], help="sections whose names begin so")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for all sections")
    parser.add_argument("--section", help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--warm", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def refused(given: argparse.Namespace) -> str:
    """Why this cannot be done, or nothing."""
    if given.device == "cuda" and not torch.cuda.is_available():
        return "torch finds no GPU here: --device cpu --quick tells whether the command works at all."
    if (given.output / JSON).exists() and not given.force:
        return f"{given.output / JSON} exists: choose another folder by --output, or give --force."
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Run the sections and write their tables; 1 where anything failed."""
    given = parsed(arguments)
    settings = Settings(given.device, given.quick, tuple(str(Path(case).resolve()) for case in given.cases), given.warm)
    table = sections(settings)
    if given.section:
        write_rows(table[given.section], settings, given.rows)
        return 0
    if given.only:
        table = {name: section for name, section in table.items() if name.startswith(tuple(given.only))}
    if problem := refused(given):
        print(problem, file=sys.stderr)
        return 2
    report = Report(given.output, describe(given.device))
    if given.quick:
        run_here(table, settings, report)
    else:
        run_apart(table, settings, report, given.limit)
    failures = report.failures()
    print("\n".join(["", *failures, f"{len(failures)} failures; tables in {given.output / PAGE}"]))
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
