"""The benchmark of few pictures: a run of one step that goes on after a stop, its page, and what is enough."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import little, trained
from benchmarks.little import enough
from benchmarks.little_curves import curves

from .helpers.squares import write_squares


def test_enough_is_the_fewest_pictures_near_the_best() -> None:
    numbers = {("plain", count): {"kid": kid} for count, kid in ((10, 90.0), (30, 40.0), (100, 11.0), (300, 10.0))}
    assert enough(numbers, "plain", "kid") == 100
    assert enough(numbers, "augmented", "kid") is None
    higher = {key: {"mask_ap": -values["kid"]} for key, values in numbers.items()}
    assert enough(higher, "plain", "mask_ap") == 100


def test_curves_show_every_line_at_its_places() -> None:
    drawn = curves({"plain": {10: 1.0, 100: 3.0}, "augmented": {10: 2.0}, "adaptive": {}}, "KID < 1")
    assert drawn.count("<polyline") == 2
    assert drawn.count("<circle") == 3
    assert "KID &lt; 1" in drawn


def test_a_run_writes_page_and_curves_and_goes_on_after_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_squares(tmp_path / "data", "A", "B")
    (data / "trainB").symlink_to(data / "testB")
    monkeypatch.setattr(little, "COMMON", {"discriminator": "pixelgan", "discriminator.width": 2})
    command = ["little", str(tmp_path / "work"), "--data", f"squares={data}", "--counts", "2", "--ways", "augmented"]
    command += ["--steps", "1", "--side", "16", "--width", "2", "--limit", "2"]
    monkeypatch.setattr(sys, "argv", [*command, "--share", "1/2"])
    little.main()
    assert len(list((tmp_path / "work/squares/data-2/trainA").iterdir())) == 2
    monkeypatch.setattr(trained, "train", None)  # what is finished is not trained again
    monkeypatch.setattr(sys, "argv", [*command, "--output", str(tmp_path / "page.md")])
    little.main()
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "| 2 | augmented |" in page
    assert (tmp_path / "pictures/little-squares.svg").is_file()
