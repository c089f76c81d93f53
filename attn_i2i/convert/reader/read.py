"""Any published checkpoint as a dictionary of tensors; nothing from the file is executed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ...arguments import typed
from ...files.temporary import temporary_folder
from ...types import UnreadableFileError
from .crc32c import crc32c_array
from .sandbox import run_reader
from .sniff import sniff, unreadable
from .sources import checkpoint_files
from .tensor_index import MAX_NAME, MAX_NAMES, MAX_TENSORS, TOO_MANY, DamagedError, shown

__all__ = ["checkpoint_files", "read_checkpoint"]

MEMORY_LIMIT = 2**30  # bytes beyond three times the file, for what a hostile one may make the reader ask for
SECONDS = 60.0  # a hostile file may make the reader loop; whoever reads a very large one gives more
_DAMAGED = "if it was downloaded, download it again and compare its size with the publisher's"


@typed
def read_checkpoint(
    path: str | Path,
    *,
    keep: Callable[[str], bool] | None = None,
    memory_limit: int = MEMORY_LIMIT,
    seconds: float = SECONDS,
) -> dict[str, Tensor]:
    """The tensors of one checkpoint file by name, on the CPU, each of the type it was saved with.

    Names are dotted for PyTorch ("genA2B.conv1.weight") and as stored for TensorFlow ("generator/conv/kernel"); for
    TensorFlow give the .index file. ``keep`` tells by name which tensors to read, all if absent. Parsing happens in a
    child process that may take ``seconds`` and ``memory_limit`` bytes beyond three times the file. Tensors that share
    storage in the file share it here. Raises UnreadableFileError in one line.
    """
    path = Path(path)
    kind = sniff(path)
    if kind == "safetensors":
        return _read_safetensors(path, keep)
    with temporary_folder() as folder:
        spill = folder / "spill"
        reply = run_reader(path.resolve(), kind, spill, memory_limit=memory_limit, seconds=seconds)
        if "error" in reply:
            content, _, advice = reply["error"].partition("; ")
            raise unreadable(path, content, advice or _DAMAGED)
        if not reply["tensors"]:
            raise unreadable(path, "no tensor in it", "give the file that holds the weights")
        try:
            return _fetch(reply, spill, keep)
        except (DamagedError, OSError, OverflowError, RuntimeError, TypeError, ValueError) as error:
            raise unreadable(path, str(error).splitlines()[0], _DAMAGED) from error


def _read_safetensors(path: Path, keep: Callable[[str], bool] | None) -> dict[str, Tensor]:
    try:
        with safe_open(path, "pt") as stream:
            names = list(stream.keys())
            _refuse_many(path, names)
            tensors = {name: stream.get_tensor(name) for name in names if keep is None or keep(name)}
    except UnreadableFileError:
        raise
    except (SafetensorError, OSError, LookupError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        content = f"a safetensors file that is damaged or cut off ({shown(str(error))})"
        raise unreadable(path, content, _DAMAGED) from error
    if not names:
        raise unreadable(path, "no tensor in it", "give the file that holds the weights")
    return tensors


def _refuse_many(path: Path, names: Sequence[str]) -> None:
    """The bounds of the other containers, which their reader keeps by itself."""
    if len(names) > MAX_TENSORS or sum(map(len, names)) > MAX_NAMES:
        content, _, advice = TOO_MANY.partition("; ")
        raise unreadable(path, content, advice)
    if longest := next((name for name in names if len(name) > MAX_NAME), None):
        raise unreadable(path, f"a tensor name of {len(longest)} characters ({shown(longest)})", _DAMAGED)


def _fetch(reply: dict[str, Any], spill: Path, keep: Callable[[str], bool] | None) -> dict[str, Tensor]:
    """Read each storage that a wanted tensor uses, once, and view it as the tensors say."""
    buffers: dict[int, Tensor] = {}
    tensors: dict[str, Tensor] = {}
    for name, (number, dtype, offset, shape, strides) in reply["tensors"].items():
        if keep is not None and not keep(name):
            continue
        if number not in buffers:
            file, start, size, checksum = reply["storages"][number]
            source = spill if file < 0 else Path(reply["files"][file])
            buffers[number] = _bytes(source, start, size, checksum, name)
        tensors[name] = _tensor(buffers[number], dtype, offset, shape, strides)
    return tensors


def _bytes(source: Path, start: int, size: int, checksum: tuple[str, int] | None, name: str) -> Tensor:
    if not size:
        return torch.empty(0, dtype=torch.uint8)
    data = np.fromfile(source, np.uint8, size, offset=start)
    if data.size != size:
        raise DamagedError(f"tensor {shown(name)} cut off in {source.name}")
    if checksum is not None:
        method, expected = checksum
        if (zlib.crc32(data.data) if method == "crc32" else crc32c_array(data)) != expected:
            raise DamagedError(f"tensor {shown(name)} failing its checksum: {source.name} is damaged")
    return torch.from_numpy(data)


def _tensor(buffer: Tensor, dtype: str, offset: int, shape: list[int], strides: list[int]) -> Tensor:
    kind = getattr(torch, dtype)
    if kind is torch.bool:
        return buffer.ne(0).as_strided(shape, strides, offset)  # any byte may stand in the file, only 0 and 1 are bools
    usable = buffer.numel() // kind.itemsize * kind.itemsize
    return buffer[:usable].view(kind).as_strided(shape, strides, offset)
