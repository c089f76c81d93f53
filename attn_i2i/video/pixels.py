"""Pictures as PyAV's frames, and what is said once of a clip that loses something."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..images.picture import Picture, PictureWarning
from ..types import ConfigError, ShapeError
from .clip import ClipInfo


def bytes_of(picture: Picture, alpha: bool) -> np.ndarray[Any, Any]:
    """(H, W, 3) or, with ``alpha``, (H, W, 4) of 8 bits; ShapeError for other channels than grey and RGB."""
    numbers = picture.rgb.mul(255).round().byte()
    if alpha:
        opacity = numbers.new_full((1, *picture.size), 255)
        if picture.alpha is not None:
            opacity = picture.alpha.mul(255).round().byte()
        return _interleaved(np.concatenate([numbers.cpu().numpy(), opacity.cpu().numpy()]))
    return _interleaved(numbers.cpu().numpy())


def numbers_of(picture: Picture, deep: bool) -> np.ndarray[Any, Any]:
    """(H, W, 3) of 8 bits, or with ``deep`` of 16."""
    if not deep:
        return bytes_of(picture, alpha=False)
    if picture.dtype == np.uint16:
        numbers = picture.numbers()
    else:
        numbers = (picture.rgb * 65535).round().int().cpu().numpy().astype(np.uint16)
    return _interleaved(numbers if len(numbers) == 3 else np.repeat(numbers, 3, 0))


def check_size(picture: Picture, size: tuple[int, int], target: Path) -> None:
    """Raise ShapeError for a frame of another size than the clip's."""
    if picture.size != size:
        was = f"{size[1]}x{size[0]}"
        raise ShapeError(f"{target}: a frame of {picture.size[1]}x{picture.size[0]} does not fit a clip of {was}.")


def check_opaque(picture: Picture, target: Path) -> None:
    """Raise ConfigError for a transparent frame, of a format that holds none."""
    if picture.alpha is not None and bool((picture.alpha < 1).any()):
        raise ConfigError(f"{target}: {target.suffix} holds no transparency: use .gif, .webp or .apng.")


def check_time(seconds: Fraction, longest: Fraction, target: Path) -> None:
    """Raise ConfigError for a frame that is shown for longer than a format can say."""
    if seconds > longest:
        raise ConfigError(
            f"{target}: a frame is shown for {float(seconds):.0f} seconds, and {target.suffix} holds"
            f" {float(longest):.0f} at most: write a video, such as .mp4."
        )


def plays_of(info: ClipInfo, most: int, target: Path) -> int:
    """How often an animation is to be shown, as far as its format can say; 0 for ever."""
    if info.plays > most:
        tell(f"{target}: it is shown {most} times, the most that {target.suffix} can say, and not {info.plays}.")
    return min(info.plays, most)


def tell_silence(tracks: Sequence[Any], target: Path) -> None:
    """Say that an animation has no sound, where there was any."""
    if tracks:
        tell(f"{target}: {target.suffix} holds no sound and no subtitles: these are left out.")


def tell(message: str) -> None:
    """Warn of what a clip loses."""
    warnings.warn(message, PictureWarning, stacklevel=5)


def _interleaved(numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(numbers.transpose(1, 2, 0))
