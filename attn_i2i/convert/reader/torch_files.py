"""Checkpoints of PyTorch: from bytes on the disk to named byte ranges."""

from __future__ import annotations

from .flatten import flatten
from .plan import Plan
from .stream import View
from .torch_legacy import read_pickle, read_tar
from .torch_zip import read_zip

READERS = {"zip": read_zip, "tar": read_tar, "pickle": read_pickle}


def read_torch(view: View, kind: str) -> Plan:
    """The plan of a file of one kind: "zip", "tar" or "pickle"; raises DamagedError."""
    plan = Plan(file_size=len(view))
    for name, tensor in flatten(READERS[kind](view)):
        plan.add(name, tensor)
    return plan
