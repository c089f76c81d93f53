"""How much memory a network needs for a picture, and how much there is: told before, not by a killed process."""

from __future__ import annotations

import contextlib
import copy
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ..devices import free_memory
from ..tuning.heap import holes, kept_bytes
from ..types import ShapeError

# Libraries for convolutions copy parts into layouts of their own: up to 1.1 times as much was measured.
LIBRARIES = 1.2
PIXELS_WITHOUT_ESTIMATE = 2**20  # about a gigabyte for the usual networks: what every machine has


class _LiveBytes(TorchDispatchMode):
    """Counts the storages that operations make, as long as they live."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._seen: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self._seen and self._seen[key]() is storage:
            return

        def gone(_: Any) -> None:
            self.now -= size
            self._seen.pop(key, None)

        self._seen[key] = weakref.ref(storage, gone)
        self.now += size
        self.peak = max(self.peak, self.now)


def needed_bytes(network: nn.Module, images: torch.Size, dtype: torch.dtype, label: Tensor | None) -> int | None:
    """Memory beyond its weights that ``network`` needs for a batch of shape ``images``; None where that is unknown.

    A copy of the network whose tensors have shapes but no content runs once: milliseconds, whatever the size.
    """
    memo: dict[int, Any] = {id(p): nn.Parameter(p.detach().to("meta"), False) for p in network.parameters()}
    memo |= {id(buffer): buffer.detach().to("meta") for buffer in network.buffers()}
    live = _LiveBytes()
    with contextlib.suppress(Exception):  # any network may do what tensors without content cannot
        outline = copy.deepcopy(network, memo)
        arguments = [torch.empty(images, dtype=dtype, device="meta")]
        if label is not None:
            arguments.append(torch.empty(images[0], label.shape[-1], dtype=dtype, device="meta"))
        with torch.no_grad(), live:
            translation = outline(*arguments)
        returned = sum(part.numel() * 4 for part in translation if part is not None)
        room = holes() if all(p.device.type == "cpu" for p in network.parameters()) else 1.0
        return int((live.peak * LIBRARIES + 2 * returned) * room)
    return None


def check_fits(network: nn.Module, image: Tensor, name: str) -> None:
    """Raise ShapeError where ``network`` needs more memory for one large image (1, C, H, W) than there is."""
    size = image.shape[-2], image.shape[-1]
    if size[0] * size[1] < PIXELS_WITHOUT_ESTIMATE:
        return
    free, needed = free_bytes(image.device), needed_bytes(network, image.shape, image.dtype, None)
    if free is not None and needed is not None and needed > free:
        figures = f"{needed / 2**30:.1f} GB, {free / 2**30:.1f} are free"
        raise too_large(name, 1, size, image.device, figures)


def too_large(name: str, count: int, size: tuple[int, int], device: torch.device, figures: str = "") -> ShapeError:
    """The error for ``count`` pictures of a size (height, width) that do not fit, with advice that helps."""
    what = f"{count} pictures of {size[1]}x{size[0]} pixels need" if count > 1 else f"{size[1]}x{size[0]} pixels need"
    fewer = "choose a smaller batch_size" if count > 1 else 'reduce the picture, or choose dtype="bfloat16"'
    elsewhere = ", or another device" if device.type != "cpu" else ""
    return ShapeError(
        f"{name}: {what} more memory than {device} has free{figures and f' ({figures})'}: {fewer}{elsewhere}."
    )


def free_bytes(device: torch.device) -> int | None:
    """Memory that can still be had on ``device``; None where that is unknown."""
    if device.type != "cpu":
        return free_memory(device)
    limits = [_system_free(), *map(_group_free, _groups()), _process_free()]
    free = min((limit for limit in limits if limit is not None), default=None)
    return None if free is None else free + kept_bytes()


def _system_free() -> int | None:
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]) * 1024
    return None


def _groups() -> list[Path]:
    """This process's control group and those above it, whose limits hold too; version 2 only, as systems have now."""
    root = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        group = root / next(line for line in lines if line.startswith("0::"))[3:].lstrip("/")
        return [folder for folder in (group, *group.parents) if folder.is_relative_to(root)]
    return [root]


def _group_free(folder: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        limit = int((folder / "memory.max").read_text(encoding="ascii"))
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        pages = (folder / "memory.stat").read_text(encoding="ascii").split()
        return limit - used + int(pages[pages.index("inactive_file") + 1])  # cached files make room
    return None


def _process_free() -> int | None:
    """What a limit on this process's address space (ulimit -v) leaves."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            return limit - pages * resource.getpagesize()
    return None
