"""From a network's answer to results: sizes, masks by role, heatmaps, the final picture."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..devices import by_way_of_cpu
from ..images.picture import Picture
from ..interfaces import only_size
from ..masks import binarize, split
from ..types import ShapeError, Translation
from .options import Options
from .result import Result


def native_size(generator: nn.Module, picture: Picture, options: Options) -> tuple[int, int]:
    """Height and width that the network gets to see."""
    only = only_size(generator)
    if only is None:
        return _limited(picture.size, options.max_side)
    height, width = only
    if picture.size != (height, width) and options.size != "fit":
        raise ShapeError(
            f"{picture.name} is {picture.size[1]}x{picture.size[0]}, but this network takes {width}x{height} only:"
            ' size="fit" resizes to that and back.'
        )
    return height, width


def _limited(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """A size in proportion whose longer side is ``longest`` at most."""
    if longest is None or max(size) <= longest:
        return size
    height, width = (max(1, round(side * longest / max(size))) for side in size)
    return height, width


def resized(values: Tensor, size: tuple[int, int], mode: str = "bilinear") -> Tensor:
    how = {"mode": mode, "align_corners": False, "antialias": True}
    return by_way_of_cpu(F.interpolate, values.device, values, size, **how)


def at_size(translation: Translation, size: tuple[int, int]) -> Translation:
    attention, contents = translation.attention, translation.contents
    return translation._replace(
        image=resized(translation.image, size, "bicubic").clamp(-1, 1),
        attention=None if attention is None else resized(attention, size),
        contents=None if contents is None else resized(contents.flatten(0, 1), size).unflatten(0, contents.shape[:2]),
    )


def assemble(picture: Picture, translation: Translation, limit: Tensor | None, options: Options) -> Result:
    """Compose one picture; the parts of ``translation`` have lost their batch axis."""
    source = picture.values

    def here(part: Tensor | None, images: bool = False) -> Tensor | None:
        if part is None:
            return None
        values = part.add(1).div_(2).clamp_(0, 1) if images else part.clamp(0, 1)  # in place: contents are many
        return values.to(source)

    output = here(translation.image, images=True)
    assert output is not None
    contents = here(translation.contents, images=True)
    attention = here(translation.attention)
    foreground, background = (None, None) if attention is None else split(attention, contents)
    raw = None if translation.heatmap is None else translation.heatmap.to(source)
    components = Result(
        output,
        source,
        foreground,
        None if background is None else background.clamp(0, 1),
        None,
        contents,
        None if raw is None else normalised(raw, picture.size),
        raw,
        None,
        picture.alpha,
        picture.name,
        picture.icc,
        picture,
    )
    return recompose(components, limit, options)


def recompose(components: Result, limit: Tensor | None, options: Options) -> Result:
    """What a call with ``options`` and the mask ``limit`` (1, H, W) would give, without running the network again.

    ``components`` are the result of a call without any of these, so that their image is the network's own output.
    ``options.size`` and ``options.color`` are those of that call. Raises ConfigError where there is no mask to go by,
    ShapeError where output and source differ in channels.
    """
    output, source, foreground = components.image, components.source, components.foreground
    if options.composites and len(source) not in (1, len(output)):
        raise ShapeError(
            f"{components.name}: {len(source)} channels in and {len(output)} out cannot share a background: leave"
            " out mask, strength, threshold and keep_background."
        )
    mask = None if foreground is None else binarize(foreground.sum(0, keepdim=True).clamp(0, 1), options.threshold)
    stored = components.origin is not None and components.origin.stored is not None
    return replace(
        components,
        image=options.compose(output, source, mask, limit),
        mask=mask,
        limit=limit,
        kept=options.kept(output, mask, limit) if stored else None,
    )


def normalised(heatmap: Tensor, size: tuple[int, int]) -> Tensor:
    """(1, h, w) of any range as (1, H, W) in [0, 1]; a flat heatmap is 0."""
    values = resized(heatmap[None], size)[0]
    low, high = values.aminmax()
    return (values - low) / (high - low).clamp(min=torch.finfo(values.dtype).tiny)
