"""What was measured stays on the disk: whole, of this machine, and with what other processes measured."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub.utils import WeakFileLock

from attn_i2i.blocks.convolution import Conv2d
from attn_i2i.tuning import Tuner, TuningWarning, store
from attn_i2i.tuning.machine import Machine, this_machine
from attn_i2i.tuning.store import Remembered, file_of

from .helpers.tuning import FAST, SIDE, Told, fitted, never, own_home, picture, without_home


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model store of this test's own, and leave to measure."""
    return own_home(tmp_path, monkeypatch)


def test_what_was_measured_is_not_measured_again(home: Path) -> None:
    first = fitted(Told(FAST))
    assert fitted(never).ways == first.ways
    torch.set_num_threads(2)  # other work: threads decide too
    told = Told(FAST)
    fitted(told)
    torch.set_num_threads(1)
    assert [work.threads for work in told.asked] == [2]
    assert {path.stem for path in (home / ".tuning").iterdir()} == {this_machine().digest}


def test_what_others_measured_meanwhile_stays() -> None:
    early = Tuner(Told(FAST))
    early.fit(Conv2d(256, 128, 3), [torch.empty(1, 256, SIDE, SIDE)])
    fitted(Told(FAST))
    early.fit(Conv2d(128, 256, 3), [picture()])
    assert len(json.loads(file_of(this_machine()).read_text())["seconds"]) == 3


def test_writers_at_once_lose_nothing_of_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes lock as threads do: each opens the lock's file for itself."""
    read = store._read

    def slowly(machine: Machine) -> Remembered:
        before = read(machine)
        time.sleep(0.02)
        return before

    monkeypatch.setattr(store, "_read", slowly)
    keys = list("abcd")
    threads = [threading.Thread(target=store.write, args=(Remembered({key: {"direct": 1.0}}),)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(store.read().works) == keys


@pytest.mark.parametrize("obstacle", ["folder", "link", "held"])
def test_a_lock_that_cannot_be_had_is_said_and_harms_nothing(
    obstacle: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_SECONDS", 0.05)
    lock, elsewhere = file_of(this_machine()).with_suffix(".lock"), home / "elsewhere"
    lock.parent.mkdir(parents=True)
    if obstacle == "folder":
        lock.mkdir()
    elif obstacle == "link":
        lock.symlink_to(elsewhere)
    with WeakFileLock(lock) if obstacle == "held" else nullcontext(), pytest.warns(TuningWarning, match="is not kept"):
        conv = fitted(Told(FAST))
    assert conv.ways == (((0, "direct"),), ((0, "winograd"),))
    assert not elsewhere.exists()


def spoiled(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def spoil(path: Path) -> None:
        raw = json.loads(path.read_text())
        change(raw)
        path.write_text(json.dumps(raw))

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"\xff{"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_bytes(b" " * 2**21),
        spoiled(lambda raw: raw.update(processor="another")),
        spoiled(lambda raw: raw.update(format=99)),
        spoiled(lambda raw: raw.update(seconds={"a": {"direct": -1}})),
        spoiled(lambda raw: raw.update(seconds={"a": {"warp": 1, "direct": 1}})),
        spoiled(lambda raw: raw.update(seconds={"a": {"winograd": 1}})),
        spoiled(lambda raw: raw.update(seconds={"a": {"direct": 10**400}})),
        spoiled(lambda raw: raw.update(precisions=[])),
        spoiled(lambda raw: raw.update(precisions={"a": {"dtype": "float32", "faster": 10**400, "decibels": 1}})),
        lambda path: (path.unlink(), os.mkfifo(path)),
    ],
)
def test_a_file_that_is_none_is_ignored_in_one_line_and_replaced(spoil: Callable[[Path], object]) -> None:
    fitted(Told(FAST))
    spoil(file_of(this_machine()))
    told = Told(FAST)
    with pytest.warns(TuningWarning, match="is ignored, and its times are measured anew") as said:
        fitted(told)
    assert len(said) == len(told.asked) == 1
    fitted(never)


def test_a_file_of_an_older_version_is_replaced_without_a_word() -> None:
    fitted(Told(FAST))
    spoiled(lambda raw: raw.update(format=1))(file_of(this_machine()))
    told = Told(FAST)
    fitted(told)
    assert len(told.asked) == 1
    fitted(never)


def test_a_home_that_cannot_be_written_is_said_and_the_choice_holds(home: Path) -> None:
    home.write_text("a file where the model store should be")
    with pytest.warns(TuningWarning, match="set ATTN_I2I_HOME to a folder of yours"):
        conv = fitted(Told(FAST))
    assert conv.ways == (((0, "direct"),), ((0, "winograd"),))


def test_a_user_without_a_home_is_told_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    without_home(monkeypatch)
    with pytest.warns(TuningWarning, match=r"\(This user has no home folder.*\): set ATTN_I2I_HOME"):
        conv = fitted(Told(FAST))
    assert conv.ways == (((0, "direct"),), ((0, "winograd"),))
