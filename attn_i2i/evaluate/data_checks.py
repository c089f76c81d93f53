"""What of a folder of data does not fit together, told before anything is translated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image

from ..images import SUFFIXES, read_image
from ..types import ShapeError

Pictures = Mapping[str, Path]
"""Pictures by stem, in the order of their names."""

MASKS = "masks"


def picture_size(path: Path) -> tuple[int, int]:
    """Height and width as ``read_image`` would give them, from the file's head. Raises as ``read_image`` does."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(0x0112, 1) >= 5  # orientations that exchange the sides
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return read_image(path).size
    return (width, height) if turned else (height, width)


def check_sizes(inputs: Pictures, beside: Mapping[str, Pictures | None], truth_masks: Pictures | None) -> None:
    """Raise ShapeError where a truth or a mask has another size than its input, and name the first; count all."""
    kinds = {**beside, "mask of the truth": truth_masks}
    wanted = {stem: picture_size(path) for stem, path in inputs.items()}
    for kind, pictures in kinds.items():
        sizes = {stem: picture_size(path) for stem, path in (pictures or {}).items()}
        wrong = [stem for stem, size in sizes.items() if size != wanted[stem]]
        if not wrong:
            continue
        path, (height, width), (rows, columns) = (pictures or {})[wrong[0]], sizes[wrong[0]], wanted[wrong[0]]
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        advice = "or say that they are no pairs (pairs=False)" if kind == "truth" else "or name other masks (masks)"
        raise ShapeError(
            f"{path}, a {kind}, has {width}x{height} pixels, its input {inputs[wrong[0]]} has {columns}x{rows}{more}:"
            f" bring both to one size, {advice}."
        )


def unused_masks(root: Path, inputs: Pictures, folder: Path | None, used: bool) -> Iterator[str]:
    """Masks that lie there and belong to no picture."""
    if used and folder is not None:
        stems = [path for path in sorted(folder.iterdir()) if _is_picture(path) and path.stem not in inputs]
        if stems:
            yield f"{folder} holds {len(stems)} masks of no input, such as {stems[0].name}: they are left out."
    elif not used and (unused := [path for path in root.iterdir() if path.is_dir() and path.name.lower() == MASKS]):
        beside = next(iter(inputs.values())).parent.name
        yield f"{unused[0]} is there, but no folder {beside} in it: its masks are not used (masks names another)."


def _is_picture(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
