"""Dotted names for the tensors in whatever a pickle held."""

from __future__ import annotations

from collections.abc import Iterator

from .inert import Inert
from .rebuild import Array, Refused
from .tensor_index import DamagedError, TensorRef, shown

MAX_DEPTH = 64


def flatten(root: object) -> Iterator[tuple[str, TensorRef]]:
    """Every tensor under ``root`` by its dotted path, in the order of the file; "tensor" for a bare one.

    Modules give the names their state dict would: parameters, buffers that are kept, then submodules. An object that
    contains itself is entered once. Raises DamagedError for tensors without plain bytes, and for nesting beyond reason.
    """
    return _Walk().walk(root, "")


class _Walk:
    def __init__(self) -> None:
        self.open: set[int] = set()
        self.barren: set[int] = set()  # without it, lists that share lists would be walked exponentially often

    def walk(self, value: object, path: str) -> Iterator[tuple[str, TensorRef]]:
        if isinstance(value, Refused):
            raise DamagedError(f"{value.kind} under the name {shown(path)}; {value.advice}")
        if isinstance(value, Array):
            value = value.tensor
        if isinstance(value, TensorRef):
            yield path or "tensor", value
        elif isinstance(value, dict | list | tuple | Inert) and not self._known(value):
            yield from self._enter(value, path)

    def _known(self, value: object) -> bool:
        return id(value) in self.open or id(value) in self.barren

    def _enter(self, value: object, path: str) -> Iterator[tuple[str, TensorRef]]:
        if len(self.open) >= MAX_DEPTH:
            raise DamagedError(f"values nested deeper than {MAX_DEPTH} levels")
        self.open.add(id(value))
        found = False
        for name, child in _children(value):
            for pair in self.walk(child, f"{path}.{name}" if path else name):
                found = True
                yield pair
        self.open.discard(id(value))
        if not found:
            self.barren.add(id(value))


def _children(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        yield from ((str(key), child) for key, child in value.items() if _is_name(key))
    elif isinstance(value, list | tuple):
        yield from ((str(place), child) for place, child in enumerate(value))
    elif isinstance(value, Inert):
        state = _state(value)
        if isinstance(state.get("_parameters"), dict) and isinstance(state.get("_modules"), dict):
            yield from _module_children(state)
            return
        yield from _children(state)
        yield from _children(value.items)
        yield from _children(value.values)
        yield from _children(value.args)


def _module_children(state: dict[object, object]) -> Iterator[tuple[str, object]]:
    transient = state.get("_non_persistent_buffers_set")
    hidden = {name for name in transient if type(name) is str} if isinstance(transient, list) else set()
    for part in ("_parameters", "_buffers", "_modules"):
        children = state.get(part)
        if isinstance(children, dict):
            for name, child in children.items():
                if _is_name(name) and not (part == "_buffers" and name in hidden):
                    yield str(name), child


def _state(value: Inert) -> dict[object, object]:
    """The attributes: the dictionary itself, or the two dictionaries of an object with slots."""
    state = value.state
    if isinstance(state, tuple):
        merged: dict[object, object] = {}
        for part in state:
            if isinstance(part, dict):
                merged.update(part)
        return merged
    return state if isinstance(state, dict) else {}


def _is_name(key: object) -> bool:
    return type(key) in (str, int)
