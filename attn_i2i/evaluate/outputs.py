"""Outputs of a model on disk, so that what is measured is what is written, and a stop costs one batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..files import atomic_path
from ..images.header import read_header
from ..translate.channels import no_choice_of_colours
from .data import Pictures, batches
from .subjects import Subject

if TYPE_CHECKING:
    from torch import Tensor

    from ..translate.result import Result
    from ..translate.translator import Translator

BATCH = 8
"""Pictures that are read before a batch is translated and written."""
LEVELS = 65535  # 16 bits: a learnt mask may be faint as a whole


@dataclass(frozen=True)
class Outputs:
    """Pictures of one subject by stem: outputs, its masks, and the way there and back; None for what it has not."""

    pictures: Pictures
    attention: Pictures | None = None
    cycled: Pictures | None = None


def make_outputs(
    subject: Subject, inputs: Pictures, folder: Path, advance: Callable[[], None], *, cycle: bool = True
) -> Outputs:
    """Translate the inputs into ``folder`` where they are not there yet; pictures made elsewhere stay."""
    if subject.translator is None:
        assert subject.pictures is not None
        return Outputs(subject.pictures)
    back = opposite(subject) if cycle else None
    for name in ("outputs", "masks", "cycled"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    names = {stem: stem + _suffix(path) for stem, path in inputs.items()}
    outputs, cycled = ({stem: folder / part / name for stem, name in names.items()} for part in ("outputs", "cycled"))
    masks = {stem: folder / "masks" / f"{stem}.png" for stem in inputs}
    for batch in batches(list(inputs), dict.fromkeys(inputs, 0), BATCH):
        # An output is written after all else of its picture.
        todo = [s for s in batch if not outputs[s].is_file() or (back is not None and not cycled[s].is_file())]
        if todo:
            paths = Outputs(outputs, masks, cycled if back is not None else None)
            _translate(subject, back, {stem: inputs[stem] for stem in todo}, paths)
        for _ in batch:
            advance()
    masked = all(path.is_file() for path in masks.values())
    return Outputs(outputs, masks if masked else None, cycled if back is not None else None)


def opposite(subject: Subject) -> str | None:
    """The direction that leads back, of a model between two domains; None where there is none."""
    translator, here = subject.translator, subject.direction
    if translator is None or translator.domains or here is None or len(translator.directions) != 2:
        return None
    return next(name for name in translator.directions if name != here)


def _suffix(path: Path) -> str:
    """How an output is stored without loss: as PNG, or as TIFF what PNG cannot hold."""
    header = read_header(path)
    return ".png" if header.dtype in (np.uint8, np.uint16) and header.channels in (1, 3) else ".tif"


def _translate(subject: Subject, back: str | None, inputs: Pictures, paths: Outputs) -> None:
    assert subject.translator is not None
    assert paths.attention is not None
    results = _run(subject.translator, list(inputs.values()), **subject.options)  # each read in the model's own range
    if back is not None and paths.cycled is not None:
        returned = _run(subject.translator, [result.picture() for result in results], direction=back)
        for stem, result in zip(inputs, returned, strict=True):
            result.save(paths.cycled[stem], force=True)
    for stem, result in zip(inputs, results, strict=True):
        if result.mask is not None:
            write_mask(result.mask, paths.attention[stem])
        result.save(paths.pictures[stem], force=True)


def _run(translator: Translator, pictures: list[Any], **options: Any) -> list[Result]:
    with no_choice_of_colours():
        return translator(pictures, size="fit", **options)


def write_mask(mask: Tensor, path: Path) -> None:
    """A (1, H, W) mask in [0, 1] as 16-bit greyscale PNG."""
    levels = mask[0].cpu().clamp(0, 1).mul(LEVELS).round().numpy().astype(np.uint16)
    with atomic_path(path, force=True) as temporary:
        Image.fromarray(levels).save(temporary, "PNG")
