"""One drawing over one background, from one key: the same key gives the same pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, get_args

import numpy as np
from attn_i2i.types import ConfigError
from numpy.typing import NDArray
from PIL import Image

from .backgrounds import Kind, background
from .glyphs import STYLES, GlyphStyle, atlas, test_glyphs, train_glyphs

SCALES = (0.70, 0.95)  # of the frame


class EmojiPicture(NamedTuple):
    """``image`` (size, size, 3) and ``alpha`` (size, size), both uint8; where alpha is 0 the image is background."""

    image: NDArray[np.uint8]
    alpha: NDArray[np.uint8]


@dataclass(frozen=True)
class Emoji:
    """The task: glyphs in ``styles`` over random backgrounds, ``size`` pixels square.

    The 64-pixel square of a glyph is scaled to 0.70 to 0.95 of the frame and placed anywhere inside it. It is not
    mirrored: light comes from one side in the clay style. A key decides placement and background alone, so two styles
    drawn with one key differ in the drawing only. Raises ConfigError for an option outside its range.
    """

    styles: tuple[GlyphStyle, ...] = ("flat", "clay")
    size: int = 64
    seed: int = 0
    backgrounds: Kind = "calm"

    def __post_init__(self) -> None:
        unknown = [style for style in self.styles if style not in STYLES]
        if unknown or len(self.styles) < 2 or len(set(self.styles)) < len(self.styles):
            names = ", ".join(STYLES)
            raise ConfigError(f"styles={list(self.styles)}: give two or more different ones of {names}.")
        if not 16 <= self.size <= 1024:
            raise ConfigError(f"size={self.size}: give 16 to 1024 pixels.")
        if self.seed < 0:
            raise ConfigError(f"seed={self.seed}: give 0 or more.")
        if self.backgrounds not in get_args(Kind):
            raise ConfigError(f"backgrounds={self.backgrounds!r}: give one of {', '.join(get_args(Kind))}.")

    def test(self) -> list[str]:
        """Codepoints of the glyphs for evaluation."""
        return test_glyphs(self.styles)

    def train(self, style: GlyphStyle) -> list[str]:
        """Codepoints of the training glyphs of one style; no two styles share one."""
        return train_glyphs(self.styles, self.styles.index(style))

    def draw(self, style: GlyphStyle, glyph: str, key: str) -> EmojiPicture:
        """The glyph in ``style``, placed over the background that ``key`` decides."""
        rng = np.random.default_rng(list(sha256(f"{self.seed}/{key}".encode()).digest()))
        side = max(1, round(self.size * rng.uniform(*SCALES)))
        left, top = (int(offset) for offset in rng.integers(0, self.size - side + 1, 2))
        layer = Image.new("RGBA", (self.size, self.size))
        layer.paste(atlas(style)[glyph].resize((side, side), Image.Resampling.HAMMING), (left, top))
        pixels = np.asarray(layer)
        behind = np.rint(background(rng, self.size, self.backgrounds) * 255)
        share = pixels[..., 3:].astype(np.float32) / 255
        mixed = np.rint(behind + (pixels[..., :3] - behind) * share)
        return EmojiPicture(mixed.astype(np.uint8), pixels[..., 3].copy())

    def batches(self, count: int) -> Iterator[dict[GlyphStyle, NDArray[np.uint8]]]:
        """Endless unpaired training batches without any file: (count, size, size, 3) for each style."""
        rng = np.random.default_rng([self.seed, count])
        glyphs = {style: self.train(style) for style in self.styles}
        step = 0
        while True:
            yield {
                style: np.stack(
                    [
                        self.draw(style, str(rng.choice(glyphs[style])), f"{style}/{step}/{i}").image
                        for i in range(count)
                    ]
                )
                for style in self.styles
            }
            step += 1
