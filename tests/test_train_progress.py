"""What a training shows and writes while it runs: its line, its columns, its times."""

from __future__ import annotations

import io
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from attn_i2i.train.clock import Clock
from attn_i2i.train.monitor import Averages, Monitor, _append
from attn_i2i.types import UnreadableFileError


def test_the_time_of_a_training_goes_on_over_its_starts(tmp_path: Path) -> None:
    path = tmp_path / "time.json"
    path.write_text('{"wall": 3600, "cpu": 7200}')
    Clock(path).save()
    again = Clock(path)
    assert again.seconds() == pytest.approx({"wall": 3600, "cpu": 7200}, abs=0.5)
    assert str(again) == "1:00:00 (2:00:00 of processor time)"
    path.write_text("[]")
    with pytest.raises(UnreadableFileError, match=r"time\.json cannot be read"):
        Clock(path)


def test_losses_that_come_now_and_then_get_columns_too(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    _append(path, {"step": 1, "D": 0.5})
    _append(path, {"step": 2, "D": 0.25, "G": 1.0})
    _append(path, {"step": 3, "D": 0.125})
    assert path.read_text().splitlines() == ["step,D,G", "1,0.5,", "2,0.25,1.0", "3,0.125,"]


def test_means_are_over_the_steps_a_term_had() -> None:
    averages = Averages()
    averages.add({"D": torch.tensor(1.0), "G": torch.tensor(4.0)})
    averages.add({"D": torch.tensor(3.0)})
    assert averages.read(2) == {"D": 2.0, "G": 4.0}
    assert averages.read(3) == {}


LOSSES = {f"cycle_loss_{letter}": 0.125 for letter in "ABCDEFGH"}


@pytest.mark.parametrize("width", [80, 120])
def test_the_line_of_a_training_is_whole_in_a_narrow_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=width, color_system=None, legacy_windows=False)
    monkeypatch.setattr("attn_i2i.train.monitor.Console", lambda **_: terminal)
    with Monitor(tmp_path, first=0, last=1_000_000, active=True, tensorboard=False) as monitor:
        monitor.advance(123_456)
        monitor.report(123_456, 1e-4, LOSSES)
    *_, line = [row for row in screen.getvalue().splitlines() if "123456" in row]
    assert "123456/1000000" in line
    assert "/s" in line
    assert line.rstrip().endswith("left")
    shown = screen.getvalue()[screen.getvalue().rindex("123456") :]
    assert all(name in shown for name in LOSSES)
    assert "…" not in shown


def test_without_a_terminal_each_interval_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Monitor(tmp_path, first=0, last=30, active=True, tensorboard=False) as monitor:
        for step in (10, 20, 30):
            monitor.advance(step)
            monitor.report(step, 1e-4, {"G": step / 10})
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == ["10/30", "20/30", "30/30"]
    assert all("/s" in line and "left" in line for line in lines)
    assert [line.split()[-1] for line in lines] == ["1", "2", "3"]


def test_the_time_left_is_that_of_the_steps_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = iter([0.0, 20.0, 40.0, 60.0])
    monkeypatch.setattr("attn_i2i.train.monitor.time", SimpleNamespace(perf_counter=lambda: next(moments)))
    with Monitor(tmp_path, first=10, last=40, active=True, tensorboard=False) as monitor:
        for step in (20, 30, 40):
            monitor.report(step, 1e-4, {"G": 1.0})
    lines = capsys.readouterr().err.splitlines()
    assert [re.findall(r"0\.50/s  (\S+) left", line) for line in lines] == [["0:00:40"], ["0:00:20"], ["0:00:00"]]
