"""Intervals hold what they say, tests find what is there, and means are of the pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from attn_i2i.evaluate import (
    Evaluation,
    background_psnr,
    evaluate,
    holm,
    mean_interval,
    paired_test,
)

from .helpers.squares import copied, write_squares


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    return write_squares(tmp_path / "squares", "A", "B")


def test_intervals_hold_the_mean_as_often_as_they_say() -> None:
    generator = torch.Generator().manual_seed(0)
    held = 0
    for seed in range(300):
        values = torch.rand(30, generator=generator).square()
        low, high = mean_interval(values, resamples=300, seed=seed)
        held += low <= 1 / 3 <= high
    assert 0.92 <= held / 300 <= 0.98


def test_the_paired_test_finds_what_is_there_and_rarely_what_is_not() -> None:
    generator = torch.Generator().manual_seed(0)
    first = torch.rand(40, generator=generator)
    assert paired_test(first + 0.1, first, flips=2000).p < 0.001
    ps = [
        paired_test(torch.rand(20, generator=generator), torch.rand(20, generator=generator), flips=200).p
        for _ in range(200)
    ]
    assert 2 <= sum(p < 0.05 for p in ps) <= 20
    assert holm([0.01, 0.03, 0.02]) == pytest.approx([0.03, 0.04, 0.04])


def test_means_are_of_the_pictures(squares: Path, tmp_path: Path) -> None:
    outputs = copied(squares / "testA", tmp_path / "bright", value=20)
    evaluation: Evaluation = evaluate([outputs], squares, measures=["background_psnr"])
    rows = evaluation.rows[0].measured.pictures["background_psnr"]
    image = torch.from_numpy(np.array(Image.open(squares / "testA/0.png"))).permute(2, 0, 1)[None] / 255
    mask = torch.from_numpy(
        np.maximum(*(np.array(Image.open(squares / f"masks/{side}/0.png")) for side in ("testA", "testB")))
    )
    out = torch.from_numpy(np.array(Image.open(outputs / "0.png"))).permute(2, 0, 1)[None] / 255
    assert rows["0"] == pytest.approx(background_psnr(out, image, mask[None, None] / 255).item())
