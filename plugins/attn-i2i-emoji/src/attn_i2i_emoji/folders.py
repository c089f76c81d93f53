"""The task as folders of PNG pictures."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from attn_i2i.files import atomic_dir
from attn_i2i.types import ConfigError
from PIL import Image

from .backgrounds import Kind
from .glyphs import DATA, Style
from .scenes import Emoji


class Job(NamedTuple):
    """One picture to draw, and where it goes."""

    folder: str
    name: str
    style: Style
    glyph: str
    key: str


def make(
    folder: str | os.PathLike[str],
    *,
    size: int = 64,
    styles: Sequence[Style] = ("flat", "clay"),
    seed: int = 0,
    backgrounds: Kind = "calm",
    per_glyph: int = 4,
    workers: int = 2,
    force: bool = False,
    report: Callable[[int], None] | None = None,
) -> dict[str, int]:
    """Make the task's folders, whole or not at all; returns the number of pictures in each.

    Two styles make trainA, trainB, testA and testB; more make train/<style> and test/<style>. ``masks`` holds the
    glyph's alpha for each picture under the same path. Files of one name in the test folders are one glyph, placed
    alike over one background that no training picture has. ``report`` is called with the total after each picture.
    Raises ConfigError for an option outside its range, TargetExistsError unless ``force``.
    """
    task = Emoji(tuple(styles), size, seed, backgrounds)
    if per_glyph < 1 or workers < 1:
        raise ConfigError(f"per_glyph={per_glyph}, workers={workers}: give 1 or more of each")
    with atomic_dir(folder, force=force) as temporary:
        jobs = list(_jobs(task, per_glyph))
        for name in {job.folder for job in jobs}:
            (temporary / name).mkdir(parents=True)
            (temporary / "masks" / name).mkdir(parents=True)
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(lambda job: _write(task, job, temporary), jobs):
                if report is not None:
                    report(len(jobs))
        _describe(task, per_glyph, temporary)
    return dict(Counter(job.folder for job in jobs))


def _jobs(task: Emoji, per_glyph: int) -> Iterator[Job]:
    """Every picture. Test keys name no style: that makes the pictures of one glyph a pair."""
    for index, style in enumerate(task.styles):
        place = "AB"[index] if len(task.styles) == 2 else f"/{style}"
        for glyph in task.train(style):
            for number in range(per_glyph):
                yield Job(f"train{place}", f"{glyph}_{number}.png", style, glyph, f"train/{style}/{glyph}/{number}")
        for glyph in task.test():
            yield Job(f"test{place}", f"{glyph}.png", style, glyph, f"test/{glyph}")


def _write(task: Emoji, job: Job, root: Path) -> None:
    picture = task.draw(job.style, job.glyph, job.key)
    Image.fromarray(picture.image).save(root / job.folder / job.name)
    Image.fromarray(picture.alpha).save(root / "masks" / job.folder / job.name)


def _describe(task: Emoji, per_glyph: int, root: Path) -> None:
    """Say how the folder was made and under which terms the drawings stand."""
    settings = {
        "styles": task.styles,
        "size": task.size,
        "seed": task.seed,
        "backgrounds": task.backgrounds,
        "per_glyph": per_glyph,
    }
    (root / "emoji.json").write_text(json.dumps(settings, indent=1) + "\n")
    for notice in DATA.iterdir():
        if notice.name.startswith(("NOTICE", "LICENSE")):
            (root / notice.name).write_text(notice.read_text())
