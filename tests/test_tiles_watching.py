"""How far a large picture is that is computed in parts."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from attn_i2i.cli.told import progress
from attn_i2i.translate.tiles.watching import watched_by

from .helpers.strips import network, of

SMALL: dict[str, Any] = {"width": 4, "blocks": 1}
PARTS = ("image", "foreground", "background", "mask", "contents", "heatmap", "raw_heatmap", "kept")


@pytest.mark.filterwarnings("ignore:.*computed in tiles")
@pytest.mark.parametrize("kind", ["exact", "approximate"])
def test_how_far_a_picture_in_parts_is_can_be_watched(kind: str) -> None:
    generator = network("cyclegan", {"width": 4, "blocks": 1})
    generator.tiling = kind
    heard: list[tuple[str, int, int]] = []
    with watched_by(lambda *told: heard.append(told)):
        of(generator)(torch.rand(3, 64, 16), tile=16)
    done, totals = [step[1] for step in heard], {step[2] for step in heard}
    assert len(done) >= 4
    assert done == sorted(set(done))
    assert totals == {done[-1]}
    assert heard[0][0] == "image"


def test_the_bar_shows_the_large_picture_at_work() -> None:
    with progress(2) as bar:
        files = len(bar.bar.tasks)
        for name, done in (("\x1b[2J.png", 1), ("b.png", 1), ("b.png", 2)):
            bar.parts(name, done, 4)
        (task,) = bar.bar.tasks[files:]
        assert (task.description, task.completed, task.total) == ("b.png", 2, 4)
        bar.parts("b.png", 4, 4)
        bar.parts("\x1b[2J.png", 1, 4)
        (task,) = bar.bar.tasks[files:]
        assert "\x1b" not in task.description
