"""A GPU that only knows shapes: what runs on it mixes no devices and never waits, or raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from packaging.version import Version
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class WaitingError(RuntimeError):
    """The host would have waited for the device."""


class _NoBlockingCopies(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        answer = func(*args, **kwargs)
        moves = func is torch.ops.aten._to_copy.default and args[0].device != answer.device
        if moves and not kwargs.get("non_blocking"):
            raise WaitingError(f"a copy from {args[0].device} to {answer.device} without non_blocking")
        return answer


@contextmanager
def fake_cuda(patch: pytest.MonkeyPatch) -> Iterator[FakeTensorMode]:
    """Tensors made inside are on a GPU without contents: to read one, or to mix it with a CPU's, raises.

    Gradients are zeros at once, since autograd's own need a card. Nothing is known to last: what was made inside is
    of no use outside. Skips the test with torch before 2.14: that of 2.6 asks the driver even for shapes.
    """
    if Version(torch.__version__) < Version("2.14"):
        pytest.skip("this torch asks the driver even for tensors of no content")
    patch.setattr("torch.cuda.amp.common.amp_definitely_not_available", lambda: False)
    patch.setattr("torch.cuda.is_bf16_supported", lambda *_, **__: True)
    patch.setattr("torch.autograd.backward", _zero_gradients)
    patch.setattr("torch.autograd.grad", _zeros_of_inputs)
    # A copied tensor would have a mode of its own, which does not mix with others.
    patch.setattr(FakeTensorMode, "__deepcopy__", lambda mode, memo: mode, raising=False)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        yield mode


class _NoFloat64(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        answer = func(*args, **(kwargs or {}))
        if any(isinstance(t, Tensor) and t.is_cuda and t.dtype == torch.float64 for t in tree_leaves(answer)):
            raise TypeError(f"{func} gave float64, which this device does not have")
        return answer


@contextmanager
def without_float64(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Inside, the GPU has no float64, as Apple's: a tensor of it raises TypeError; entered within ``fake_cuda``."""
    patch.setattr("attn_i2i.devices.has_float64", lambda device: device.type != "cuda")
    with _NoFloat64():
        yield


def no_waiting() -> TorchDispatchMode:
    """Inside, a copy between host and device that waits raises WaitingError; entered within ``fake_cuda``."""
    return _NoBlockingCopies()


def _zero_gradients(loss: Tensor, *, inputs: list[Tensor]) -> None:
    for parameter in inputs:
        parameter.grad = torch.zeros_like(parameter) + 0 * loss


def _zeros_of_inputs(outputs: Tensor, inputs: Any, *_: Any, **__: Any) -> tuple[Tensor, ...]:
    return tuple(torch.zeros_like(tensor) + 0 * outputs.sum() for tensor in _listed(inputs))


def _listed(tensors: Any) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)
