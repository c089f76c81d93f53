"""The demo: the pictures and models that ship with the package, translated, with masks and heatmaps, on one sheet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image
from torch import Tensor

from ..files import TargetExistsError, atomic_dir, atomic_path
from ..images.draw import Tile, contact_sheet
from ..images.read import read_image
from ..images.write import to_pil
from ..models.cards import list_models
from ..models.config import CONFIG
from ..models.places import shipped_models
from ..types import ModelError
from .jobs import SHEET
from .loading import load

if TYPE_CHECKING:
    from .result import Result

SAMPLES = "samples"
TILE = 128  # pixels, of the photographs' models; glyphs are shown twice as large as they are
SHOP, FRUIT = "attentiongan2-apple2orange-shop", "attentiongan2-apple2orange-fruit"
# The models of photographs, and the pictures each of their directions translates.
PHOTOGRAPHS = {
    SHOP: {"A2B": ("apples", "to oranges"), "B2A": ("oranges", "to apples")},
    FRUIT: {"A2B": ("apple", "to an orange"), "B2A": ("orange", "to an apple")},
}
NUCLEI = "attentiongan2-nuclei"
PLATES = "nuclei"  # the folder of its pictures, of 16 bits and one channel
EMOJI = "attentiongan2-flat2clay"
# Three glyphs are enough for a sheet that fits on a screen.
GLYPHS = ("heart", "tomato", "wolf")


def demo_models() -> list[str]:
    """Names of the models whose weights ship with the package and that the demo shows, the default one first."""
    emoji = sorted(list_models("*-flat2clay"), key=lambda name: (name != EMOJI, name))
    return [name for name in (*PHOTOGRAPHS, NUCLEI, *emoji) if (shipped_models() / name / CONFIG).is_file()]


class Sample(NamedTuple):
    """A picture that ships, and what translates such pictures."""

    path: Path
    model: str
    direction: str


def samples() -> list[Sample]:
    """The pictures that ship and that every program shows, photographs first."""
    models = {
        subject: (model, direction) for model, ways in PHOTOGRAPHS.items() for direction, (subject, _) in ways.items()
    }
    paths = sorted((shipped_models() / SAMPLES).glob("*.png"))
    rows = [Sample(path, *models.get(path.stem.partition("-")[0], (EMOJI, "A2B"))) for path in paths]
    return sorted(rows, key=lambda sample: [*PHOTOGRAPHS, EMOJI].index(sample.model))


def demo(out: Path, *, force: bool = False, advance: Callable[[], None] = lambda: None) -> Path:
    """Translate the shipped pictures with the shipped models into the folder ``out``; returns the contact sheet.

    A folder a model holds its pictures, masks and heatmaps; photographs come first, then microscopy. ``advance`` is
    called after each picture. Raises ModelError where no model ships, TargetExistsError where ``out`` exists and
    ``force`` is off, or is not an earlier demo.
    """
    models, pictures = demo_models(), samples()
    if not {*PHOTOGRAPHS, NUCLEI} <= set(models) or not pictures:
        raise ModelError("This installation ships no model for the demo: install attn-i2i from its wheel or checkout.")
    _check_target(out, force, {SHEET, *models})
    with atomic_dir(out, force=force) as work:
        rows = [row for model in PHOTOGRAPHS for row in _photographs(model, pictures, work, advance)]
        rows += _nuclei(work, advance)
        rows += _glyphs([name for name in models if name not in (*PHOTOGRAPHS, NUCLEI)], pictures, work, advance)
        with atomic_path(work / SHEET) as temporary:
            contact_sheet(rows, TILE).save(temporary, "PNG")
    return out / SHEET


def _photographs(model: str, pictures: list[Sample], work: Path, advance: Callable[[], None]) -> list[list[Tile]]:
    """Both directions side by side: picture, mask, translation."""
    (work / model).mkdir()
    sides: list[list[list[Tile]]] = []
    for direction, (subject, label) in PHOTOGRAPHS[model].items():
        translator = load(model, direction=direction)
        side = []
        for path in [sample.path for sample in pictures if (sample.model, sample.direction) == (model, direction)]:
            output, *beside = _translated(translator(path), work / model / path.name, label)
            side.append([(subject, _enlarged(to_pil(read_image(path).rgb))), *beside, output])
            advance()
        sides.append(side)
    return [left + right for left, right in zip(*sides, strict=True)]


def _nuclei(work: Path, advance: Callable[[], None]) -> list[list[Tile]]:
    """Dim nuclei to clear ones, two pictures side by side: what the files hold of 16 bits, as eyes see it."""
    (work / NUCLEI).mkdir()
    translator = load(NUCLEI, direction="A2B")
    cells: list[list[Tile]] = []
    for path in sorted((shipped_models() / SAMPLES / PLATES).glob("*.tif")):
        result = translator(path)
        _, *beside = _translated(result, work / NUCLEI / path.name, "")
        cells.append([("dim nuclei", _visible(result.source)), *beside, ("restored", _visible(result.image))])
        advance()
    return [left + right for left, right in zip(cells[::2], cells[1::2], strict=True)]


def _visible(values: Tensor) -> Image.Image:
    """Microscopy in [0, 1] by a gamma of 2, because what matters there is dark."""
    return _enlarged(to_pil(values.sqrt()).convert("RGB"))


def _glyphs(models: list[str], pictures: list[Sample], work: Path, advance: Callable[[], None]) -> list[list[Tile]]:
    """Flat emoji to clay ones, by every model."""
    paths = [sample.path for sample in pictures if sample.path.stem in GLYPHS]
    rows: list[list[Tile]] = [[("flat emoji", _enlarged(to_pil(read_image(path).rgb)))] for path in paths]
    for name in models:
        translator = load(name)
        (work / name).mkdir()
        for row, path in zip(rows, paths, strict=True):
            row += _translated(translator(path), work / name / path.name, f"clay: {name.split('-')[0]}")
            advance()
    return rows


def _check_target(out: Path, force: bool, written: set[str]) -> None:
    """Never replace a folder that holds anything but a demo."""
    names = {entry.name for entry in out.iterdir()} if force and out.is_dir() else set()
    if names and not (SHEET in names and names <= written):
        raise TargetExistsError(f"{out} is not an earlier demo, which force=True would replace: choose another folder.")


def _translated(result: Result, target: Path, model: str) -> list[Tile]:
    """Save a translation and its mask or heatmap, where it has one; return all as tiles."""
    result.save(target)
    tiles = [(model, _enlarged(result.pil().convert("RGB")))]
    if result.mask is not None:
        tiles.append(_beside(target, "mask", result.mask_image()))
    elif result.heatmap is not None:
        tiles.append(_beside(target, "heatmap", result.heatmap_image()))
    return tiles


def _beside(target: Path, what: str, picture: Image.Image) -> Tile:
    """Save what belongs to the translation ``target``; return it as a tile."""
    picture.save(target.with_suffix(f".{what}.png"))
    return f"its {what}", _enlarged(picture.convert("RGB"))


def _enlarged(picture: Image.Image) -> Image.Image:
    return picture.resize((TILE, TILE), Image.Resampling.LANCZOS)
