"""Files are read ahead and written behind: nothing is lost, doubled or out of order."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from attn_i2i.translate.overlap import WAITING, Behind, ahead, pays


def test_an_item_is_made_while_the_one_before_is_used() -> None:
    made = threading.Semaphore(0)

    def items() -> Iterator[int]:
        for number in range(3):
            yield number
            made.release()

    taken = []
    for number in ahead(items()):
        assert number == 2 or made.acquire(timeout=60)  # the next one is asked for before this one is done with
        taken.append(number)
    assert taken == [0, 1, 2]


def test_what_making_an_item_raises_is_raised_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 0
        raise OSError("no disk")

    numbers = ahead(items())
    assert next(numbers) == 0
    with pytest.raises(OSError, match="no disk"):
        next(numbers)


def test_calls_are_made_in_order_and_all_of_them() -> None:
    done: list[int] = []
    with Behind() as behind:
        for number in range(50):
            behind.call(done.append, number)
            assert number - len(done) <= WAITING + 1
    assert done == list(range(50))


def test_what_a_call_raises_is_not_lost() -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"), Behind() as behind:
        behind.call(fail)


def test_an_interruption_finishes_the_call_that_runs_and_no_other() -> None:
    started, go, done = threading.Event(), threading.Event(), []

    def slow() -> None:
        started.set()
        assert go.wait(60)
        done.append("first")

    def block() -> None:
        with Behind() as behind:
            behind.call(slow)
            behind.call(done.append, "second")
            assert started.wait(60)
            threading.Timer(0.05, go.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        block()
    assert done == ["first"]


def test_nothing_overlaps_where_pytorch_fills_every_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: torch.get_num_threads())
    assert not pays(torch.device("cpu"))
    assert pays(torch.device("cuda"))
    monkeypatch.setattr("os.cpu_count", lambda: torch.get_num_threads() + 1)
    assert pays(torch.device("cpu"))
    here: list[int] = []
    with Behind(overlapped=False) as behind:
        for number in ahead(iter(range(3)), overlapped=False):
            behind.call(here.append, threading.get_ident())
            assert len(here) == number + 1
    assert set(here) == {threading.get_ident()}
