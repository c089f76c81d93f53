"""Pictures of every depth: files whose stored numbers are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

HEIGHT, WIDTH = 12, 16


def numbers(dtype: str, *shape: int) -> np.ndarray[Any, Any]:
    """Random numbers over all that a type can hold; floats lie in [0, 1]."""
    random = np.random.default_rng(len(shape))
    shape = (*shape, HEIGHT, WIDTH)
    if np.dtype(dtype).kind == "f":
        return random.random(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def write_tiff(path: Path, channels: np.ndarray[Any, Any], layout: str, **options: Any) -> Path:
    """(C, H, W) as a TIFF of colours ("contig", "separate"), of an axis C ("ImageJ", "OME"), or grey ("grey")."""
    if layout == "grey":
        tifffile.imwrite(path, channels[0], photometric="minisblack", **options)
    elif layout == "contig":
        photometric = "rgb" if len(channels) in (3, 4) else "minisblack"
        extra = {"extrasamples": ["unassalpha"]} if len(channels) == 4 else {}
        data = np.moveaxis(channels, 0, -1)
        tifffile.imwrite(path, data, photometric=photometric, planarconfig="contig", **extra, **options)
    elif layout == "separate":
        tifffile.imwrite(path, channels, photometric="rgb", planarconfig="separate", **options)
    else:
        kind = {"imagej": True} if layout == "ImageJ" else {"ome": True}
        tifffile.imwrite(path, channels, photometric="minisblack", metadata={"axes": "CYX"}, **kind, **options)
    return path
