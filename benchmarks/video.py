"""Smoothing along the motion, measured: ``python -m benchmarks.video [--sheet FILE]``.

The first table is of an apple that moves over a texture that pans, with the noise of a camera. The second one is of an
apple that comes into a still picture: how much does what stands still change? Models are those that ship; the cut-outs
and the textures are those of the fruit task, in this checkout. Seconds are the processor's, of one thread.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import attn_i2i
from attn_i2i.evaluate import measure_clip
from attn_i2i.images import contact_sheet, read_image, to_pil
from attn_i2i.translate import Result
from attn_i2i.video import ClipInfo, Encoding, Frame, write_clip
from benchmarks.machine import describe

DATA = Path(__file__).parents[1] / "plugins/attn-i2i-tasks/src/attn_i2i_tasks/data/fruit"
MODEL = "attentiongan2-apple2orange-fruit"
OTHERS = ("cyclegan-flat2clay", "ugatit-flat2clay", MODEL)
SIDE, APPLE, FRAMES, RATE = 128, 64, 24, 25
NOISE = 0.02  # standard deviation, of a range of 1: a camera indoors
SHOWN, TILE = slice(10, 16), 96  # frames and pixels of the sheet
STILL = 20  # rows at the top that the apple does not touch


def opened(archive: str, name: str) -> Image.Image:
    """A picture of the fruit task."""
    with zipfile.ZipFile(DATA / archive) as file:
        return Image.open(io.BytesIO(file.read(name)))


def scenes(pan: int, steps: tuple[int, int], start: tuple[int, int]) -> Iterator[Image.Image]:
    """An apple that moves from ``start`` by ``steps`` (x, y) a frame, over a texture that pans by ``pan``."""
    apple = opened("fruit.zip", "apple/apple_crimson_snow_1_r0_0.webp").convert("RGBA").resize((APPLE, APPLE))
    texture = opened("textures.zip", "Bark_005.webp").convert("RGB").resize((SIDE + FRAMES, SIDE + FRAMES))
    random = np.random.default_rng(0)
    for number in range(FRAMES):
        scene = texture.crop((pan * number, 0, pan * number + SIDE, SIDE))
        scene.paste(apple, (start[0] + steps[0] * number, start[1] + steps[1] * number), apple)
        values = np.asarray(scene) / 255 + random.normal(0, NOISE, (SIDE, SIDE, 3))
        yield Image.fromarray((values.clip(0, 1) * 255).round().astype(np.uint8))


def write(path: Path, frames: Iterable[Image.Image]) -> Path:
    """A video without loss."""
    info = ClipInfo(path.name, "matroska", (SIDE, SIDE), Fraction(1, 1000), Fraction(RATE))
    with write_clip(path, info, encoding=Encoding(lossless=True)) as writer:
        for number, frame in enumerate(frames):
            writer.write(Frame(read_image(frame), 1000 * number // RATE, 1000 // RATE))
    return path


def measured(results: list[Result], seconds: float) -> str:
    """A row of the first table."""
    row = measure_clip(results)
    figures = f"{1e4 * row['warping_error']:.2f} | {1e4 * row['source_warping_error']:.2f}"
    return f"{figures} | {row['mask_flicker']:.3f} | {len(results) / seconds:.1f}"


def unrest(results: Iterable[Result]) -> float:
    """Mean squared change, from frame to frame, of what stands still and nothing touches; times 10,000."""
    still = torch.stack([result.image[:, :STILL] for result in results])
    return 1e4 * still.diff(dim=0).square().mean().item()


def main() -> None:
    """Print both tables, and write the sheet where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", type=Path, help="picture to write: input, then output and mask of both ways")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(describe())
    translate = attn_i2i.load(MODEL, direction="A2B", device="cpu")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        clip = write(Path(folder, "apple.mkv"), scenes(1, (2, 1), (6, 20)))
        print("temporal | warping error of output | of input | mask flicker | frames a second")
        for temporal in ("off", "flow"):
            start = time.process_time()
            results = list(translate.frames(clip, temporal=temporal, batch_size=1))
            print(f"{temporal} | {measured(results, time.process_time() - start)}")
            rows += [] if rows else [[("input", to_pil(result.source)) for result in results[SHOWN]]]
            rows.append([(f"output, {temporal}", result.pil()) for result in results[SHOWN]])
            rows.append([(f"mask, {temporal}", result.mask_image()) for result in results[SHOWN]])
        entering = write(Path(folder, "enter.mkv"), scenes(0, (8, 0), (-APPLE, 30)))
        print("model | off | flow")
        for name in OTHERS:
            other = attn_i2i.load(name, direction="A2B", device="cpu")
            figures = [unrest(other.frames(entering, temporal=way)) for way in ("off", "flow")]
            print(f"{name} | {figures[0]:.1f} | {figures[1]:.1f}")
    if options.sheet:
        contact_sheet(rows, TILE).save(options.sheet, quality=88)


if __name__ == "__main__":
    main()
