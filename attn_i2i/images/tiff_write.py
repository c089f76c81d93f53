"""Scientific TIFF out: one plane, in the layout of the file that it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tifffile import TiffWriter

from ..types import ConfigError
from .picture import TiffLayout
from .tiff import RGB


def write_plane(
    numbers: np.ndarray[Any, Any],
    alpha: np.ndarray[Any, Any] | None,
    path: Path,
    layout: TiffLayout | None,
    icc: bytes | None,
) -> None:
    """Write (C, H, W) numbers, and (1, H, W) of transparency, as the file of ``layout`` was, or as a plain TIFF."""
    options: dict[str, Any] = dict(layout.options) if layout is not None else {"metadata": None, "compression": "zlib"}
    axes = layout.axes if layout is not None else ""
    if alpha is not None:
        numbers = np.concatenate([numbers, alpha])
        options["extrasamples"] = ["unassalpha"]
    count = len(numbers)
    if "S" not in axes and "C" not in axes and count > 1:  # colours, or channels, that had no axis
        colours = count - (alpha is not None) == 3
        options |= {"photometric": RGB if colours else 1, "planarconfig": 1}
        axes = "YXS"
    options.setdefault("photometric", 1)
    if icc:
        options["iccprofile"] = icc
    writer = {key: options.pop(key) for key in ("bigtiff", "imagej", "ome") if key in options}
    with TiffWriter(path, **writer) as tiff:
        tiff.write(_arranged(numbers, axes), **options)


def _arranged(numbers: np.ndarray[Any, Any], axes: str) -> np.ndarray[Any, Any]:
    """(C, H, W) in the order of the axes of a plane."""
    if len(numbers) == 1 and not {"S", "C"} & set(axes):
        return numbers[0]
    if {"S", "C"} <= set(axes):
        raise ConfigError(f"A TIFF of axes {axes} is not written: save one channel at a time.")
    order = {"C": 0, "S": 0, "Y": 1, "X": 2}
    return np.ascontiguousarray(numbers.transpose([order[axis] for axis in axes]))
