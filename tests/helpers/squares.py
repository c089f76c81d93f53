"""Test pictures whose truth and masks are known: grey squares that become another grey."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

MODEL, PLAIN = "attentiongan2-flat2clay", "cyclegan-flat2clay"  # that ship
FAST = ["l1", "background_psnr", "mask_ap", "mask_iou", "change"]  # measures without a network
SIZE, COUNT, GREY, SOURCE, TRUTH = 24, 5, 51, 102, 204


def square(index: int, value: int) -> np.ndarray:
    """A grey square at a place that depends on ``index``, 0 elsewhere."""
    picture = np.zeros((SIZE, SIZE), np.uint8)
    picture[4 + index : 12 + index, 6:14] = value
    return picture


def copied(folder: Path, target: Path, ending: str = "", value: int | None = None) -> Path:
    """A folder of outputs: the pictures of another, brighter where asked."""
    target.mkdir()
    for path in folder.glob("*.png"):
        pixels = np.asarray(Image.open(path))
        pixels = pixels if value is None else np.clip(pixels.astype(int) + value, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(target / f"{path.stem}{ending}.png")
    return target


def write_squares(root: Path, source: str, target: str) -> Path:
    """Squares of one grey whose truth is another grey, with masks, over a plain background."""
    for folder, value in ((f"test{source}", SOURCE), (f"test{target}", TRUTH), (f"train{source}", SOURCE)):
        (root / folder).mkdir(parents=True)
        (root / "masks" / folder).mkdir(parents=True)
        for index in range(COUNT):
            mask = square(index, 255)
            picture = np.where(mask > 0, value, GREY).astype(np.uint8)
            Image.fromarray(np.repeat(picture[..., None], 3, 2)).save(root / folder / f"{index}.png")
            Image.fromarray(mask).save(root / "masks" / folder / f"{index}.png")
    return root
