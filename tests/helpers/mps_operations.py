"""Which operations Apple's GPUs have, by the list that this PyTorch was built from."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

import yaml


def not_on_mps(operations: Iterable[Any]) -> list[str]:
    """The names of operations that neither Apple's GPUs have nor consist of others."""
    return sorted(name for name in (op.name().removeprefix("aten::") for op in operations) if not _has(name))


def _has(name: str) -> bool:
    row = _rows().get(name)
    if row is None:  # made by torch for each operation in place: it copies what that gives
        return True
    keys = {key.strip() for text in row.get("dispatch") or {} for key in text.split(",")}
    known = "MPS" in keys or any(key.startswith("Composite") for key in keys)
    delegate = row.get("structured_delegate")
    return known or (not keys and not delegate) or (delegate is not None and _has(delegate))


@functools.cache
def _rows() -> dict[str, dict[str, Any]]:
    path = files("torchgen").joinpath("packaged/ATen/native/native_functions.yaml")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return {row["func"].partition("(")[0]: row for row in yaml.load(path.read_text(encoding="utf-8"), loader)}
