"""The folder of a run: whose it is, and where its parts are."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..files import DiskFullError
from ..files.swapping import mend
from ..types import ConfigError
from . import checkpoint
from .clock import TIME
from .monitor import LOSSES
from .record import RUN, Record, check_same, read_record, write_record

MODEL = "model"
SAMPLES = "samples"
BEST, VALIDATION = "best", "validation.json"  # of runs that are watched: the best model, and what is known of all
# The temporary names that attn_i2i.files gives to a run's own files, and no others.
FILES = "|".join(map(re.escape, (RUN, MODEL, LOSSES, TIME, BEST, VALIDATION)))
LEFT = re.compile(rf"\.({FILES}|step-\d{{8}}(\.png)?)\.[0-9a-f]{{8}}\.(tmp|old)")


def claim(folder: Path, record: Record, resume: bool, last: int | None = None) -> None:
    """Make ``folder``, which exists, this run's, or make sure that it is; raises as ``check_claim`` does."""
    check_claim(folder, record, resume, last)
    before = read_record(folder) if resume else None
    if before is not None and record.arguments is None:  # what was stored is what can be read back
        record = replace(record, arguments=before.arguments)
    write_record(folder, record)


def check_claim(folder: Path, record: Record, resume: bool, last: int | None = None) -> None:
    """Make sure that ``folder`` can be this run's, to the step ``last`` (None: where it ends); nothing is written.

    Raises ConfigError if the folder is another run's, if the run should not or cannot be resumed, or if it is past
    ``last`` already. Raises it too for a folder where files that no run wrote would be replaced.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file: choose a folder for the run.")
    before, done = read_record(folder), checkpoint.steps_done(folder)
    if before is None:
        _refuse_foreign(folder)
        return
    if done and not resume:
        raise ConfigError(f"{folder} holds a training already: continue with resume=True, or choose another folder.")
    if not done and (folder / MODEL).exists():
        raise ConfigError(
            f"{folder} holds a model, but no checkpoint to continue from: choose another folder (and begin from"
            " that model with start=MODEL)."
        )
    if resume:
        check_same(folder, before, record)
        if last is not None and last < done:
            raise ConfigError(
                f"{folder} has {done} steps behind it, and steps={last} was given: give more to go on, or none to"
                " train as far as before."
            )


def _refuse_foreign(folder: Path) -> None:
    names = (MODEL, BEST, checkpoint.FOLDER, SAMPLES, LOSSES, TIME)
    if taken := [name for name in names if (folder / name).exists()]:
        raise ConfigError(
            f"{folder} holds {' and '.join(taken)}, but no {RUN} that says which training made it: choose another"
            " folder."
        )


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Say of a full disk how the run goes on, and from which step."""
    try:
        yield
    except DiskFullError as error:
        done = checkpoint.steps_done(folder)
        where = f"from step {done}" if done else "from its beginning, because there is no checkpoint yet"
        raise DiskFullError(f"{str(error).rstrip('.')}. With resume=True the training then goes on {where}.") from error


def sweep(folder: Path) -> None:
    """Remove what a killed process left half-written of this run; a model that it had moved aside comes back."""
    for name in (MODEL, BEST):
        mend(folder / name)
    for parent in (folder, folder / checkpoint.FOLDER, folder / SAMPLES):
        for left in parent.iterdir() if parent.is_dir() else ():
            if LEFT.fullmatch(left.name):
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
