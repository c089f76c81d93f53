"""Pictures to train on as they are: any channels, more than 8 bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

RANDOM = np.random.default_rng(0)


def stored(
    channels: int, dtype: str = "uint16", high: int = 4000, size: tuple[int, int] = (20, 24)
) -> np.ndarray[Any, Any]:
    """Random numbers of a picture, (H, W) or (H, W, C)."""
    shape = size if channels == 1 else (*size, channels)
    return (RANDOM.random(shape) if dtype == "float32" else RANDOM.integers(100, high, shape)).astype(dtype)


def folders(
    root: Path, channels: int = 1, other: int | None = None, dtype: str = "uint16", suffix: str = ".tif"
) -> Path:
    """Two domains of two pictures each."""
    for side, count in (("A", channels), ("B", channels if other is None else other)):
        for index in range(2):
            path = root / f"train{side}" / f"{index}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            array = stored(count, dtype, 250 if dtype == "uint8" else 4000)
            if suffix == ".npy":
                np.save(path, array)
            elif suffix == ".tif":
                photometric = "rgb" if count == 3 else "minisblack"
                tifffile.imwrite(path, array, photometric=photometric, planarconfig="contig" if count > 1 else None)
            else:
                Image.fromarray(array).save(path)
    return root
