"""The benchmark of folders: its ways give the same files, and another checkout's command can be timed beside."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import folder

from .helpers.source import ROOT


@pytest.mark.parametrize("against", [False, True])
def test_every_way_gives_the_same_files(
    against: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def copied(checkout: Path, model: Path, source: Path, target: Path) -> None:
        assert (checkout, (model / "A2B.safetensors").is_file()) == (ROOT, True)
        target.mkdir()
        for path in source.iterdir():
            (target / path.name).write_bytes(path.read_bytes())

    monkeypatch.setattr(folder, "command", copied)
    words = ["--width", "4", "--rounds", "1", "--sides", "16", "--most", "2"]
    monkeypatch.setattr(sys, "argv", ["folder", *words, *(["--against", str(ROOT)] if against else [])])
    folder.main()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()[1:]]
    assert [line["format"] for line in lines] == [".jpg", ".png"]
    ways = ["the other checkout", "this checkout"] if against else ["plain", "one after the other", "overlapped"]
    assert [list(line["seconds"]) for line in lines] == [ways] * 2
    assert all(line["times faster"][ways[0]] == 1 and line["difference"] < 0.1 for line in lines)
