"""The benchmark of hidden fruit: its scenes, and a table of all of them in both directions."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from attn_i2i.evaluate import Value
from benchmarks import occlusion
from benchmarks.occlusion import MEASURES, SCENES, folder, rows, shown


def test_a_value_is_shown_with_what_bounds_it() -> None:
    assert shown(Value(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"
    assert (shown(Value(0.5)), shown(None)) == ("0.500", "-")


def test_the_table_has_every_scene_in_both_directions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each scene is made once, with its own options; a measure that there is none of is a dash."""
    made: list[dict[str, Any]] = []

    def make_fruit(target: Path, **options: Any) -> None:
        target.mkdir()
        made.append(options)

    def evaluate(models: list[str], data: Path, *, direction: str, **_: Any) -> Any:
        number = list(SCENES).index(next(scene for scene in SCENES if folder(tmp_path / "work", scene, 8, 2) == data))
        values = {"background_psnr": Value(number + (direction == "B2A") / 2)}
        return SimpleNamespace(rows=[SimpleNamespace(measured=SimpleNamespace(values=values))])

    monkeypatch.setitem(sys.modules, "attn_i2i_tasks", SimpleNamespace(make_fruit=make_fruit))
    monkeypatch.setattr(occlusion, "evaluate", evaluate)
    options = Namespace(work=tmp_path / "work", size=8, tests=2, model="model")
    head, rule, *table = rows(options)
    assert head.count("|") == rule.count("|") == 3 + len(MEASURES)
    assert table[:2] == ["| one fruit | A2B | 0.000 | - | - |", "| one fruit | B2A | 0.500 | - | - |"]
    assert table[-1] == "| one to three, behind bars | B2A | 3.500 | - | - |"
    assert made == [{"size": 8, "per_fruit": 1, "tests": 2, **scene} for scene in SCENES.values()]
