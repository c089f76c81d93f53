"""How steady a translated clip is, measured while its frames come."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..translate.result import Result
from ..video.flow import optical_flow
from .measures.video import mask_flicker, warping_error


def measure_clip(results: Iterable[Result]) -> dict[str, float]:
    """The temporal measures of a clip, means over pairs of frames: ``measure_clip(translator.frames("clip.mp4"))``.

    "warping_error" is that of the output. "source_warping_error" is that of the input by the same flow; no output can
    be asked to go below it. "mask_flicker" is there if the network has masks. Flow is estimated on the input; pairs on
    both sides of a cut do not count. Two frames are kept at a time. NaN where no pair could be measured.
    """
    rows: dict[str, list[Tensor]] = {"warping_error": [], "source_warping_error": []}
    before: Result | None = None
    for after in results:
        if before is not None:
            _add(rows, before, after)
        before = after
    return {name: torch.cat(values).nanmean().item() if values else torch.nan for name, values in rows.items()}


def _add(rows: dict[str, list[Tensor]], before: Result, after: Result) -> None:
    motion = optical_flow(before.source, after.source)
    if motion.cut:
        return
    along = motion.flow[None], motion.visible[None]
    rows["warping_error"].append(warping_error(torch.stack([before.image, after.image]), *along))
    rows["source_warping_error"].append(warping_error(torch.stack([before.source, after.source]), *along))
    if before.mask is not None and after.mask is not None:
        rows.setdefault("mask_flicker", []).append(mask_flicker(torch.stack([before.mask, after.mask]), *along))
