"""The file that holds the mask of a picture: one for all, or one of a folder, by the picture's name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..images.picture import Picture
from ..images.read import read_image
from ..images.save import TIFFS
from ..types import ShapeError, UnreadableFileError
from .jobs import Job, plane_of

if TYPE_CHECKING:
    from torch import Tensor


def mask_file(job: Job, mask: Path) -> Path:
    """The mask of a job: ``mask`` itself, or in a folder of masks that of the job's name, also as .png."""
    names = (mask / job.relative, (mask / job.relative).with_suffix(".png")) if mask.is_dir() else (mask,)
    path = next((name for name in names if name.is_file()), None)
    if path is None:
        raise UnreadableFileError(f"{job.source}: {mask} holds no mask for it (expected {job.relative}).")
    return path


def mask_for(job: Job, picture: Picture, mask: Path) -> Path | Tensor:
    """The mask of a picture; of a stack's plane its own, or one for all planes."""
    path = mask_file(job, mask)
    if not job.planes or path.suffix.lower() not in TIFFS:
        return path
    from ..images.stack import count_planes  # late: tifffile takes a moment to import

    planes = count_planes(path)
    if planes not in (1, job.planes):
        raise ShapeError(f"{path} has {planes} planes, and {job.source} {job.planes}: give one mask, or one a plane.")
    return path if planes == 1 else read_image(path, page=plane_of(picture)).rgb.mean(0, keepdim=True)
