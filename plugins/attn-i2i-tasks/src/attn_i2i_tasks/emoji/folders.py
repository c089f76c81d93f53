"""The emoji task as folders of PNG pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from ..writing import Job, Report, check_positive, write_task
from .backgrounds import Kind
from .glyphs import GlyphStyle
from .scenes import Emoji


def make_emoji(
    folder: str | os.PathLike[str],
    *,
    size: int = 64,
    styles: Sequence[GlyphStyle] = ("flat", "clay"),
    seed: int = 0,
    backgrounds: Kind = "calm",
    per_glyph: int = 4,
    workers: int = 2,
    force: bool = False,
    report: Report | None = None,
) -> dict[str, int]:
    """Make the task's folders, whole or not at all; returns the number of pictures in each.

    Two styles make trainA, trainB, testA and testB; more make train/<style> and test/<style>. ``masks`` holds the
    glyph's alpha for each picture under the same path. Files of one name in the test folders are one glyph, placed
    alike over one background that no training picture has. ``report`` is called with the total after each picture.
    Raises ConfigError for an option outside its range, TargetExistsError unless ``force``.
    """
    task = Emoji(tuple(styles), size, seed, backgrounds)
    check_positive(per_glyph=per_glyph, workers=workers)
    settings = {
        "styles": task.styles,
        "size": task.size,
        "seed": task.seed,
        "backgrounds": task.backgrounds,
        "per_glyph": per_glyph,
    }
    jobs = list(_jobs(task, per_glyph))
    return write_task(folder, "emoji", jobs, settings, workers=workers, force=force, report=report)


def _jobs(task: Emoji, per_glyph: int) -> Iterator[Job]:
    """Every picture. Test keys name no style: that makes the pictures of one glyph a pair."""
    for index, style in enumerate(task.styles):
        place = "AB"[index] if len(task.styles) == 2 else f"/{style}"
        for glyph in task.train(style):
            for number in range(per_glyph):
                path = f"train{place}/{glyph}_{number}.png"
                yield _job(task, style, glyph, path, f"train/{style}/{glyph}/{number}")
        for glyph in task.test():
            yield _job(task, style, glyph, f"test{place}/{glyph}.png", f"test/{glyph}")


def _job(task: Emoji, style: GlyphStyle, glyph: str, path: str, key: str) -> Job:
    return Job((path, f"masks/{path}"), lambda: task.draw(style, glyph, key))
