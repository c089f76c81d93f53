"""Frames through a network one after the other, so that what it paints is steady along the motion."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import torch
from torch import Tensor

from ..images.picture import Picture, PictureWarning
from ..types import ConfigError
from ..video.flow import Motion, optical_flow
from ..video.smoothing import Smoother
from .compositing import recompose
from .result import Result
from .running import TranslationRun
from .steady import Steady

Temporal = Literal["flow", "off"]
# What an 8-bit picture cannot show: a network's output is put together of its parts where they give it so closely.
SAME = 0.5 / 255


@dataclass
class Along:
    """A run for one clip: masks and contents are smoothed along the motion, statistics are running averages.

    Networks without masks get the averages alone, and smoothed heatmaps: to move what they painted would smear it.
    """

    run: TranslationRun

    def __post_init__(self) -> None:
        self.network = Steady(self.run.generator)
        plain = replace(self.run.options, strength=1.0, threshold=None, keep_background=False)
        self._plain = replace(self.run, generator=self.network, options=plain, batch_size=1)
        self._smoothers: dict[str, Smoother] = {}
        self._before: Tensor | None = None
        self._told = False

    def result(self, picture: Picture, limit: Tensor | None) -> Result:
        """The result of the next frame; ``limit`` (1, H, W) says where it may change."""
        motion = None if self._before is None else optical_flow(self._before, picture.values)
        self._before = picture.values
        if motion is not None and motion.cut:
            self.network.reset()
        ((_, result),) = self._plain.results([picture], [None])
        self._tell()
        return recompose(self._smoothed(result, motion), limit, self.run.options)

    def _smoothed(self, result: Result, motion: Motion | None) -> Result:
        smooth = self._smooth
        changes: dict[str, Any] = {}
        if result.heatmap is not None:
            changes["heatmap"] = smooth("heatmap", result.heatmap, motion)
        if result.foreground is not None and result.background is not None:
            masks = torch.cat([result.foreground, result.background])
            steady = smooth("masks", masks, motion)
            changes |= {"foreground": steady[:-1], "background": steady[-1:]}
            if (painted := _painted(result)) is not None:
                source = result.source.clamp(0, 1)
                changes["image"] = (smooth("painted", painted, motion) + steady[-1:] * source).clamp(0, 1)
        return replace(result, **changes)

    def _smooth(self, name: str, maps: Tensor, motion: Motion | None) -> Tensor:
        return self._smoothers.setdefault(name, Smoother())(maps, motion)

    def _tell(self) -> None:
        if self.network.why is not None and not self._told:
            message = f"The statistics of this network are each frame's own, because {self.network.why}."
            warnings.warn(message, PictureWarning, stacklevel=4)
        self._told = True


def check_temporal(temporal: str) -> Temporal:
    """Raise ConfigError for what is neither "flow" nor "off"."""
    if temporal not in ("flow", "off"):
        raise ConfigError(f'temporal={temporal!r} was given: expected "flow" or "off".')
    return cast("Temporal", temporal)


def _painted(result: Result) -> Tensor | None:
    """What the contents add to the picture, (C, H, W): the output less what shines through of the source.

    None where the output is not the source seen through the background's mask plus contents seen through theirs.
    """
    if result.contents is None or result.foreground is None or result.background is None:
        return None
    painted = (result.foreground[:, None] * result.contents).sum(0)
    whole = painted + result.background * result.source.clamp(0, 1)
    return painted if bool(((whole - result.image).abs() < SAME).all()) else None
