"""Writes the public names and signatures to tests/api.txt: ``python -m tests.tools.record_api``."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import GenericAlias, ModuleType
from typing import Any, ForwardRef, TypeVar

RECORD = Path(__file__).with_name("api.txt")
COMMAND = "python -m tests.tools.record_api"
MODULES = (
    "attn_i2i",
    "attn_i2i.types",
    "attn_i2i.interfaces",
    "attn_i2i.hookspecs",
    "attn_i2i.registry",
    "attn_i2i.arguments",
    "attn_i2i.blocks",
    "attn_i2i.losses",
    "attn_i2i.recipes",
    "attn_i2i.masks",
    "attn_i2i.images",
    "attn_i2i.video",
    "attn_i2i.plugins",
    "attn_i2i.models",
    "attn_i2i.tuning",
    "attn_i2i.export",
    "attn_i2i.translate",
    "attn_i2i.hub",
    "attn_i2i.convert",
    "attn_i2i.train",
    "attn_i2i.evaluate",
    "attn_i2i.evaluate.study",
    "attn_i2i.serve",
    "attn_i2i.testing",
)


class Bare(str):
    """Text whose repr has no quotes, as annotations are written in source."""

    __slots__ = ()
    __repr__ = str.__str__


def annotation(value: Any) -> Any:
    """An annotation the way it stands in the source."""
    if isinstance(value, ForwardRef):
        return Bare(value.__forward_arg__)
    return Bare(value) if isinstance(value, str) else value


def default(value: Any) -> Any:
    """A default value without a memory address in its repr."""
    if value is inspect.Parameter.empty:
        return value
    return Bare(value.__qualname__) if callable(value) and hasattr(value, "__qualname__") else value


def signature(part: Any) -> str:
    """The signature of a function or class, or nothing where it has none of its own."""
    if getattr(part.__init__, "__module__", None) == "torch.nn.modules.module":  # written otherwise in each torch
        return ""
    try:
        found = inspect.signature(part)
    except (TypeError, ValueError):  # a builtin's
        return ""
    parameters = [
        p.replace(annotation=annotation(p.annotation), default=default(p.default)) for p in found.parameters.values()
    ]
    return str(found.replace(parameters=parameters, return_annotation=annotation(found.return_annotation)))


def public_names(module: ModuleType) -> list[str]:
    """``__all__`` where there is one; else what a package re-exports by ``import x as x``, or a module defines."""
    if listed := getattr(module, "__all__", None):
        return sorted(listed)
    if hasattr(module, "__path__"):
        tree = ast.parse(inspect.getsource(module))
        imported = [alias for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
        return sorted(alias.name for alias in imported if alias.asname == alias.name)
    return [name for name in sorted(dir(module)) if not name.startswith("_") and defined_in(module, name)]


def defined_in(module: ModuleType, name: str) -> bool:
    part = getattr(module, name)
    return getattr(part, "__module__", None) == module.__name__ and not isinstance(part, TypeVar)


def members(part: type) -> Iterator[str]:
    """Methods and properties this package gives a class; a protocol's ``__call__`` counts."""
    seen: set[str] = set()
    for owner in (c for c in part.__mro__ if c.__module__.startswith("attn_i2i")):
        for name, value in vars(owner).items():
            if (name.startswith("_") and name != "__call__") or name in seen:
                continue
            seen.add(name)
            if isinstance(value, property):
                yield f"{name}: property"
            elif inspect.isroutine(value):
                yield f"{name}{signature(getattr(part, name))}"


def lines(module: ModuleType) -> Iterator[str]:
    """One line a public name of ``module``, and one a member of each class."""
    for name in public_names(module):
        part = getattr(module, name)
        full = f"{module.__name__}.{name}"
        if isinstance(part, type):
            yield f"class {full}{'' if issubclass(part, BaseException) else signature(part).removesuffix(' -> None')}"
            yield from sorted(f"    {full}.{member}" for member in members(part))
        else:
            yield f"{full}{'' if isinstance(part, GenericAlias) else signature(part) if callable(part) else ''}"


def public_api() -> str:
    """The whole record as text."""
    present = (name for name in MODULES if importlib.util.find_spec(name))
    return "".join(f"{line}\n" for name in present for line in lines(importlib.import_module(name)))


if __name__ == "__main__":
    RECORD.write_text(public_api(), encoding="utf-8")
