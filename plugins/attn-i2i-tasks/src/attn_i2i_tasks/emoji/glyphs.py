"""The emoji that ship with this distribution, and which of them are for training."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Literal, TypedDict, get_args

from PIL import Image

GlyphStyle = Literal["flat", "clay", "noto", "twemoji"]
STYLES: tuple[GlyphStyle, ...] = get_args(GlyphStyle)
CELL, COLUMNS = 64, 39  # of an atlas, as pack_emoji.py writes it
DATA = files("attn_i2i_tasks") / "data" / "emoji"


class Splits(TypedDict):
    """``test`` glyphs are for evaluation only; the two ``train`` sets share no glyph."""

    test: list[str]
    train: list[list[str]]


@cache
def splits() -> Splits:
    """Codepoints of the test glyphs and of the two training sets."""
    table: Splits = json.loads((DATA / "splits.json").read_text())
    return table


@cache
def atlas(style: GlyphStyle) -> dict[str, Image.Image]:
    """Every drawing of a style by its codepoint: 64-pixel RGBA. Flags that a style lacks are absent."""
    with (DATA / f"{style}.webp").open("rb") as stream:
        sheet = Image.open(stream).convert("RGBA")
    names = sorted([*splits()["test"], *splits()["train"][0], *splits()["train"][1]])
    glyphs = {}
    for index, name in enumerate(names):
        left, top = index % COLUMNS * CELL, index // COLUMNS * CELL
        glyph = sheet.crop((left, top, left + CELL, top + CELL))
        if glyph.getchannel("A").getbbox():
            glyphs[name] = glyph
    return glyphs


def test_glyphs(styles: tuple[GlyphStyle, ...]) -> list[str]:
    """The test glyphs that every one of the styles draws."""
    return [name for name in splits()["test"] if all(name in atlas(style) for style in styles)]


def train_glyphs(styles: tuple[GlyphStyle, ...], index: int) -> list[str]:
    """The training glyphs of the style at ``index``: no two styles share one, so no pair can be learnt from.

    Two styles get the published sets A and B; more styles share the two sets out between them.
    """
    sharers = len(styles[index % 2 :: 2])
    mine = splits()["train"][index % 2][index // 2 :: sharers]
    return [name for name in mine if name in atlas(styles[index])]
