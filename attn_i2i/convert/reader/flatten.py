"""Dotted names for the tensors in whatever a pickle held."""

from __future__ import annotations

from collections.abc import Iterator

from .inert import Inert
from .rebuild import NumpyArray, Refused
from .tensor_index import MAX_NAME, DamagedError, TensorRef, shown

MAX_DEPTH = 64  # a choice: checkpoints nest a few levels, and Python stops at a thousand calls
MAX_STEPS = 2_000_000
"""Values looked at in one file: a training state of 3,000 tensors needs some 100,000."""


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
        self.steps = 0

    def walk(self, value: object, path: str) -> Iterator[tuple[str, TensorRef]]:
        self._spend(1)
        if isinstance(value, Refused):
            raise DamagedError(f"{value.kind} under the name {shown(path)}; {value.advice}")
        if isinstance(value, NumpyArray):
            value = value.tensor
        if isinstance(value, TensorRef):
            yield path or "tensor", value
        elif isinstance(value, dict | list | tuple | Inert) and not self._known(value):
            yield from self._enter(value, path)

    def _spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise DamagedError(f"more than {MAX_STEPS} values in one file")

    def _known(self, value: object) -> bool:
        return id(value) in self.open or id(value) in self.barren

    def _enter(self, value: object, path: str) -> Iterator[tuple[str, TensorRef]]:
        if len(self.open) >= MAX_DEPTH:
            raise DamagedError(f"values nested deeper than {MAX_DEPTH} levels")
        self.open.add(id(value))
        fruitful = False
        for name, child in self._children(value):
            longer = f"{path}.{name}" if path else name
            for pair in self.walk(child, longer[: MAX_NAME + 1]):  # longer names are refused where a tensor has one
                self._spend(1)  # a tensor passes through every level above it
                fruitful = True
                yield pair
        self.open.discard(id(value))
        if not fruitful:
            self.barren.add(id(value))

    def _children(self, value: object) -> Iterator[tuple[str, object]]:
        if isinstance(value, dict):
            yield from ((str(key), child) for key, child in value.items() if _is_name(key))
        elif isinstance(value, list | tuple):
            yield from ((str(place), child) for place, child in enumerate(value))
        elif isinstance(value, Inert):
            state = self._state(value)
            if isinstance(state.get("_parameters"), dict) and isinstance(state.get("_modules"), dict):
                yield from self._module_children(state)
                return
            yield from self._children(state)
            yield from self._children(value.items)
            yield from self._children(value.values)
            yield from self._children(value.args)

    def _module_children(self, state: dict[object, object]) -> Iterator[tuple[str, object]]:
        transient = state.get("_non_persistent_buffers_set")
        transient = transient if isinstance(transient, list) else []
        self._spend(len(transient))
        hidden = {name for name in transient if type(name) is str}
        for part in ("_parameters", "_buffers", "_modules"):
            children = state.get(part)
            if isinstance(children, dict):
                for name, child in children.items():
                    if _is_name(name) and not (part == "_buffers" and name in hidden):
                        yield str(name), child

    def _state(self, value: Inert) -> dict[object, object]:
        """The attributes: the dictionary itself, or the two dictionaries of an object with slots."""
        state = value.state
        if isinstance(state, tuple):
            merged: dict[object, object] = {}
            for part in state:
                if isinstance(part, dict):
                    self._spend(len(part))
                    merged.update(part)
            return merged
        return state if isinstance(state, dict) else {}


def _is_name(key: object) -> bool:
    return type(key) in (str, int)
