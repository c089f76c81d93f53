"""What the models of ``benchmarks.tasks`` make: ``python -m benchmarks.task_pictures WORK --data TASK=DIR -o FOLDER``.

A sheet a task: a row for each of some test pictures, evenly spread; in it the input, each model's output, and the mask
of those that have one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

import attn_i2i
from attn_i2i.files import atomic_path
from attn_i2i.images.draw import Tile, contact_sheet
from attn_i2i.images.folder import list_folder
from benchmarks.tasks import MODELS, folder_of


def sheet(work: Path, data: Path, seed: int, pictures: int, tile: int) -> Image.Image:
    """The sheet of the models of one seed that are finished in ``work``."""
    paths = list_folder(data / "testA").pictures
    chosen = [paths[index * len(paths) // pictures] for index in range(pictures)]
    rows: list[list[Tile]] = []
    for path in chosen:
        with Image.open(path) as picture:
            rows.append([("input", enlarged(picture, tile))])
    for model in MODELS:
        if not (folder := folder_of(work, model, seed) / "run" / "model").is_dir():
            continue
        translate = attn_i2i.load(folder, direction="A2B", device="cpu")
        for row, path in zip(rows, chosen, strict=True):
            result = translate(path)
            row.append((model, enlarged(result.pil(), tile)))
            if result.mask is not None:
                mask = Image.fromarray(result.mask[0].mul(255).round().byte().numpy())
                row.append(("its mask", enlarged(mask, tile)))
    return contact_sheet(rows, tile)


def enlarged(picture: Image.Image, tile: int) -> Image.Image:
    """The picture with its pixels shown as squares, ``tile`` pixels wide."""
    return picture.convert("RGB").resize((tile, tile * picture.height // picture.width), Image.Resampling.NEAREST)


def main() -> None:
    """Write one picture for each task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", action="append", required=True, metavar="TASK=DIR")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--tile", type=int, default=128)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for task, data in (each.split("=", 1) for each in options.data):
        drawn = sheet(options.work / task, Path(data), options.seed, options.pictures, options.tile)
        with atomic_path(options.output / f"benchmark-{task}.webp", force=True) as temporary:
            drawn.save(temporary, format="WEBP", quality=80)


if __name__ == "__main__":
    main()
