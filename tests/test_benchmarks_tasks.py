"""The benchmark of the papers' claims: its verdicts, and a run of a few steps that goes on after a stop."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from attn_i2i.images.draw import GAP, LABEL
from benchmarks import task_pictures, task_texture, tasks, trained
from benchmarks.tasks import Claim, spread, verdict

from .helpers.squares import write_squares


@pytest.mark.parametrize(
    ("first", "lower", "words"),
    [
        ([3.0, 3.1, 2.9], False, "holds"),
        ([3.0, 3.1, 2.9], True, "does not hold"),
        ([1.0, 3.0, 5.0], False, "undecided"),
    ],
)
def test_the_spread_of_the_seeds_decides(first: list[float], lower: bool, words: str) -> None:
    numbers = {("a", "kid"): first, ("b", "kid"): [1.0, 1.1, 0.9]}
    answer = verdict(Claim("", "a", "b", "kid", lower=lower), numbers)
    assert answer is not None
    assert answer[0] == words


def test_a_model_that_does_no_better_than_nothing_is_told_so() -> None:
    numbers = {("a", "kid"): [1.0, 1.1, 0.9], ("b", "kid"): [3.0, 3.1, 2.9], (tasks.INPUT, "kid"): [0.5]}
    answer = verdict(Claim("", "a", "b", "kid", lower=True), numbers)
    assert answer is not None
    assert answer[0] == "holds, but doing nothing is better"


def test_one_seed_decides_nothing() -> None:
    assert verdict(Claim("", "a", "b", "kid"), {("a", "kid"): [1.0], ("b", "kid"): [2.0]}) is None
    assert (spread([2.0]), spread([])) == ("2", "-")


def test_a_run_writes_the_page_and_goes_on_after_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_squares(tmp_path / "data", "A", "B")
    (data / "trainB").symlink_to(data / "testB")
    monkeypatch.setitem(
        tasks.MODELS, "tiny", ("attentiongan2", {"discriminator": "pixelgan", "discriminator.width": 2})
    )
    command = [str(tmp_path / "work"), "--data", f"squares={data}", "--models", "tiny", "--seeds", "1"]
    command += ["--steps", "1", "--side", "16", "--width", "2", "--limit", "2", "--output", str(tmp_path / "page.md")]
    monkeypatch.setattr(sys, "argv", ["tasks", *command])
    tasks.main()
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "| model | background, dB | foreground L1 | mask AP | s a picture |" in page
    (result,) = (tmp_path / "work").rglob("result.json")
    kept = json.loads(result.read_text(encoding="utf-8"))
    assert "| the input, untranslated | - | 0.4 |" in page
    assert f"| tiny | {kept['background_psnr']:.4g} |" in page
    drawn = ["task_pictures", command[0], "--data", command[2], "--pictures", "2", "--tile", "20", "-o", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", drawn)
    task_pictures.main()
    with Image.open(tmp_path / "benchmark-squares.webp") as sheet:
        assert sheet.size == (3 * (20 + GAP) + GAP, 2 * (20 + LABEL + GAP) + GAP)
    monkeypatch.setattr(task_texture, "find_extractor", lambda spec: SimpleNamespace(features=lambda x: x.mean((2, 3))))
    asked = ["--data", str(data), "--features", "means", "--models", "tiny", "--seeds", "1"]
    monkeypatch.setattr(sys, "argv", ["task_texture", str(tmp_path / "work/squares"), *asked])
    task_texture.main()
    table = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| t")][-2:]
    assert [(row[0], len(row)) for row in table] == [("| the input, untranslated", 4), ("| tiny", 4)]
    monkeypatch.setattr(sys, "argv", ["tasks", *command])
    monkeypatch.setattr(trained, "train", None)  # what is finished is not trained again
    tasks.main()
    assert "squares" in capsys.readouterr().out
