"""Parts of a result as pictures: to look at, small, and to keep, whole."""

from __future__ import annotations

import io
import re

from PIL import Image

from ..images.write import shown, to_pil
from ..translate.result import Result
from ..types import UnknownNameError

SIDE = 1024
"""Pixels of the longer side of what a page shows: as many as a window has, few enough to follow a slider."""
_NUMBERED = re.compile(r"(mask|content)-(\d{1,4})", re.ASCII)


def part_names(result: Result) -> list[str]:
    """What there is to see of a result, in the order of looking at it."""
    names = ["input", "output"]
    names += ["mask"] if result.foreground is not None else []
    names += ["heatmap"] if result.heatmap is not None else []
    names += ["overlay"] if result.foreground is not None else []
    names += [f"mask-{k}" for k in range(1, 1 + len(result.foreground if result.foreground is not None else ()))]
    names += ["background"] if result.background is not None else []
    names += [f"content-{k}" for k in range(1, 1 + len(result.contents if result.contents is not None else ()))]
    return names


def draw(result: Result, name: str) -> Image.Image:
    """One part as a picture in 8 bits: masks in grey, white where the network changes; UnknownNameError for others."""
    if name not in part_names(result):
        raise UnknownNameError(f"No part is named {name!r}: this result has {', '.join(part_names(result))}.")
    if (numbered := _NUMBERED.fullmatch(name)) is not None:
        index = int(numbered[2]) - 1
        if numbered[1] == "content":
            assert result.contents is not None
            return to_pil(shown(result.contents[index]))
        assert result.foreground is not None
        return to_pil(result.foreground[index][None])
    if name == "background":
        assert result.background is not None
        return to_pil(result.background)
    if name == "input":
        return to_pil(shown(result.source), result.alpha)
    simple = {"output": Result.pil, "mask": Result.mask_image, "heatmap": Result.heatmap_image}
    return simple.get(name, Result.overlay)(result)


def encoded(image: Image.Image, side: int | None = None) -> bytes:
    """The PNG of a picture, reduced to ``side`` pixels where it is larger; quickly rather than tightly packed."""
    if side is not None:
        image = image.copy()
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()
