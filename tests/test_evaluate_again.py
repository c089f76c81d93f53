"""An evaluation that was stopped goes on, and nobody's files are overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from attn_i2i.evaluate import evaluate
from attn_i2i.evaluate.run import make_outputs
from attn_i2i.files import TargetExistsError

from .helpers.squares import COUNT, FAST, MODEL, PLAIN, SIZE, copied, write_squares


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    return write_squares(tmp_path / "squares", "A", "B")


def test_what_is_finished_is_not_done_again(squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(subject: Any, *rest: Any, **options: Any) -> Any:
        if subject.label == PLAIN:
            raise KeyboardInterrupt("the power went")
        return make_outputs(subject, *rest, **options)

    report = tmp_path / "report"
    with monkeypatch.context() as patch:
        patch.setattr("attn_i2i.evaluate.run.make_outputs", broken)
        with pytest.raises(KeyboardInterrupt, match="power"):
            evaluate([MODEL, PLAIN], squares, report=report, measures=FAST)
    done = {path: path.stat().st_mtime_ns for path in report.rglob("*.png")}
    assert len(done) == 2 * COUNT
    said: list[str] = []
    evaluation = evaluate(
        [MODEL, PLAIN], squares, report=report, measures=FAST, progress=lambda what, *_: said.append(what)
    )
    assert f"Measuring: {MODEL}" not in said
    assert f"Measuring: {PLAIN}" in said
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert evaluation.value(MODEL, "mask_ap") is not None
    fresh = evaluate([MODEL], squares, measures=FAST)
    assert fresh.rows[0].measured == evaluation.rows[0].measured


def test_other_data_and_other_folders_are_left_alone(squares: Path, tmp_path: Path) -> None:
    report = tmp_path / "report"
    outputs = copied(squares / "testB", tmp_path / "outputs")
    evaluate([outputs], squares, report=report, measures=["l1"])
    Image.new("RGB", (SIZE, SIZE)).save(squares / "testB" / "0.png")
    with pytest.raises(TargetExistsError, match="an evaluation of other data"):
        evaluate([outputs], squares, report=report, measures=["l1"])
    assert evaluate([outputs], squares, report=report, measures=["l1"], force=True).value("outputs", "l1") != 0
    with pytest.raises(TargetExistsError, match="other things than an evaluation"):
        evaluate([outputs], squares, report=squares, measures=["l1"])
