"""The weights of a run beside their average."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from benchmarks import average

from .helpers.squares import write_squares
from .helpers.trainings import run


def test_a_runs_weights_are_measured_beside_their_average(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_squares(tmp_path / "data", "A", "B")
    for name, other in (("valA", "testA"), ("valB", "testB"), ("trainB", "testB")):
        (data / name).symlink_to(data / other)
    folder = tmp_path / "run"
    averaged = load_file(run(data, folder, "attentiongan2", steps=2, ema=0.9) / "A2B.safetensors")
    own = load_file(average.without_average(folder, tmp_path) / "A2B.safetensors")
    assert averaged.keys() == own.keys()
    assert any(not torch.equal(averaged[name], own[name]) for name in own)
    monkeypatch.setattr("sys.argv", ["average", str(folder), "--data", str(data), "--measures", "change,mask_ap"])
    average.main()
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[:2] for row in rows] == [
        [f"| run, {way}", name] for way in ("A2B", "B2A") for name in ("weights", "average")
    ]
    assert rows[0][2] != rows[1][2]
    assert rows[0][3] == " |"  # no masks are given


def test_a_run_without_an_average_is_not_measured_against_itself(tmp_path: Path) -> None:
    data = write_squares(tmp_path / "data", "A", "B")
    (data / "trainB").symlink_to(data / "testB")
    run(data, tmp_path / "run", "attentiongan2", steps=1)
    with pytest.raises(AssertionError, match="keeps no average"):
        average.without_average(tmp_path / "run", tmp_path)
