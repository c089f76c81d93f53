"""Pack the source pictures into the archives that the distribution ships: ``python pack.py SOURCE``.

SOURCE holds fruit/, textures/, grocery/ and nuclei/ with their notices. Pictures lie in zip archives without further
compression, so that one of them is read without the others. Archives have the same bytes each time.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

DATA = Path(__file__).parent / "src" / "attn_i2i_tasks" / "data"
# Shop photographs: twice the 128 pixels that models are trained at would be 12 MB; this gives crops of 128 some room.
SHOP_SIDE, SHOP_QUALITY = 160, 80
# Every third picture of the nuclei, of those a square of 256 pixels: 5 MB, and each kind of specimen is in it.
NUCLEI_STEP, NUCLEI_SIDE = 2, 256
EPOCH = (2020, 1, 1, 0, 0, 0)


def write(archive: Path, members: Iterator[tuple[str, bytes]]) -> None:
    """An archive of ``members`` in sorted order, with a fixed time."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for name, content in sorted(members):
            target.writestr(zipfile.ZipInfo(name, EPOCH), content)


def as_they_are(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*.webp"):
        yield path.relative_to(folder).as_posix(), path.read_bytes()


def shop(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*.jpg"):
        picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        scale = SHOP_SIDE / min(picture.size)
        stream = io.BytesIO()
        size = [round(side * scale) for side in picture.size]
        picture.resize(size, Image.Resampling.LANCZOS).save(stream, "WEBP", quality=SHOP_QUALITY, method=6)
        yield path.relative_to(folder).with_suffix(".webp").as_posix(), stream.getvalue()


def nuclei(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Grey squares, without loss, and whether each pixel belongs to a nucleus."""
    for path in sorted((folder / "images").glob("*.png"))[::NUCLEI_STEP]:
        grey = np.asarray(Image.open(path))[:NUCLEI_SIDE, :NUCLEI_SIDE]
        inside = np.asarray(Image.open(folder / "labels" / path.name))[:NUCLEI_SIDE, :NUCLEI_SIDE] > 0
        if inside.mean() < 0.01:  # nothing to enhance
            continue
        for kind, pixels in (("images", grey), ("masks", inside * np.uint8(255))):
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, "WEBP", lossless=True, quality=100, method=6)
            yield f"{kind}/{path.stem}.webp", stream.getvalue()


def main(source: Path) -> None:
    write(DATA / "fruit" / "fruit.zip", as_they_are(source / "fruit"))
    write(DATA / "fruit" / "textures.zip", as_they_are(source / "textures"))
    write(DATA / "shop" / "shop.zip", shop(source / "grocery"))
    write(DATA / "nuclei" / "nuclei.zip", nuclei(source / "nuclei"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
