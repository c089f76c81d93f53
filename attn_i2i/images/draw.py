"""What attention looks like: a colour scale, overlays and labelled contact sheets."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps
from torch import Tensor

from ..types import ConfigError
from .write import shown

# Ten samples of "inferno" (van der Walt and Smith, CC0): perceptually even, readable without colour.
INFERNO = ("000004", "1b0c42", "4b0c6b", "781c6d", "a52c60", "cf4446", "ed6925", "fb9a06", "f7d03c", "fcffa4")
PAPER, INK, GAP, LABEL = (255, 255, 255), (40, 40, 40), 6, 18  # colours; pixels between tiles, and above them

Tile = tuple[str, Image.Image]
COLOUR_MAPS = ("inferno",)


class Display(NamedTuple):
    """How pictures of many channels are shown: some of them as grey or as red, green and blue, or all by a map."""

    channels: tuple[int, ...] = ()
    colours: str = ""


def parse_display(text: str | None) -> Display:
    """``0,1,2`` (red, green, blue), ``4`` (grey) or the name of a colour map; None is as `shown` has it.

    Raises ConfigError for what is none of these.
    """
    if text is None:
        return Display()
    if text in COLOUR_MAPS:
        return Display(colours=text)
    parts = [part.strip() for part in str(text).split(",")]
    if len(parts) in (1, 3) and all(part.isdecimal() for part in parts):
        return Display(tuple(int(part) for part in parts))
    raise ConfigError(
        f"display={text!r} was given: expected three channels counted from 0 (0,1,2), one (4), or a colour map"
        f" ({', '.join(COLOUR_MAPS)})."
    )


def displayed(values: Tensor, display: Display = Display()) -> Tensor:  # noqa: B008  # a constant
    """(C, H, W) in [0, 1] as 1 or 3 channels to look at; a colour map shows the mean of all channels.

    Raises ConfigError for a channel that there is not.
    """
    if display.colours:
        return colorize(values.mean(0, keepdim=True))
    if not display.channels:
        return shown(values)
    if max(display.channels) >= len(values):
        told = ",".join(map(str, display.channels))
        raise ConfigError(f"display={told} was given, and pictures have channels={len(values)}, counted from 0.")
    return values[list(display.channels)]


def colorize(values: Tensor) -> Tensor:
    """Colours (3, H, W) in [0, 1] for a (1, H, W) map in [0, 1]: dark is low, bright yellow is high."""
    table = torch.tensor([list(bytes.fromhex(colour)) for colour in INFERNO]).to(values) / 255
    position = values[0].clamp(0, 1) * (len(table) - 1)
    lower = position.floor().long().clamp(max=len(table) - 2)
    return torch.lerp(table[lower], table[lower + 1], (position - lower)[..., None]).permute(2, 0, 1)


def heat_over(source: Tensor, values: Tensor) -> Tensor:
    """A (1, H, W) map in [0, 1] as heat over a (3, H, W) or grey picture, greyed so that colour means heat only."""
    source = source.clamp(0, 1).expand(3, -1, -1)
    grey = (source * source.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0, keepdim=True)
    return torch.lerp(grey.expand_as(source), colorize(values), 0.3 + 0.35 * values.clamp(0, 1))


def contact_sheet(rows: Sequence[Sequence[Tile]], tile: int) -> Image.Image:
    """Labelled pictures in rows and columns, each fitted into ``tile`` x ``tile`` pixels."""
    columns = max(len(row) for row in rows)
    size = columns * (tile + GAP) + GAP, len(rows) * (tile + LABEL + GAP) + GAP
    sheet = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for y, row in enumerate(rows):
        for x, (label, picture) in enumerate(row):
            left, top = GAP + x * (tile + GAP), GAP + y * (tile + LABEL + GAP)
            draw.text((left, top), _shortened(label, font, tile), INK, font)
            fitted = ImageOps.contain(picture, (tile, tile))
            where = left + (tile - fitted.width) // 2, top + LABEL + (tile - fitted.height) // 2
            sheet.paste(fitted.convert("RGB"), where, fitted if fitted.mode == "RGBA" else None)
    return sheet


def _shortened(label: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """The label in letters that the font has, its middle left out where it is wider than ``width`` pixels."""
    label = _in_letters(label)
    keep = len(label)
    short = label
    while font.getlength(short) > width and keep > 2:
        keep -= 1
        short = f"{label[: (keep + 1) // 2]}…{label[len(label) - keep // 2 :]}"
    return short


def _in_letters(label: str) -> str:
    """``label`` in ASCII, all that Pillow's font has of letters: accents are left out, other letters are escaped."""
    plain = (unicodedata.normalize("NFKD", letter) for letter in label)
    bare = "".join("".join(c for c in letter if not unicodedata.combining(c)) for letter in plain)
    return "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in bare)
