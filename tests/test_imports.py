"""Imports point one way, and what a help text needs stays light."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache

import pytest

from .helpers.source import PACKAGE, ROOT, ImportCollector, imports, top_imports, type_homes

PARTS = {
    path.stem
    for path in (ROOT / PACKAGE).iterdir()
    if path.name[0] not in "._" and path.suffix in ("", ".py") and path.stem != "py"
}
HEAVY = {"torch", "torchvision", "timm", "numpy", "PIL", "accelerate", "av", "cv2", "sklearn", "skimage", "scipy"}

# The rooms from the ground up. A part may import those of the lines before its own and, in its line, those before it.
# Late imports count, and so do those for type checkers.
HOUSE = (
    "version types files interfaces devices arguments masks registry hookspecs losses",
    "blocks",
    "images",
    "video",
    "plugins",
    "recipes",
    "models",
    "tuning",
    "convert",
    "hub",
    "train",
    "builtin",
    "export",
    "translate",
    "evaluate",
    "serve",
    "testing",
    "doctor",
    "cli",
)
FLOOR = {name: number for number, name in enumerate(" ".join(HOUSE).split())}
# What a family of networks may know: it is a plugin like a stranger's. The plugin of cards knows where they lie too.
FAMILIES_KNOW = {
    *("types", "interfaces", "blocks", "losses", "masks", "recipes", "registry", "convert", "hookspecs"),
}
# Modules whose late imports have another reason than what they bring.
LATE = {
    f"{PACKAGE}.convert.reader.sandbox": "the reading process limits itself before it imports what reads",
    f"{PACKAGE}.cli.new_plugin": "nineteen modules of the standard library that no other command needs",
}
ROOT_KNOWS = {"hookspecs", "types", "version", "models", "translate"}


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


def test_every_part_has_its_place() -> None:
    assert set(FLOOR) >= PARTS, "a part without a rule"


def test_imports_go_down_only() -> None:
    wrong = [
        f"{module} imports {to}"
        for module, here, to in edges()
        if here != PACKAGE and (to == PACKAGE or FLOOR[to] > FLOOR[here])
    ]
    assert not wrong


def test_families_know_what_a_strangers_plugin_knows() -> None:
    assert not [
        f"{module} imports {to}"
        for module, here, to in edges()
        if here == "builtin" and to not in FAMILIES_KNOW and (module, to) != (f"{PACKAGE}.builtin.zoo", "models")
    ]
    names = {
        name
        for module, found in imports().items()
        for name in found
        if part(module) == "builtin" and name.startswith(f"{PACKAGE}.convert")
    }
    assert {name for name in names if ".reader" in name or ".job" in name} == set()


def test_the_root_knows_what_it_offers() -> None:
    assert not [to for _, here, to in edges() if here == PACKAGE and to not in ROOT_KNOWS]


def test_no_two_modules_import_each_other() -> None:
    known = imports()

    def home(name: str) -> str:
        return name if name in known else name.rpartition(".")[0]

    graph = {
        module: {home(name) for name in names if home(name) in known} - {module} for module, names in known.items()
    }
    # A package that offers a name of its own module is above it: what its modules take from each other counts alone.
    seen: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in seen:
            for to in sorted(graph[module]):
                walk(to, (*path, module))
            seen.add(module)

    for module in sorted(graph):
        walk(module, ())


def test_the_top_stays_small() -> None:
    modules = {path.stem for path in (ROOT / PACKAGE).glob("*.py")} - {"__init__"}
    assert len(modules) <= 10


def test_timm_is_imported_in_one_file() -> None:
    users = [module for module, names in imports().items() if any(name.split(".")[0] == "timm" for name in names)]
    assert users == [f"{PACKAGE}.blocks.timm_trunk"]


def test_the_collector_sees_every_form_of_import() -> None:
    code = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import torch
from . import c
from ..d import e
def late():
    from .f import g
"""
    collector = ImportCollector("p.q.r", is_package=False)
    collector.visit(ast.parse(code))
    assert collector.names == {"typing.TYPE_CHECKING", "torch", "p.q.c", "p.d.e", "p.q.f.g"}


@cache
def brought(module: str) -> set[str]:
    """The distributions of others that importing a module of the package imports, through whatever modules of it."""
    collectors, others, seen, waiting = top_imports(), set(), set(), [module]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name.split(".")[0] != PACKAGE:
            others.add(name.split(".")[0])
        elif name in collectors:  # a package is imported before its modules
            waiting += [*collectors[name].names, *([name.rpartition(".")[0]] if "." in name else [])]
        else:
            waiting.append(name.rpartition(".")[0])
    return others - sys.stdlib_module_names


def test_late_imports_save_something() -> None:
    idle = [
        f"{module} imports {name} late"
        for module, collector in top_imports().items()
        for name in collector.late.names
        if name.split(".")[0] == PACKAGE and not brought(name) - brought(module) and module not in LATE
    ]
    assert not idle, "an import that brings nothing heavy stands at the top of its module"


def modules_after(code: str) -> set[str]:
    """Modules in a fresh interpreter after ``code``, third-party plugins off."""
    code += "\nimport sys; print('modules:', *sys.modules)"
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


def test_the_library_does_not_import_torchs_compiler() -> None:
    """Which takes as long as torch itself, at every start."""
    code = "import attn_i2i.blocks, attn_i2i.recipes, attn_i2i.train, attn_i2i.translate"
    assert not modules_after(code) & {"torch._dynamo", "sympy"}


def test_a_class_or_type_alias_has_its_name_to_itself() -> None:
    """Who reads a name, or searches for it, finds one meaning."""
    assert {name: homes for name, homes in type_homes().items() if len(homes) > 1} == {}
