"""Where a network runs and in what precision."""

from __future__ import annotations

import platform
import re
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from .types import ConfigError

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "half": torch.float16,
}

# What the allocators of CPUs say, and those of GPUs whose error is none of torch's own.
NO_MEMORY = re.compile(r"allocate memory|not enough memory|out of memory", re.IGNORECASE)
AUTO = "auto"
GPUS = ("cuda", "mps", "xpu")
"""Kinds of GPUs, those that are taken first first: NVIDIA's and AMD's, Apple's, Intel's."""


class PrecisionWarning(UserWarning):
    """A precision that does not do here what it is chosen for."""


class PrecisionNotice(UserWarning):
    """The precision that was taken where the choice was left to this library."""


def pick_device(device: str | torch.device | None) -> torch.device:
    """A device by its name, or the best there is: the first kind of GPU that torch finds, else the CPU.

    Raises ConfigError.
    """
    if device is None:
        return torch.device(next((kind for kind in GPUS if is_available(kind)), "cpu"))
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        if "device string" in reason:  # torch lists every kind that it was ever built for
            reason = "expected cpu, cuda, cuda:1, mps or xpu"
        elif (kind := str(device).partition(":")[0]) in ("mps", "xpu") and not is_available(kind):
            reason = "PyTorch finds none here"  # torch lists a hundred of its parts
        raise ConfigError(f"The device {str(device)!r} cannot be used here: {reason}.") from error
    return torch.device(device)


def is_available(kind: str) -> bool:
    """Whether torch finds a device of this kind here.

    >>> is_available("cpu")
    True
    """
    home = torch.backends if kind == "mps" else torch
    asked = getattr(getattr(home, kind, None), "is_available", None)
    return bool(asked and asked())


def has_float64(device: torch.device) -> bool:
    """Whether a device computes in float64: Apple's GPUs do not, nor do all of Intel's."""
    if device.type == "xpu":
        return bool(getattr(torch.xpu.get_device_properties(device), "has_fp64", True))
    return device.type != "mps"


def widest(device: torch.device) -> torch.dtype:
    """The most precise type that a device computes in: float64, or float32."""
    return torch.float64 if has_float64(device) else torch.float32


def synchronise(device: torch.device) -> None:
    """Wait until a device has done what it was given."""
    if device.type != "cpu":
        torch.get_device_module(device).synchronize()


def is_shortage(error: BaseException) -> bool:
    """Whether an error says that there is no memory left; PyTorch says so of a CPU's in a RuntimeError."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and NO_MEMORY.search(str(error)) is not None


def free_memory(device: torch.device) -> int | None:
    """Bytes that can still be had on a GPU; None where torch does not tell, as of GPUs inside Intel's processors."""
    if device.type == "mps":  # what its driver counts holds memory that torch keeps for further tensors
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    if device.type not in GPUS:
        return None
    module: Any = torch.get_device_module(device)
    try:
        free, _ = module.mem_get_info(device)
    except (AttributeError, RuntimeError):
        return None
    return int(free + module.memory_reserved(device) - module.memory_allocated(device))


def by_way_of_cpu(operation: Callable[..., Tensor], device: torch.device, /, *args: Any, **kwargs: Any) -> Tensor:
    """What an operation gives on ``device``; it is computed on the CPU if the device does not have it.

    Apple's GPUs resize with antialiasing from PyTorch 2.8 on.
    """
    try:
        return operation(*args, **kwargs)
    except NotImplementedError:
        if device.type == "cpu":
            raise
        args, kwargs = tree_map_only(Tensor, Tensor.cpu, (args, kwargs))
        return operation(*args, **kwargs).to(device)


def pick_dtype(dtype: str | torch.dtype | None, device: torch.device | None = None) -> torch.dtype:
    """A precision by its name, for a device; "auto" begins with float32. Raises ConfigError."""
    if dtype == AUTO:
        return torch.float32
    precision = DTYPES.get(dtype) if isinstance(dtype, str) else torch.float32 if dtype is None else dtype
    if precision is None or precision not in DTYPES.values():
        raise ConfigError(f"dtype={dtype!r} was given: expected one of {', '.join((AUTO, *DTYPES))}.")
    if precision == torch.float64 and device is not None and not has_float64(device):
        raise ConfigError(f"dtype={dtype!r} was given, but {device} has no float64: use float32, or device='cpu'.")
    return precision


def warn_of_slow(dtype: torch.dtype, device: torch.device) -> None:
    """Say where bfloat16 costs time instead of saving it."""
    if dtype == torch.bfloat16 and device.type == "cpu" and not computes_bfloat16():
        message = (
            "bfloat16 is slower than float32 on this processor, which has no instructions for it: use float32 unless"
            " memory is short."
        )
        warnings.warn(message, PrecisionWarning, stacklevel=3)


def computes_bfloat16() -> bool:
    """Whether the CPU multiplies in bfloat16; taken for granted where torch cannot tell. AMX comes with AVX-512's."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return True
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return supported is None or bool(supported())
