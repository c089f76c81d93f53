"""Every small change of a source file: an operator, a comparison, a constant or a condition at a time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SWAPPED: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Mutant(NamedTuple):
    """One change: the file, the line, what stood there and what stands there now, and the whole new text.

    ``lines`` are those of the statement around the change. ``name`` is None inside a function. Elsewhere the change
    takes effect when the module is imported, and ``name`` is what the module defines there.
    """

    path: str
    line: int
    before: str
    after: str
    text: str
    lines: tuple[int, int]
    name: str | None

    @property
    def key(self) -> str:
        """What names the change in a list."""
        return f"{self.path}:{self.line}: {self.before} -> {self.after}"


def mutants_of(path: Path, root: Path) -> list[Mutant]:
    """Every change of one file."""
    source = path.read_text(encoding="utf-8")
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    content, tree = source.encode(), ast.parse(source)
    hidden, homes, mutants = _annotations(tree), _homes(tree), []
    for node in ast.walk(tree):
        if id(node) in hidden or not hasattr(node, "lineno"):
            continue
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        for changed in _changes(node):
            after = f"({ast.unparse(ast.fix_missing_locations(changed))})"
            text = content[:start] + after.encode() + content[end:]
            try:
                ast.parse(text)
            except SyntaxError:  # inside an f-string of an older Python
                continue
            before, place = content[start:end].decode(), str(path.relative_to(root))
            mutants.append(Mutant(place, node.lineno, before, after, text.decode(), *homes[id(node)]))
    return mutants


def _annotations(tree: ast.AST) -> set[int]:
    """Nodes that type checkers alone read, and docstrings: changing them changes nothing."""
    hidden: set[int] = set()
    for node in ast.walk(tree):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts.append(node.value)
        hidden |= {id(inner) for part in parts if part is not None for inner in ast.walk(part)}
    return hidden


def _changes(node: ast.AST) -> Iterator[ast.AST]:
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


def _homes(tree: ast.Module) -> dict[int, tuple[tuple[int, int], str | None]]:
    """The lines of the statement around each node, and outside functions the name that it helps to define."""
    homes: dict[int, tuple[tuple[int, int], str | None]] = {}

    def visit(node: ast.AST, lines: tuple[int, int], name: str | None) -> None:
        if isinstance(node, ast.stmt):
            lines = _head(node)
        homes[id(node)] = (lines, name)
        inside = {id(child) for child in node.body} if isinstance(node, FUNCTIONS) else set()
        for child in ast.iter_child_nodes(node):
            visit(child, lines, None if id(child) in inside else name)

    for statement in tree.body:
        names = [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
        visit(statement, (0, 0), getattr(statement, "name", names[0] if names else ""))
    return homes


def _head(statement: ast.stmt) -> tuple[int, int]:
    """The first and the last line of a statement, without those of the statements in it."""
    first = min([statement.lineno, *(node.lineno for node in getattr(statement, "decorator_list", []))])
    body = getattr(statement, "body", None)
    last = body[0].lineno - 1 if isinstance(body, list) and body else statement.end_lineno
    return first, max(first, last or first)
