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


class TopCollector(ImportCollector):
    """What importing a module imports: late imports, and those for type checkers, are left to ``late``."""

    def __init__(self, module: str, is_package: bool) -> None:
        super().__init__(module, is_package)
        self.late = ImportCollector(module, is_package)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.late.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_If(self, node: ast.If) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)


@cache
def top_imports() -> dict[str, TopCollector]:
    """What importing each module imports, and what its functions import later, by the module's dotted name."""
    collectors = {}
    for module, is_package, tree in _modules():
        collectors[module] = TopCollector(module, is_package)
        collectors[module].visit(tree)
    return collectors


@cache
def imports() -> dict[str, set[str]]:
    """Names that each module of the package imports, by the module's dotted name."""
    names = {}
    for module, is_package, tree in _modules():
        collector = ImportCollector(module, is_package)
        collector.visit(tree)
        names[module] = collector.names
    return names


def sources() -> dict[str, Path]:
    """The file of each module of the package, by the module's dotted name."""
    files = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


def type_homes() -> dict[str, list[str]]:
    """The modules that define a class or a type alias of each name at their top; an alias is named as classes are."""
    homes: dict[str, list[str]] = {}
    for module, _, tree in _modules():
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            aliases = [target.id for target in targets if isinstance(target, ast.Name)]
            for name in [node.name] if isinstance(node, ast.ClassDef) else filter(_is_of_a_type, aliases):
                homes.setdefault(name, []).append(module)
    return homes


def _is_of_a_type(name: str) -> bool:
    """Whether a name is written as those of types are: with a capital, and not in capitals."""
    return name.lstrip("_")[:1].isupper() and not name.isupper()


@cache
def _modules() -> list[tuple[str, bool, ast.Module]]:
    """Each module's dotted name, whether it is a package, and its syntax tree."""
    return [
        (module, path.name == "__init__.py", ast.parse(path.read_text(encoding="utf-8"), path.name))
        for module, path in sources().items()
    ]
