"""Checkpoints of PyTorch: from bytes on the disk to named byte ranges."""

from __future__ import annotations

from .flatten import flatten
from .stream import View
from .tensor_index import TensorIndex
from .torch_legacy import read_pickle, read_tar
from .torch_zip import read_zip

READERS = {"zip": read_zip, "tar": read_tar, "pickle": read_pickle}


def read_torch(view: View, kind: str) -> TensorIndex:
    """The index of a file of one kind: "zip", "tar" or "pickle"; raises DamagedError."""
    index = TensorIndex(file_size=len(view))
    for name, tensor in flatten(READERS[kind](view)):
        index.add(name, tensor)
    return index
