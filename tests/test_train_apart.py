"""A training keeps to itself: its folder is refused to others, and its process and threads stay as they were."""

from __future__ import annotations

import os
import random
import warnings
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch

from attn_i2i.train.lock import LOCK, locked
from attn_i2i.types import ConfigError

from .helpers import processes
from .helpers.trainings import run

HOLDER = """
import os, sys, time
from pathlib import Path
from attn_i2i.train.lock import locked
with locked(Path(sys.argv[1])):
    if not os.fork():  # a worker that outlives the training
        time.sleep(20)
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_that_is_trained_in_is_refused_until_that_training_ends(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    holder = processes.start("-c", HOLDER, str(folder), errors=tmp_path / "errors")
    assert holder.stream.readline() == "held\n"
    for resumes in (False, True):
        with pytest.raises(ConfigError, match=rf"is being trained in by process {holder.process.pid} on "):
            run(data, folder, steps=1, resume=resumes)
    assert [file.name for file in folder.iterdir()] == [LOCK]
    holder.kill()
    assert run(data, folder, steps=1).is_dir()
    assert not (folder / LOCK).exists()


def test_threads_of_one_process_are_kept_apart(tmp_path: Path) -> None:
    refused: list[Exception] = []

    def second() -> None:
        try:
            with locked(tmp_path):
                pass
        except ConfigError as error:
            refused.append(error)

    with locked(tmp_path):
        thread = Thread(target=second)
        thread.start()
        thread.join()
    assert "by this process" in str(refused[0])
    with locked(tmp_path):
        assert (tmp_path / LOCK).is_file()


def test_a_training_leaves_the_process_as_it_was(data: Path, tmp_path: Path) -> None:
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    expected = random.random(), np.random.rand(), torch.rand(1).item()
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    state = dict(os.environ), list(warnings.filters), torch.get_num_threads(), torch.is_grad_enabled()
    run(data, tmp_path / "run", steps=1, cache=True, sample_every=1)
    assert (dict(os.environ), list(warnings.filters), torch.get_num_threads(), torch.is_grad_enabled()) == state
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == expected


def test_a_training_in_a_thread_leaves_the_process_as_it_was(data: Path, tmp_path: Path) -> None:
    filters = list(warnings.filters)
    thread = Thread(target=lambda: run(data, tmp_path / "run", steps=1, data_check=True))
    thread.start()
    thread.join()
    assert (tmp_path / "run/model").is_dir()
    assert list(warnings.filters) == filters
