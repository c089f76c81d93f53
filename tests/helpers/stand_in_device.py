"""A GPU that computes on the CPU: its tensors know where they lie, and what mixes devices raises, as on a card."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from packaging.version import Version
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

aten = torch.ops.aten
COPIES = (aten.copy_.default, aten._to_copy.default)
INDEXED = (aten.index.Tensor, aten.index_put_.default, aten.index_put.default)


class OnDevice(Tensor):
    """A tensor that says that it lies on the stand-in, and holds its numbers in a tensor of the CPU."""

    held: Tensor
    stand_in: StandIn

    @staticmethod
    def __new__(cls: type[OnDevice], held: Tensor, stand_in: StandIn) -> OnDevice:
        places: dict[str, Any] = {"strides": held.stride(), "storage_offset": held.storage_offset()}
        self = Tensor._make_wrapper_subclass(cls, held.shape, **places, dtype=held.dtype, device=stand_in.device)
        self.held, self.stand_in = held, stand_in
        return self

    def __repr__(self, **_: Any) -> str:
        return f"OnDevice({self.held!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        (stand_in,) = {leaf.stand_in for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, OnDevice)}
        return stand_in.compute(func, args, kwargs or {})


class StandIn(TorchDispatchMode):
    """Inside, ``device`` is a GPU. ``operations`` are those that it did, ``missing`` those that it does not have."""

    def __init__(self, device: torch.device, *, float64: bool) -> None:
        super().__init__()
        self.device, self.float64 = device, float64
        self.operations: set[Any] = set()
        self.missing: set[Any] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        here = any(isinstance(leaf, OnDevice) for leaf in tree_leaves((args, kwargs)))
        return self.compute(func, args, kwargs) if here or self._is_here(kwargs) else func(*args, **kwargs)

    def compute(self, func: Any, args: Any, kwargs: Any) -> Any:
        """What an operation on tensors of this device gives: on it as well, but for copies to another."""
        with self:  # in inference mode operations arrive that consist of others
            if (answer := func.decompose(*args, **kwargs)) is not NotImplemented:
                return answer
        self._check(func, args, kwargs)
        self.operations.add(func)
        own = {id(leaf.held): leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, OnDevice)}
        leaves = kwargs.get("device") is not None and not self._is_here(kwargs)
        inner = dict(kwargs) | ({"device": torch.device("cpu")} if self._is_here(kwargs) else {})
        answer = func(*tree_map_only(OnDevice, _held, args), **tree_map_only(OnDevice, _held, inner))
        if leaves or (func is aten.copy_.default and not isinstance(args[0], OnDevice)):
            return answer
        return tree_map_only(Tensor, lambda t: own[id(t)] if id(t) in own else self.put(t), answer)

    def put(self, tensor: Tensor) -> OnDevice:
        """A tensor of the CPU, seen on this device. Raises TypeError for float64 where that is not known here."""
        if tensor.dtype == torch.float64 and not self.float64:
            raise TypeError("float64 on a device that does not have it")
        return OnDevice(tensor, self)

    def _is_here(self, kwargs: Any) -> bool:
        device = kwargs.get("device")
        return device is not None and torch.device(device).type == self.device.type

    def _check(self, func: Any, args: Any, kwargs: Any) -> None:
        """Raise RuntimeError where tensors of the CPU take part, as cards do: single numbers and indexes may."""
        if func in self.missing:
            raise NotImplementedError(f"{func} is not implemented for {self.device}")
        if func in COPIES:
            return
        beside = tree_leaves((args[2:] if func in INDEXED else args, kwargs))
        strangers = [t for t in beside if isinstance(t, Tensor) and not isinstance(t, OnDevice) and t.ndim]
        if strangers:
            raise RuntimeError(f"{func}: tensors on {self.device} and on {strangers[0].device}")


class _NoDriver(TorchFunctionMode):
    """What torch asks a driver for: the number of a device that has none, and which one an indexed tensor lies on."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device = device

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        args, kwargs = tree_map_only((torch.device, str), self._numbered, (args, kwargs or {}))
        if func in (Tensor.__getitem__, Tensor.__setitem__) and isinstance(args[0], OnDevice):
            answer = func(*tree_map_only(OnDevice, _held, args))
            return None if answer is None else args[0].stand_in.put(answer)
        return func(*args, **kwargs)

    def _numbered(self, device: torch.device | str) -> torch.device | str:
        return self.device if str(device) == self.device.type else device


def _held(tensor: OnDevice) -> Tensor:
    return tensor.held


@contextmanager
def stand_in_device(patch: pytest.MonkeyPatch, free: int = 2**33) -> Iterator[StandIn]:
    """Inside, torch finds one GPU, Apple's: it has no float64, and ``free`` bytes.

    Skips the test with torch before 2.14, on which nobody has tried it.
    """
    if Version(torch.__version__) < Version("2.14"):
        pytest.skip("this stand-in was tried with torch 2.14 and later")
    patch.setattr("attn_i2i.devices.is_available", lambda kind: kind == "mps")
    patch.setattr(torch.mps, "recommended_max_memory", lambda: free)
    patch.setattr(torch.mps, "current_allocated_memory", lambda: 0)
    patch.setattr(torch.mps, "synchronize", lambda: None)
    device = torch.device("mps", 0)
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # else parameters stay tensors of the CPU
    try:
        with _NoDriver(device), StandIn(device, float64=False) as stand_in:
            yield stand_in
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before)
