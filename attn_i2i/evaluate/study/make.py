"""Makes the page on which people say which of two outputs is better."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageFilter, ImageStat

from ...arguments import typed
from ...files import TargetExistsError, atomic_dir
from ...images import Picture, PictureWarning, RangeLike, write_image
from ...types import ConfigError
from ..data import Data, find_inputs
from ..notes import unused_outputs
from ..outputs import make_outputs
from ..ranges import seen_in, settled_range
from ..subjects import Subject, open_subjects, sides_of, with_pictures

if TYPE_CHECKING:
    from ...translate.translator import Translator

FORMAT = "attn_i2i study 1"  # in every rater's file: another one is refused
PAGE, IMAGES = "index.html", "images"
QUESTION = "Which picture is the better result?"
COARSE = 12
"""Blocks that a degraded picture has across: anybody who looks sees which of two is whole."""
CLEAR = 3.0
"""Levels of 255 by which a degraded picture differs at least, in the mean: a flat one has nothing to spoil."""


@dataclass(frozen=True)
class StudyOptions:
    """How a study runs: what is asked, how often, and which raters do not count.

    Each rater sees ``practice`` trials that do not count, then ``trials``, among them ``catch`` with one picture
    spoilt. A rater who answers more than ``allowed`` of those wrongly, or does not finish, is left out: the rule
    stands on the page. ``seconds`` hides the pictures after that time, None never. ``post`` is an address that
    answers are sent to.
    """

    question: str = QUESTION
    trials: int = 40
    practice: int = 3
    catch: int = 4
    allowed: int = 1
    seconds: float | None = None
    post: str | None = None

    def __post_init__(self) -> None:
        for name in ("trials", "practice", "catch", "allowed"):
            if getattr(self, name) < (1 if name == "trials" else 0):
                raise ConfigError(f"{name}={getattr(self, name)} was given: expected a number from 0, trials from 1.")
        if self.catch >= self.trials:
            raise ConfigError(f"catch={self.catch} of trials={self.trials} leaves nothing to compare.")
        if self.allowed > self.catch:
            raise ConfigError(f"allowed={self.allowed} of catch={self.catch} control trials would leave nobody out.")
        if self.seconds is not None and not self.seconds > 0:
            raise ConfigError(f"seconds={self.seconds} was given: expected more than 0, or None.")
        if self.post is not None and not self.post.startswith(("https://", "http://")):
            raise ConfigError(
                f"{self.post} was given as post: expected an address such as https://example.org/answers."
            )


@typed
def make_study(
    models: Sequence[str | Path | Translator],
    data: str | Path,
    out: str | Path,
    options: StudyOptions | None = None,
    *,
    direction: str | None = None,
    domain: str | None = None,
    source: str | Path | None = None,
    limit: int | None = 40,
    device: str | None = None,
    range: RangeLike = None,  # noqa: A002
    force: bool = False,
    advance: Callable[[], None] = lambda: None,
) -> Path:
    """Write a study of two or more ``models`` on the inputs of ``data`` into the folder ``out``; returns its page.

    The page needs no server: open it from disk, or put the folder on any web server. Pictures are PNGs of 8 bits
    without metadata, whose names tell nothing. ``models``, ``data``, ``source`` and ``range`` are as for ``evaluate``;
    ``limit`` inputs are shown, evenly spread. What is left out of ``data`` is warned of. Raises AttnI2IError with a
    line that says what is wrong.
    """
    options = options or StudyOptions()
    _check_target(Path(out), force)
    opened = open_subjects(models, direction=direction, domain=domain, device=device)
    if len(opened) < 2:
        raise ConfigError(f"{len(opened)} model was given: name two or more, which people choose between.")
    test_data = find_inputs(data, source=sides_of(opened, source, None)[0], limit=limit)
    subjects = with_pictures(opened, test_data)
    test_data = replace(test_data, range=settled_range(range, test_data, subjects))
    subjects = seen_in(subjects, test_data)
    for note in (*test_data.notes, *unused_outputs(subjects, test_data)):
        warnings.warn(note, PictureWarning, stacklevel=3)
    with atomic_dir(out, force=force) as work:
        outputs = work / "outputs"  # on the disk that the study needs anyway
        for folder in (work / IMAGES, outputs):
            folder.mkdir()
        pictures = _pictures(subjects, test_data, outputs, work, advance)
        shutil.rmtree(outputs)
        if options.catch and not any(picture["spoilt"] for picture in pictures):
            raise ConfigError(
                "No output has anything to spoil, so that controls cannot be made: ask for none (catch=0)."
            )
        study = {"format": FORMAT, "study": secrets.token_hex(8), **asdict(options)}
        labels = [subject.label for subject in subjects]
        pairs = [[labels.index(name) for name in pair] for pair in combinations(labels, 2)]
        study |= {"models": labels, "pictures": pictures, "pairs": pairs}
        (work / PAGE).write_text(_page(study), encoding="utf-8")
    return Path(out) / PAGE


def _check_target(out: Path, force: bool) -> None:
    """Never replace a folder that holds anything but a study."""
    names = {entry.name for entry in out.iterdir()} if force and out.is_dir() else set()
    if names and names != {PAGE, IMAGES}:
        raise TargetExistsError(f"{out} is not an earlier study, so it is not replaced: choose another folder.")


def _pictures(
    subjects: Sequence[Subject], data: Data, spare: Path, work: Path, advance: Callable[[], None]
) -> list[dict[str, object]]:
    """Write every picture under a random name: of each input its file, outputs by model, and a spoilt output."""
    outputs = [
        make_outputs(subject, data.inputs, spare / str(i), advance, cycle=False).pictures
        for i, subject in enumerate(subjects)
    ]
    rows: list[dict[str, object]] = []
    for stem, path in data.inputs.items():
        pictures = [data.picture(each[stem]) for each in outputs]
        chosen = int(hashlib.sha256(stem.encode("utf-8", "surrogateescape")).hexdigest(), 16) % len(subjects)
        spoilt = degraded(pictures[chosen].pil())
        clear = _apart(spoilt, pictures[chosen].pil()) >= CLEAR
        rows.append(
            {
                "stem": stem.encode("utf-8", "backslashreplace").decode(),
                "input": _written(data.picture(path), work),
                "outputs": [_written(picture, work) for picture in pictures],
                "whole": chosen,
                "spoilt": _saved(spoilt, pictures[chosen].icc, work) if clear else None,
            }
        )
    return rows


def degraded(image: Image.Image) -> Image.Image:
    """The picture in COARSE blocks across, or four pixels each, blurred: the wrong answer of a control trial."""
    across = max(1, min(COARSE, image.width // 4))
    small = image.resize((across, max(1, round(across * image.height / image.width))), Image.Resampling.BOX)
    return small.resize(image.size, Image.Resampling.NEAREST).filter(ImageFilter.GaussianBlur(1))


def _apart(first: Image.Image, second: Image.Image) -> float:
    """Mean absolute difference in levels of 255."""
    means = ImageStat.Stat(ImageChops.difference(first, second)).mean
    return sum(means) / len(means)


def _written(picture: Picture, work: Path) -> str:
    """A picture as a file of the study; its new name. Of what its own file says, only the colours are kept."""
    return _saved(picture.pil(), picture.icc, work)


def _saved(image: Image.Image, icc: bytes | None, work: Path) -> str:
    name = f"{IMAGES}/{secrets.token_hex(8)}.png"
    write_image(image, work / name, icc=icc)
    return name


def _page(study: dict[str, object]) -> str:
    room = files(__package__)
    style, script, body = ((room / name).read_text(encoding="utf-8") for name in ("page.css", "page.js", "page.html"))
    data = json.dumps(study).replace("<", "\\u003c")
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(str(study['question']))}</title>\n<style>\n{style}</style>\n<body>\n{body}"
        f'<script type="application/json" id="study">{data}</script>\n<script>\n{script}</script>\n</body>\n</html>\n'
    )
