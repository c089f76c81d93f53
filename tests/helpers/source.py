"""The package's own source: where it lies, and what each module of it imports."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "attn_i2i"


class ImportCollector(ast.NodeVisitor):
    """Absolute names of everything a module imports; imports for type checkers and late ones count."""

    def __init__(self, module: str, is_package: bool) -> None:
        self.names: set[str] = set()
        self.package = module.split(".") if is_package else module.split(".")[:-1]

    def visit_Import(self, node: ast.Import) -> None:
        self.names.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self.package[: len(self.package) - node.level + 1] if node.level else []
        origin = ".".join([*base, *filter(None, [node.module])])
        self.names.update(f"{origin}.{alias.name}" for alias in node.names)


@cache
def imports() -> dict[str, set[str]]:
    """Names that each module of the package imports, by the module's dotted name."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        collector = ImportCollector(module, is_package)
        collector.visit(ast.parse(path.read_text(encoding="utf-8"), path.name))
        found[module] = collector.names
    return found
