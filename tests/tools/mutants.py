"""Breaks the library in one small place at a time and counts how often the tests notice.

python -m tests.tools.mutants --count 300 --seed 0 --out mutants.json

A mutant is an operator, a comparison, a constant or a condition changed in a room. Each is tried in a copy of the
tree, with the tests of its room, the quick ones first. Outcomes are stored at once: an interrupted run goes on.
Survivors are to be read: each is either tested from then on, or changes nothing that anybody can see.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
# The tests that look at a room, the quick ones first.
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
}  # fmt: skip
SECONDS = 300.0  # a mutant that makes a test run for ever is noticed, too
SWAPPED: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


class Mutant(NamedTuple):
    """One change: the file, the line, what stood there and what stands there now, and the whole new text."""

    path: str
    line: int
    before: str
    after: str
    text: str


def annotations(tree: ast.AST) -> set[int]:
    """Nodes that type checkers alone read, and docstrings: changing them changes nothing."""
    hidden: set[int] = set()
    for node in ast.walk(tree):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts.append(node.value)
        hidden |= {id(inner) for part in parts if part is not None for inner in ast.walk(part)}
    return hidden


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in place of a node."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPPED:
        yield _with(node, op=SWAPPED[type(node.op)]())
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield _with(node, ops=[SWAPPED[type(node.ops[0])]()])
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.IfExp):
        yield _with(node, body=node.orelse, orelse=node.body)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    return type(node)(**{**{name: getattr(node, name) for name in node._fields}, **fields})


def mutants_of(path: Path) -> list[Mutant]:
    """Every change of one file."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    content, tree, found = source.encode(), ast.parse(source), []
    hidden = annotations(tree)
    for node in ast.walk(tree):
        if id(node) in hidden or not hasattr(node, "lineno"):
            continue
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        for changed in changes(node):
            after = f"({ast.unparse(ast.fix_missing_locations(changed))})"
            text = content[:start] + after.encode() + content[end:]
            before = content[start:end].decode()
            try:
                ast.parse(text)
            except SyntaxError:  # inside an f-string of an older Python
                continue
            found.append(Mutant(str(path.relative_to(ROOT)), node.lineno, before, after, text.decode()))
    return found


def survives(mutant: Mutant, copy: Path) -> bool:
    """Whether the tests of the room pass with the mutant in place."""
    target = copy / mutant.path
    original = target.read_text(encoding="utf-8")
    target.write_text(mutant.text, encoding="utf-8")
    room = Path(mutant.path).parts[1]
    tests = [str(path) for pattern in TESTS[room] for path in sorted((copy / "tests").glob(pattern))]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return False
    finally:
        target.write_text(original, encoding="utf-8")
    return done.returncode == 0


def main() -> None:
    """Draw mutants, try each, and print the share that was noticed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rooms", nargs="+", default=list(TESTS), choices=list(TESTS))
    parser.add_argument("--out", type=Path, default=Path("mutants.json"))
    options = parser.parse_args()
    paths = [path for room in options.rooms for path in sorted((ROOT / "attn_i2i" / room).rglob("*.py"))]
    everything = [mutant for path in paths for mutant in mutants_of(path)]
    drawn = random.Random(options.seed).sample(everything, min(options.count, len(everything)))
    outcomes = json.loads(options.out.read_text()) if options.out.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "tree")
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "site", "dist", "*.pyc"))
        for number, mutant in enumerate(drawn, 1):
            key = f"{mutant.path}:{mutant.line}: {mutant.before} -> {mutant.after}"
            if key not in outcomes:
                outcomes[key] = survives(mutant, copy)
                options.out.write_text(json.dumps(outcomes, indent=1))
            print(f"{number}/{len(drawn)} {'SURVIVED' if outcomes[key] else 'killed'} {key}", flush=True)
    lived = [key for key, alive in outcomes.items() if alive]
    print(f"{len(outcomes) - len(lived)} of {len(outcomes)} killed ({1 - len(lived) / max(1, len(outcomes)):.1%})")


if __name__ == "__main__":
    main()
