"""Where a network runs and in what precision."""

from __future__ import annotations

import platform
import warnings

import torch

from .types import ConfigError

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "half": torch.float16,
}

AUTO = "auto"


class PrecisionWarning(UserWarning):
    """A precision that does not do here what it is chosen for."""


class PrecisionNotice(UserWarning):
    """The precision that was taken where the choice was left to this library."""


def pick_device(device: str | torch.device | None) -> torch.device:
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"The device {str(device)!r} cannot be used here: {reason}.") from error
    return torch.device(device)


def pick_dtype(dtype: str | torch.dtype | None) -> torch.dtype:
    """A precision by its name; "auto" begins with float32. Raises ConfigError."""
    if dtype == AUTO:
        return torch.float32
    found = DTYPES.get(dtype) if isinstance(dtype, str) else torch.float32 if dtype is None else dtype
    if found is None or found not in DTYPES.values():
        raise ConfigError(f"dtype={dtype!r} was given: expected one of {', '.join((AUTO, *DTYPES))}.")
    return found


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
