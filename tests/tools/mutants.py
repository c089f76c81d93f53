"""Breaks the library in one small place at a time and counts how often the tests notice.

python -m tests.tools.mutants --count 300 --seed 0 --out mutants.json

A mutant is an operator, a comparison, a constant or a condition changed in a room. The tests of the rooms run once as
they are, to learn which lines each reaches. Then each mutant is tried in a copy of the tree, with the tests that reach
its line, the quick ones first. Outcomes are stored at once: an interrupted run goes on. ``--again`` tries survivors
once more, with the tests as they are now. ``--budget`` leaves out what is slow, for a first look on a busy machine: it
can only miss that a mutant is noticed. Survivors are to be read: each is either tested from then on, or changes
nothing that anybody can see.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import pytest

from .changes import Mutant, mutants_of
from .lines import CHILD
from .reached import Reached

ROOT = Path(__file__).parents[2]
# The tests that look at a room; those of every room run the examples of docstrings and compare the public signatures.
EVERYWHERE = ["test_docs.py", "test_api.py"]
TESTS = {
    "blocks": [
        "test_blocks_*.py", "test_recipes_parts.py", "test_cyclegan_options.py", "test_contract_generators.py",
        "test_parity.py",
    ],
    "translate": [
        "test_compositing.py", "test_result.py", "test_translator*.py", "test_translate_*.py", "test_domains.py",
        "test_image*.py", "test_folders.py", "test_depth*.py", "test_picture_limits.py", "test_demo.py",
        "test_cli_translate*.py",
    ],
    "convert": [
        "test_contract_converters.py", "test_convert*.py", "test_layouts*.py", "test_read_*.py", "test_parity.py",
    ],
    "models": ["test_cards.py", "test_model*.py", "test_trust.py", "test_sources_data.py", "test_cli_zoo.py"],
    "train": ["test_train*.py", "test_ablation.py"],
}  # fmt: skip
# A mutant may make a test run for ever: it is noticed after so long, and so many times what its tests take otherwise.
SECONDS, TIMES = 120.0, 5.0
# The interpreter that reads foreign files starts without site; its measured twin watches itself.
READER = "attn_i2i/convert/reader/sandbox.py"
WATCH = "sys.path.insert(0, {root!r})\nfrom tests.tools.lines import watch_child\nwatch_child({library!r})\n"


class Chosen:
    """A pytest plugin that keeps the given tests alone, in the given order."""

    def __init__(self, tests: list[str]) -> None:
        self.order = {test: place for place, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Drop the others."""
        items[:] = sorted((item for item in items if item.nodeid in self.order), key=lambda x: self.order[x.nodeid])


class Table:
    """Which tests reach a line, and how long they take."""

    def __init__(self, path: Path) -> None:
        table = json.loads(path.read_text())
        self.tests: list[str] = table["tests"]
        self.seconds: list[float] = table["seconds"]
        self.reached: dict[str, dict[str, list[int]]] = table["reached"]

    @cached_property
    def imported(self) -> dict[str, set[str]]:
        """The files of the library that import a name from another."""
        files: dict[str, set[str]] = {}
        for path in sorted((ROOT / "attn_i2i").rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                for alias in node.names if isinstance(node, ast.ImportFrom) else ():
                    files.setdefault(alias.name, set()).add(str(path.relative_to(ROOT)))
        return files

    def tests_of(self, mutant: Mutant) -> list[int]:
        """The tests that can notice a mutant, file by file, the quick ones first."""
        numbers: set[int] = set()
        if mutant.name is None:
            lines = self.reached.get(mutant.path, {})
            first, last = mutant.lines
            numbers.update(*(lines.get(str(line), ()) for line in range(first, last + 1)))
        else:
            for path in {mutant.path} | self.imported.get(mutant.name, set()):
                numbers.update(*self.reached.get(path, {}).values())
            everywhere = [name.removesuffix(".py") for name in EVERYWHERE]  # what looks at signatures reaches no line
            numbers |= {n for n, test in enumerate(self.tests) if Path(test.partition("::")[0]).stem in everywhere}
        files: dict[str, list[int]] = {}
        for number in sorted(numbers, key=lambda number: self.seconds[number]):
            files.setdefault(self.tests[number].partition("::")[0], []).append(number)
        return [number for file in sorted(files.values(), key=self.total) for number in file]

    def within(self, numbers: list[int], budget: float) -> list[int]:
        """The tests, without the slowest ones if they take longer than ``budget`` seconds together."""
        quick, left = set(), budget
        for number in sorted(numbers, key=lambda number: self.seconds[number]):
            left -= self.seconds[number]
            if left >= 0:
                quick.add(number)
        return [number for number in numbers if number in quick]

    def total(self, numbers: list[int]) -> float:
        """What tests take together, in seconds."""
        return sum(self.seconds[number] for number in numbers)


def import_beforehand() -> None:
    """What takes long to import and changes with no mutant; the processes that try mutants begin with it."""
    for name in ("torch", "numpy", "PIL.Image", "safetensors.torch", "typer", "rich.console", "scipy"):
        __import__(name)


def in_copy(copy: Path, do: Callable[[], int], limit: float | None = None) -> int | None:
    """Run ``do`` in a forked process whose tests and library are those of ``copy``; None after ``limit`` seconds."""
    process = os.fork()
    if process == 0:
        os.setpgid(0, 0)
        os.chdir(copy)
        os.dup2(os.open(copy.parent / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(1, 2)
        sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() not in (ROOT, copy)]
        for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "attn_i2i")]:
            del sys.modules[name]
        status = 1
        try:
            status = do()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    end = None if limit is None else time.monotonic() + limit
    while True:
        done, status = os.waitpid(process, os.WNOHANG if end else 0)
        if done:
            return os.waitstatus_to_exitcode(status)
        if end and time.monotonic() > end:
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)
            return None
        time.sleep(0.02)


