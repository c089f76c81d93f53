"""Checkpoints in every container that PyTorch has written, made on the fly."""

from __future__ import annotations

import argparse
import io
import pickle
import struct
import sys
import tarfile
import types
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tests.helpers.tf_bundle import write_bundle


def weights() -> dict[str, Tensor]:
    """A small state dict with several types, a scalar and a view."""
    base = torch.arange(12.0)
    return OrderedDict(
        {
            "conv.weight": torch.randn(4, 3, 3, 3),
            "conv.bias": torch.randn(4).double(),
            "half": torch.randn(5).half(),
            "brain": torch.randn(2, 2).bfloat16(),
            "count": torch.tensor(7),
            "mask": torch.tensor([True, False]),
            "transposed": torch.randn(2, 3).T,
            "view": base[3:9:2],
            "sibling": base[:2],
            "empty": torch.zeros(0, 3),
        }
    )


def save_zip(path: Path, value: object) -> Path:
    """As PyTorch 1.6 and later save."""
    torch.save(value, path)
    return path


def save_legacy(path: Path, value: object, protocol: int = 2) -> Path:
    """As PyTorch before 1.6 saved."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Couldn't retrieve source code")  # for classes made in a test
        torch.save(value, path, _use_new_zipfile_serialization=False, pickle_protocol=protocol)
    return path


def save_old_tar(path: Path, tensors: Mapping[str, Tensor]) -> Path:
    """As PyTorch before 0.1.10 saved: float32 tensors, each with a storage of its own, the last one through a view."""
    keys = {id(tensor): 1000 + number for number, tensor in enumerate(tensors.values())}
    storages = pickle.dumps(len(tensors), 2)
    shapes = pickle.dumps(len(tensors), 2)
    for tensor in tensors.values():
        key = keys[id(tensor)]
        data = tensor.contiguous().numpy().tobytes()
        storages += pickle.dumps((key + 5000, "cpu", torch.FloatStorage), 2)
        storages += struct.pack("<q", tensor.numel() + 2) + bytes(8) + data
        shapes += pickle.dumps((key, key + 9000, torch.FloatStorage), 2)
        shapes += struct.pack("<i4x", tensor.dim())
        shapes += struct.pack(f"<{2 * tensor.dim() + 1}q", *tensor.shape, *tensor.contiguous().stride(), 0)
    storages += pickle.dumps([(key + 9000, key + 5000, 2, t.numel()) for t, key in _pairs(tensors, keys)], 2)
    stream = io.BytesIO()

    class ByKey(pickle.Pickler):
        def persistent_id(self, value: object) -> str | None:
            return str(keys[id(value)]) if id(value) in keys else None

    ByKey(stream, 2).dump(dict(tensors))
    members = {"sys_info": pickle.dumps({}), "pickle": stream.getvalue(), "tensors": shapes, "storages": storages}
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _pairs(tensors: Mapping[str, Tensor], keys: Mapping[int, int]) -> Iterator[tuple[Tensor, int]]:
    return ((tensor, keys[id(tensor)]) for tensor in tensors.values())


def training_state() -> dict[str, object]:
    """What training scripts really save: several networks, an optimizer, options, numpy numbers."""
    return {
        "genA2B": weights(),
        "optimizer": {
            "state": {0: {"step": 3, "exp_avg": torch.ones(2)}},
            "param_groups": [{"lr": 1e-4}],
        },
        "opt": argparse.Namespace(name="selfie2anime", gpu_ids=[0]),
        "loss": np.float64(0.25),
        "history": [np.float32(1.0), None, "text", b"bytes", {1, 2}, frozenset({"a"})],
        "mean": np.arange(6, dtype=np.float32).reshape(2, 3),
    }


@contextmanager
def vanishing_module() -> Iterator[type[nn.Module]]:
    """A class that can be pickled inside the block and cannot be imported behind it."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 2, 3)
            self.layers = nn.Sequential(nn.BatchNorm2d(2), nn.ReLU(), nn.Linear(2, 2, bias=False))
            self.register_buffer("kept", torch.arange(3))
            self.register_buffer("passing", torch.zeros(9), persistent=False)
            self.note = "text"

    module = types.ModuleType("vanished_networks")
    module.Net = Net  # type: ignore[attr-defined]
    Net.__module__, Net.__qualname__ = "vanished_networks", "Net"
    sys.modules["vanished_networks"] = module
    try:
        yield Net
    finally:
        del sys.modules["vanished_networks"]


def save_each(folder: Path) -> dict[str, Path]:
    """One checkpoint of every container, by the name of the container."""
    arrays = {f"net/layer{i}/kernel": np.random.default_rng(i).random((3, i + 1), np.float32) for i in range(20)}
    plain = {name: tensor.contiguous().clone() for name, tensor in weights().items()}
    save_file(plain, folder / "model.safetensors")
    (folder / "numpy.pkl").write_bytes(pickle.dumps({"a": np.arange(6.0), "t": torch.ones(3)}, 5))
    return {
        "zip": save_zip(folder / "zip.pth", training_state()),
        "legacy": save_legacy(folder / "legacy.pth", training_state()),
        "tar": save_old_tar(folder / "old.pth", {"a.weight": torch.randn(30, 40), "a.bias": torch.randn(4)}),
        "pickle": folder / "numpy.pkl",
        "tensorflow": write_bundle(folder / "model-1", arrays, shards=2),
        "snappy": write_bundle(folder / "packed-1", arrays, compress=True),
        "safetensors": folder / "model.safetensors",
    }
