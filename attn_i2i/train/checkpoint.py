"""Checkpoints that are whole or absent, and what is needed to go on as if nothing had happened."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..files import DiskFullError, atomic_dir
from ..types import UnreadableFileError

if TYPE_CHECKING:
    from accelerate import Accelerator

FOLDER = "checkpoints"
SHARED = "shared.pt"
NAME = re.compile(r"step-(\d{8})")


def save(run: Path, step: int, shared: Mapping[str, Any], own: Mapping[str, Any], accelerator: Accelerator) -> Path:
    """Write ``RUN/checkpoints/step-...``: what all processes share once, what is each one's own (pools, random states).

    Every process must call this. Raises DiskFullError, naming the missing bytes, and leaves older checkpoints alone.
    """
    target = run / FOLDER / f"step-{step:08d}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with _folder_for_all(target, accelerator) as work:
        if accelerator.is_main_process:
            _write(shared, work / SHARED)
        _write(own, work / _own(accelerator.process_index))
        accelerator.wait_for_everyone()
    accelerator.wait_for_everyone()
    return target


def latest(run: Path) -> Path | None:
    """The newest checkpoint of a run, None where it has none."""
    found = all_of(run)
    return found[-1] if found else None


def steps_done(run: Path) -> int:
    """The steps behind a run's newest checkpoint, 0 where it has none."""
    newest = latest(run)
    return 0 if newest is None else int(newest.name.removeprefix("step-"))


def all_of(run: Path) -> list[Path]:
    """A run's checkpoints, oldest first."""
    folder = run / FOLDER
    return sorted(one for one in folder.iterdir() if NAME.fullmatch(one.name)) if folder.is_dir() else []


def load(checkpoint: Path, rank: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """What all processes share, and what is process ``rank``'s own (None where fewer processes wrote it).

    Nothing in the file is executed. Raises UnreadableFileError.
    """
    own = checkpoint / _own(rank)
    return _read(checkpoint / SHARED), _read(own) if own.exists() else None


def prune(run: Path, keep: int) -> None:
    """Remove all but the newest ``keep`` checkpoints."""
    for old in all_of(run)[:-keep]:
        shutil.rmtree(old)


def random_states() -> dict[str, Any]:
    """The states of Python's, numpy's and torch's generators, as plain values and tensors."""
    version, numbers, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def restore_random(states: Mapping[str, Any]) -> None:
    """Continue the random numbers of ``random_states``'s answer."""
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if states["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])


def _own(rank: int) -> str:
    return f"process-{rank:04d}.pt"


@contextmanager
def _folder_for_all(target: Path, accelerator: Accelerator) -> Iterator[Path]:
    """One process makes the folder and renames it in the end; all others write into it, on a shared file system."""
    if accelerator.num_processes == 1:
        with atomic_dir(target, force=True) as work:
            yield work
        return
    name: list[str | None] = [None]
    if accelerator.is_main_process:
        with atomic_dir(target, force=True) as work:
            name = [str(work)]
            torch.distributed.broadcast_object_list(name, 0)
            yield work
    else:
        torch.distributed.broadcast_object_list(name, 0)
        yield Path(str(name[0]))


def _write(state: Mapping[str, Any], path: Path) -> None:
    size = tensor_bytes(state)
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise DiskFullError(
            f"the disk of {path.parents[1]} is full: the checkpoint needs {size - free} more bytes; free some space and"
            " continue with --resume; older checkpoints were kept"
        )
    with path.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())


def tensor_bytes(state: Any) -> int:
    """How many bytes the tensors in nested lists and dictionaries take."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, Mapping):
        return sum(tensor_bytes(value) for value in state.values())
    return sum(tensor_bytes(value) for value in state) if isinstance(state, list | tuple) else 0


def _read(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch answers damaged files with nearly every exception there is
        raise UnreadableFileError(
            f"{path} cannot be read ({type(error).__name__}): remove {path.parent} to continue from an older one."
        ) from error
    return state