def run_tests(copy: Path, files: list[str], plugin: object, *options: str) -> int:
    """Run tests of the copy in this process."""
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(copy), *options, *files]
    return int(pytest.main(arguments, plugins=[plugin]))


def measure(copy: Path, out: Path, patterns: list[str]) -> None:
    """Learn which lines each test reaches."""
    files = sorted({str(path.relative_to(copy)) for name in patterns for path in (copy / "tests").glob(name)})
    reader = copy / READER
    text = reader.read_text(encoding="utf-8")
    watch = WATCH.format(root=str(copy), library=str(copy / "attn_i2i")).replace("\n", "; ").rstrip("; ")
    start = 'if __name__ == "__main__":\n'
    reader.write_text(text.replace(start, f'{start}    if "{CHILD}" in os.environ: {watch}\n'), encoding="utf-8")
    in_copy(copy, lambda: run_tests(copy, files, Reached(copy / "attn_i2i", out.resolve())))
    reader.write_text(text, encoding="utf-8")
    print((copy.parent / "output.txt").read_text()[-2000:])


def survives(mutant: Mutant, copy: Path, table: Table, budget: float) -> bool:
    """Whether the tests that reach the mutant pass with it in place."""
    numbers = table.within(table.tests_of(mutant), budget)
    if not numbers:
        return True
    tests = [table.tests[number] for number in numbers]
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    target = copy / mutant.path
    original = target.read_text(encoding="utf-8")
    target.write_text(mutant.text, encoding="utf-8")
    try:
        limit = SECONDS + TIMES * table.total(numbers)
        return in_copy(copy, lambda: run_tests(copy, files, Chosen(tests), "-x"), limit) == 0
    finally:
        target.write_text(original, encoding="utf-8")


def read_options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rooms", nargs="+", default=list(TESTS), choices=list(TESTS))
    parser.add_argument("--out", type=Path, default=Path("mutants.json"))
    rooms = sorted({pattern for room in TESTS.values() for pattern in room} | set(EVERYWHERE))
    parser.add_argument("--tests", nargs="+", default=rooms, metavar="FILE", help="files of tests/ instead of all")
    parser.add_argument("--budget", type=float, default=float("inf"), help="seconds of tests a mutant")
    parser.add_argument("--again", action="store_true", help="learn the lines anew, and try survivors again")
    return parser.parse_args()


def main() -> None:
    """Draw mutants, try each, and print the share that was noticed."""
    options = read_options()
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    import_beforehand()
    paths = [path for room in options.rooms for path in sorted((ROOT / "attn_i2i" / room).rglob("*.py"))]
    everything = [mutant for path in paths for mutant in mutants_of(path, ROOT)]
    drawn = random.Random(options.seed).sample(everything, min(options.count, len(everything)))
    outcomes = json.loads(options.out.read_text()) if options.out.exists() else {}
    reached = options.out.with_suffix(".reached.json")
    if options.again:
        outcomes = {key: alive for key, alive in outcomes.items() if not alive}
        reached.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "tree").resolve()
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "site", "dist", "*.pyc"))
        if not reached.exists():
            measure(copy, reached, options.tests)
        table = Table(reached)
        for number, mutant in enumerate(drawn, 1):
            if mutant.key not in outcomes:
                outcomes[mutant.key] = survives(mutant, copy, table, options.budget)
                options.out.write_text(json.dumps(outcomes, indent=1))
            print(f"{number}/{len(drawn)} {'SURVIVED' if outcomes[mutant.key] else 'killed'} {mutant.key}", flush=True)
    lived = [key for key, alive in outcomes.items() if alive]
    print(f"{len(outcomes) - len(lived)} of {len(outcomes)} killed ({1 - len(lived) / max(1, len(outcomes)):.1%})")


if __name__ == "__main__":
    main()
