"""Pack folders of 128-pixel glyphs into the atlases that the distribution ships: ``python pack_emoji.py SOURCE``.

SOURCE holds one folder a style, with one RGBA picture a glyph, and splits.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image

DATA = Path(__file__).parent / "src" / "attn_i2i_tasks" / "data" / "emoji"
SIDE, CELL, COLUMNS, QUALITY = 128, 64, 39, 90


def cell(path: Path) -> Image.Image:
    """One glyph, centred in the square that all were drawn in, at the size of an atlas cell."""
    glyph = Image.open(path).convert("RGBA")
    square = Image.new("RGBA", (SIDE, SIDE))
    square.paste(glyph, ((SIDE - glyph.width) // 2, (SIDE - glyph.height) // 2))
    return square.resize((CELL, CELL), Image.Resampling.HAMMING)


def atlas(folder: Path, glyphs: list[str]) -> Image.Image:
    """All glyphs in rows of COLUMNS cells; a glyph that the style lacks leaves its cell transparent."""
    sheet = Image.new("RGBA", (COLUMNS * CELL, -(-len(glyphs) // COLUMNS) * CELL))
    for index, glyph in enumerate(glyphs):
        path = folder / f"{glyph}.webp"
        if path.exists():
            sheet.paste(cell(path), (index % COLUMNS * CELL, index // COLUMNS * CELL))
    return sheet


def main(source: Path) -> None:
    splits = json.loads((source / "splits.json").read_text())
    kept = {"test": splits["test"], "train": [splits["train_unpaired"]["A"], splits["train_unpaired"]["B"]]}
    (DATA / "splits.json").write_text(json.dumps(kept, indent=0) + "\n")
    glyphs = sorted([*kept["test"], *kept["train"][0], *kept["train"][1]])
    for style in splits["styles"]:
        atlas(source / style, glyphs).save(DATA / f"{style}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
