"""Real photographs made old: ``python -m tests.tools.vintage_pictures OUT PHOTO...``.

The package index ships the model: ``cyclegan-modern2vintage`` is fetched by its name (42 MB, from the index that pip
uses here) unless it is on this machine. The photographs stand above what became of them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

import attn_i2i

HEIGHT, GAP = 192, 8


def row(images: Sequence[Image.Image]) -> Image.Image:
    """Images beside each other, all of one height, on white."""
    scaled = [image.resize((round(image.width * HEIGHT / image.height), HEIGHT)) for image in images]
    strip = Image.new("RGB", (sum(image.width for image in scaled) + GAP * (len(scaled) - 1), HEIGHT), "white")
    left = 0
    for image in scaled:
        strip.paste(image, (left, 0))
        left += image.width + GAP
    return strip


def main() -> None:
    """Translate the photographs and write the sheet."""
    out, *names = sys.argv[1:]
    translate = attn_i2i.load("cyclegan-modern2vintage", device="cpu")
    photographs = [Image.open(name).convert("RGB") for name in names]
    rows = [row(photographs), row([translate(photograph).pil() for photograph in photographs])]
    sheet = Image.new("RGB", (rows[0].width, 2 * HEIGHT + GAP), "white")
    for place, strip in enumerate(rows):
        sheet.paste(strip, (0, place * (HEIGHT + GAP)))
    sheet.save(Path(out), quality=88)


if __name__ == "__main__":
    main()
