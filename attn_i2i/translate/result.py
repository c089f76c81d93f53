"""What a translation hands back: the picture, its masks, and pictures of those."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import mul
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from ..arguments import typed
from ..images.draw import Tile, colorize, contact_sheet, heat_over
from ..images.picture import Picture
from ..images.save import write_picture
from ..images.write import output_name, shown, to_pil
from ..types import ConfigError

SHEET_WIDTH = 1600  # pixels: a choice, most screens show it whole


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """One translated picture, on the device its source came from. Everything is float32; absent parts are None.

    ``image`` and ``source`` are (C, H, W), with C = 3 for colours and 1 for grey. ``alpha`` (1, H, W) is the source's
    transparency. All three are in [0, 1], except where a source has values outside its range. ``foreground`` is (K, H,
    W), one mask for each of the ``contents`` (K, C, H, W). ``background`` (1, H, W) is what the foreground leaves over.
    ``mask`` (1, H, W) is the sum of the foreground, made 0 or 1 by ``threshold``. ``heatmap`` (1, H, W) is scaled to
    [0, 1] for each picture, ``raw_heatmap`` (1, h, w) is the network's own. ``limit`` (1, H, W) is the mask that the
    caller gave. ``origin`` is the picture that was translated. For pictures that store more than 8 bits ``kept`` (1, H,
    W) says where the stored numbers stay as they are. ``style`` (style_dim,) is that of a multimodal network's
    translation: given to another call it gives the same picture.
    """

    image: Tensor
    source: Tensor
    foreground: Tensor | None = None
    background: Tensor | None = None
    mask: Tensor | None = None
    contents: Tensor | None = None
    heatmap: Tensor | None = None
    raw_heatmap: Tensor | None = None
    limit: Tensor | None = None
    alpha: Tensor | None = None
    name: str = "image"
    icc: bytes | None = None
    origin: Picture | None = None
    kept: Tensor | None = None
    style: Tensor | None = None

    def __repr__(self) -> str:
        height, width = self.image.shape[-2:]
        masks = "" if self.foreground is None else f", masks={len(self.foreground)}"
        heatmap = "" if self.heatmap is None else ", heatmap"
        return f"Result({self.name!r}, {width}x{height}{masks}{heatmap})"

    def pil(self) -> Image.Image:
        """The translated picture as its range shows it, in 8 bits: grey or RGB, with its source's transparency."""
        return to_pil(shown(self.image), self.alpha)

    def picture(self) -> Picture:
        """The translated picture with the depth, range, profile and metadata of its source."""
        origin = self.origin or Picture(self.source, self.alpha, self.name, icc=self.icc)
        if origin.stored is None or len(self.image) != origin.channels:
            return replace(origin, values=self.image, stored=None)
        stored, shared = origin.stored, self.kept
        numbers = stored.range.numbers(self.image, stored.numbers.dtype)
        if shared is not None:
            np.copyto(numbers, stored.numbers, where=shared.cpu().numpy())
        return replace(origin, values=self.image, stored=stored._replace(numbers=numbers))

    @typed
    def save(self, path: str | Path, *, force: bool = False, metadata: bool = True) -> Path:
        """Write the translated picture and return its path; into a folder it goes by its source's name.

        It has the depth, channels and (unless ``metadata`` is off) the EXIF, texts and resolution of its source.
        """
        path = Path(path)
        path = path / output_name(self.name, transparency=self.alpha is not None) if path.is_dir() else path
        return write_picture(self.picture(), path, force=force, metadata=metadata)

    def mask_image(self) -> Image.Image:
        """The foreground mask as 8-bit greyscale, white where the network changes the picture."""
        if self.mask is None:
            raise ConfigError(f"{self.name}: this network gives no attention mask: choose a model with attention.")
        return to_pil(self.mask)

    def heatmap_image(self) -> Image.Image:
        """The heatmap over the source, in colour."""
        if self.heatmap is None:
            raise ConfigError(f"{self.name}: this network gives no heatmap: choose a model with one, such as U-GAT-IT.")
        return to_pil(heat_over(shown(self.source), self.heatmap), self.alpha)

    def overlay(self) -> Image.Image:
        """The mask as heat over the source, or the heatmap of a network without masks."""
        if self.mask is None:
            return self.heatmap_image()
        return to_pil(heat_over(shown(self.source), self.mask), self.alpha)

    def cutout(self) -> Image.Image:
        """The translated foreground alone: RGBA, with the mask (times the caller's) as its transparency."""
        if self.mask is None and self.limit is None:
            raise ConfigError(f"{self.name}: this network gives no attention mask to cut along: give a mask yourself.")
        areas = [area for area in (self.mask, self.limit, self.alpha) if area is not None]
        return to_pil(shown(self.image), reduce(mul, areas))

    def tiles(self) -> list[Tile]:
        """Labelled pictures that tell the story in one row: input, masks as far as there are any, output."""
        row = [("input", to_pil(shown(self.source), self.alpha))]
        if self.mask is not None:
            row += [("mask", self.mask_image()), ("overlay", self.overlay())]
        if self.heatmap is not None:
            row.append(("heatmap", self.heatmap_image()))
        return [*row, ("output", self.pil())]

    def grid(self) -> Image.Image:
        """A contact sheet of all there is: input, output, every mask, and under it the content it lets through."""
        rows = [self.tiles()]
        if self.foreground is not None and self.background is not None:
            rows.append([(f"mask {k}", to_pil(colorize(m[None]))) for k, m in enumerate(self.foreground, 1)])
            rows[-1].append(("background mask", to_pil(colorize(self.background))))
        if self.contents is not None:
            rows.append([(f"content {k}", to_pil(shown(content))) for k, content in enumerate(self.contents, 1)])
            rows[-1].append(("input", to_pil(shown(self.source))))
        columns = max(len(row) for row in rows)
        return contact_sheet(rows, min(max(*self.image.shape[-2:], 128), 256, SHEET_WIDTH // columns))
