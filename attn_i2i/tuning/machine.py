"""What a measured time depends on beside the work: the processor, and the version of torch."""

from __future__ import annotations

import functools
import hashlib
import platform
from pathlib import Path
from typing import NamedTuple

import torch

VECTOR_FLAGS = ("avx", "amx", "fma", "f16c", "asimd", "sve", "bf16", "i8mm")
"""What the flags begin with, or contain, that say how a processor multiplies; the others decide nothing here."""


class Machine(NamedTuple):
    """The processor's name, the flags of its vector units, and torch's version."""

    processor: str
    flags: tuple[str, ...]
    torch: str

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that stand for all of it."""
        return hashlib.sha256("\n".join((self.processor, *self.flags, self.torch)).encode()).hexdigest()[:12]


@functools.cache
def this_machine() -> Machine:
    """The machine that this process runs on."""
    name, flags = _from_cpuinfo(Path("/proc/cpuinfo"))
    capability = f"torch uses {torch.backends.cpu.get_cpu_capability()}"
    return Machine(name or platform.processor() or platform.machine(), (*flags, capability), torch.__version__)


def _from_cpuinfo(path: Path) -> tuple[str, tuple[str, ...]]:
    """Name and flags of the first processor that Linux lists; both empty where there is no such list."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "", ()
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    flags = fields.get("flags", fields.get("features", "")).split()
    vector = sorted({flag for flag in flags if any(part in flag for part in VECTOR_FLAGS)})
    return fields.get("model name", fields.get("cpu part", "")), tuple(vector)
