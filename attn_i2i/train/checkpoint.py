"""Checkpoints that are whole or absent, and what is needed to go on as if nothing had happened."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..files import DiskFullError, atomic_dir, atomic_path, sha256
from ..models.checksums import check_file, read_sums, write_sums
from ..types import ModelError, UnreadableFileError
from .notices import notify

if TYPE_CHECKING:
    from accelerate import Accelerator

FOLDER = "checkpoints"
SHARED = "shared.pt"
NAME = re.compile(r"step-(\d{8})")
NO_LONGER_WHOLE = "its files are not as they were written"


def save(run: Path, step: int, shared: Mapping[str, Any], own: Mapping[str, Any], accelerator: Accelerator) -> Path:
    """Write ``RUN/checkpoints/step-...``: what all processes share once, what is each one's own (pools, random states).

    SHA256SUMS lists every file. Every process must call this. Raises DiskFullError, naming the missing bytes, and
    leaves older checkpoints alone.
    """
    target = run / FOLDER / f"step-{step:08d}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with _folder_for_all(target, accelerator) as work:
        digests = {_own(accelerator.process_index): _write(own, work / _own(accelerator.process_index))}
        if accelerator.is_main_process:
            digests[SHARED] = _write(shared, work / SHARED)
        digests = _of_all(digests, accelerator)
        if accelerator.is_main_process:
            write_sums(work, digests)
    accelerator.wait_for_everyone()
    return target


def _of_all(digests: dict[str, str], accelerator: Accelerator) -> dict[str, str]:
    """The digests that all processes have made; every one is done writing when it knows them."""
    if accelerator.num_processes == 1:
        return digests
    everyones: list[Any] = [None] * accelerator.num_processes
    torch.distributed.all_gather_object(everyones, digests)
    return {name: digest for of_one in everyones for name, digest in of_one.items()}


def newest_whole(run: Path) -> Path | None:
    """The newest checkpoint whose files are what they were when they were written; None where a run has none.

    Warns of each newer one that is damaged. Raises UnreadableFileError where all are.
    """
    damages: list[str] = []
    for checkpoint in reversed(all_of(run)):
        if (damage := damage_of(checkpoint)) is None:
            notify(f"{text}: the training goes on from the older {checkpoint.name}." for text in damages)
            return checkpoint
        damages.append(damage)
    if damages:
        raise UnreadableFileError(
            f"{'; '.join(damages)}: {run} has no whole checkpoint to continue from. Begin another run, in another"
            f" folder; start={run} begins it from this run's model, where it has one."
        )
    return None


def damage_of(checkpoint: Path) -> str | None:
    """What is wrong with the files of a checkpoint; None where it is whole."""
    try:
        for name, digest in read_sums(checkpoint, NO_LONGER_WHOLE).items():
            check_file(checkpoint / name, digest, NO_LONGER_WHOLE)
    except (ModelError, OSError) as error:
        why = str(error) if isinstance(error, ModelError) else f"{error.strerror}: {error.filename}"
        return f"the checkpoint {checkpoint.name} cannot be used ({why.rstrip('.')})"
    return None


def written_by(checkpoint: Path) -> int:
    """The number of processes that wrote a whole checkpoint."""
    return sum(name != SHARED for name in read_sums(checkpoint, NO_LONGER_WHOLE))


def steps_done(run: Path) -> int:
    """The steps behind a run's newest checkpoint, 0 where it has none."""
    checkpoints = all_of(run)
    return step_of(checkpoints[-1]) if checkpoints else 0


def step_of(checkpoint: Path) -> int:
    """The steps behind a checkpoint, by its name."""
    return int(checkpoint.name.removeprefix("step-"))


def all_of(run: Path) -> list[Path]:
    """A run's checkpoints, oldest first."""
    folder = run / FOLDER
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name)) if folder.is_dir() else []


def load(checkpoint: Path, rank: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """What all processes share, and what is process ``rank``'s own (None where fewer processes wrote it).

    Nothing in the file is executed. Raises UnreadableFileError.
    """
    own = checkpoint / _own(rank)
    return _read(checkpoint / SHARED), _read(own) if own.exists() else None


def prune(run: Path, keep: int, newest: int) -> None:
    """Remove all but the ``keep`` checkpoints up to the step ``newest``, which was just saved.

    Later ones are those that were damaged, and passed over. Each is renamed first, so that none is ever half there.
    """
    checkpoints = all_of(run)
    latest = [path for path in checkpoints if step_of(path) <= newest][-keep:]
    for old in checkpoints:
        if old not in latest:
            aside = old.with_name(f".{old.name}.{secrets.token_hex(4)}.old")
            old.rename(aside)
            shutil.rmtree(aside)


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


def _write(state: Mapping[str, Any], path: Path) -> str:
    """Write a state to a file, down to the disk; returns its SHA-256."""
    size = tensor_bytes(state)
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise DiskFullError(
            f"the disk of {path.parents[1]} is full: the checkpoint needs {size - free} more bytes: free some space."
        )
    with atomic_path(path, size=size) as temporary, temporary.open("wb") as file:
        torch.save(state, file)
    return sha256(path)


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
