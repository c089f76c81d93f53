"""Where a network runs and in what precision."""

from __future__ import annotations

import torch

from .types import ConfigError

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "half": torch.float16,
}


def pick_device(device: str | torch.device | None) -> torch.device:
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"The device {str(device)!r} cannot be used here: {reason}.") from error
    return torch.device(device)


def pick_dtype(dtype: str | torch.dtype | None) -> torch.dtype:
    found = DTYPES.get(dtype) if isinstance(dtype, str) else dtype or torch.float32
    if found is None or found not in DTYPES.values():
        raise ConfigError(f"dtype={dtype!r} was given: expected one of {', '.join(DTYPES)}.")
    return found
