"""Imports point one way, and what a help text needs stays light."""

from __future__ import annotations

import ast
import graphlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "attn_i2i"
PARTS = {path.stem for path in (ROOT / PACKAGE).iterdir() if not path.name.startswith("_")}
HEAVY = {"torch", "torchvision", "timm", "numpy", "PIL", "accelerate", "sklearn", "skimage", "scipy"}

# What a part of the package may import from the rest of it. Late imports count, those under TYPE_CHECKING do not.
MAY_IMPORT = {
    "types": set[str](),
    "files": {"types"},
    "interfaces": {"types"},
    "blocks": {"types", "interfaces"},
    "losses": {"types", "interfaces", "blocks"},
    "pool": {"types"},
    "recipes": {"types", "interfaces", "blocks", "losses", "pool", "registry"},
    "registry": {"types"},
    "hookspecs": {"types", "registry"},
    "plugins": {"types", "registry", "hookspecs"},
    "builtin": {"types", "interfaces", "blocks", "losses", "pool", "recipes", "registry", "convert", "hookspecs"},
}
# Parts between the registry and the translator: nothing that stands on them, and no family by name.
BELOW_TRANSLATOR = {
    "cards",
    "convert",
    "hub",
    "model",
    "model_card",
    "images",
    "pictures",
    "options",
    "assemble",
    "result",
}
ABOVE_THEM = {"translator", "train", "evaluate", "testing", "builtin"}


class ImportCollector(ast.NodeVisitor):
    """Absolute names of everything a module imports, imports for type checkers left out."""

    def __init__(self, module: str, is_package: bool) -> None:
        self.names: set[str] = set()
        self.package = module.split(".") if is_package else module.split(".")[:-1]

    def visit_If(self, node: ast.If) -> None:
        branches = node.orelse if ast.unparse(node.test).endswith("TYPE_CHECKING") else [*node.body, *node.orelse]
        for child in branches:
            self.visit(child)

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


def part(module: str) -> str:
    """The part of the package a module or imported name belongs to; its root is a part of its own."""
    names = module.split(".")
    return names[1] if len(names) > 1 and names[1] in PARTS else PACKAGE


def edges() -> Iterator[tuple[str, str, str]]:
    """(module, its part, part it imports) for each import of one part of the package by another."""
    for module, names in imports().items():
        for name in names:
            if name.split(".")[0] == PACKAGE and part(name) != part(module):
                yield module, part(module), part(name)


def test_each_part_imports_only_what_it_stands_on() -> None:
    wrong = [f"{m} imports {to}" for m, source, to in edges() if source in MAY_IMPORT and to not in MAY_IMPORT[source]]
    wrong += [f"{m} imports {to}" for m, source, to in edges() if source in BELOW_TRANSLATOR and to in ABOVE_THEM]
    assert not wrong


def test_nothing_imports_the_command_line() -> None:
    assert not [module for module, _, to in edges() if to == "cli" and not module.endswith("__main__")]


def test_no_two_parts_import_each_other() -> None:
    graph: dict[str, set[str]] = {}
    for _, source, to in edges():
        graph.setdefault(source, set()).add(to)
    order = list(graphlib.TopologicalSorter(graph).static_order())  # a cycle is an error that names its members
    assert set(order) >= graph.keys()


def test_timm_is_imported_in_one_file() -> None:
    users = [module for module, names in imports().items() if any(name.split(".")[0] == "timm" for name in names)]
    assert users == [f"{PACKAGE}.blocks.timm_trunk"]


def test_the_collector_sees_every_form_of_import() -> None:
    code = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import torch
else:
    import a.b
from . import c
from ..d import e
def late():
    from .f import g
"""
    collector = ImportCollector("p.q.r", is_package=False)
    collector.visit(ast.parse(code))
    assert collector.names == {"typing.TYPE_CHECKING", "a.b", "p.q.c", "p.d.e", "p.q.f.g"}


def modules_after(code: str) -> set[str]:
    """Top-level packages in a fresh interpreter after ``code``, third-party plugins off."""
    code += "\nimport sys; print('modules:', *{name.partition('.')[0] for name in sys.modules})"
    environment = os.environ | {"ATTN_I2I_PLUGINS": ""}
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    print(f"{time.perf_counter() - start:.2f} s")
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("modules:")[2].split())


def test_importing_the_package_is_cheap() -> None:
    assert not modules_after("import attn_i2i") & (HEAVY | {"typer", "rich", "huggingface_hub"})


@pytest.mark.parametrize("arguments", [["--help"], ["convert", "--help"], ["translate", "--help"], ["train", "--help"]])
def test_help_is_cheap(arguments: list[str]) -> None:
    code = f"""
import sys
from attn_i2i.cli import main
sys.argv = ["attn-i2i", *{arguments}]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""
    assert not modules_after(code) & HEAVY
