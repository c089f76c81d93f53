"""What a folder of data holds: inputs, pictures of the target domain, truth, masks, in any of the usual layouts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from torch import Tensor

from ..arguments import typed
from ..images import SUFFIXES, Picture, read_image
from ..images.decode import BYTES
from ..images.folder import LITTER
from ..images.foreign import none_read
from ..images.ranges import Range
from ..registry import suggestion
from ..types import ConfigError, UnreadableFileError
from .data_checks import MASKS, check_sizes, unused_masks
from .data_checks import Pictures as Pictures
from .data_checks import picture_size as picture_size

# Where a side such as A may lie, the most telling place first.
PLACES = ("test{}", "test/{}", "val{}", "val/{}", "{}", "train{}", "train/{}")


@dataclass(frozen=True)
class Data:
    """The pictures to translate and all that belongs to them, by stem; None for what is not there.

    ``range`` says which stored values measures see as 0 and 1, "dtype" for all that each type can hold; None for the
    same, where a type has a usual range. ``notes`` say once what was assumed, and what was left out.
    """

    root: Path
    inputs: Pictures
    target: Pictures | None = None
    truth: Pictures | None = None
    masks: Pictures | None = None
    truth_masks: Pictures | None = None
    target_name: str = ""
    notes: tuple[str, ...] = field(default=())
    range: Range | str | None = None

    def rgb(self, path: Path) -> Tensor:
        """A picture as measures see it: (3, H, W) in [0, 1]."""
        return self.picture(path).rgb

    def picture(self, path: Path) -> Picture:
        """A picture in the range of all.

        One of 8 bits beside a range beyond them was made by a program that reduced that range to 8 bits.
        """
        picture = read_image(path, range=self.range)
        if picture.dtype == np.uint8 and isinstance(self.range, Range) and max(self.range) > BYTES.high:
            picture = read_image(path)
        return picture


@typed
def find_data(
    data: str | Path,
    *,
    source: str | Path | None = None,
    target: str | Path | None = None,
    masks: str | Path | None = None,
    pairs: bool | None = None,
    limit: int | None = None,
) -> Data:
    """What ``data`` holds: testA and testB, test/A and test/B, A and B, or pictures alone, and masks/ beside them.

    ``source`` and ``target`` are names of sides (A and B unless given) or folders. ``masks`` is a folder of masks by
    stem. ``pairs`` says whether pictures of one stem in both sides are input and truth; by default they are where
    every input has one. ``limit`` takes that many inputs, evenly spread. Raises UnreadableFileError, ConfigError.
    """
    root = Path(data)
    notes: list[str] = []
    inputs_folder, every = _inputs(root, source, notes)
    target_folder = _target_folder(root, target, plain=inputs_folder == root)
    others = None if target_folder is None else _listed(target_folder, notes)
    inputs = _spread(every, limit)
    truth = _paired(inputs, others, pairs, notes)
    own = _masks_folder(root, inputs_folder, masks)
    input_masks = _masks(inputs, own, masks is not None, notes)
    there = None if target_folder is None or truth is None else _masks_folder(root, target_folder, None)
    truth_masks = None if truth is None or input_masks is None else _masks(truth, there, False, notes)
    notes += unused_masks(root, every, own, input_masks is not None)
    check_sizes(inputs, {"truth": truth, "mask": input_masks}, truth_masks)
    name = "" if target_folder is None else target_folder.name
    return Data(root, inputs, others, truth, input_masks, truth_masks, name, tuple(notes))


def find_inputs(data: str | Path, *, source: str | Path | None = None, limit: int | None = None) -> Data:
    """The inputs of ``data`` alone, as ``find_data`` finds them, and what is to be said of them."""
    notes: list[str] = []
    inputs = _spread(_inputs(Path(data), source, notes)[1], limit)
    return Data(Path(data), inputs, notes=tuple(notes))


def pictures_in(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Pictures of a folder by stem, and the names of other files; hidden files and folders count for neither.

    Raises ConfigError where two pictures have one stem.
    """
    pictures: dict[str, Path] = {}
    others = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix.lower() not in SUFFIXES:
            others += [path.name] if path.name.lower() not in LITTER else []
        elif path.stem in pictures:
            both = f"{pictures[path.stem].name} and {path.name}"
            raise ConfigError(f"{both} of {folder} have one stem, by which pictures are matched: rename one.")
        else:
            pictures[path.stem] = path
    return pictures, others


def _inputs(root: Path, source: str | Path | None, notes: list[str]) -> tuple[Path, dict[str, Path]]:
    """The folder of the inputs, and all that it holds by stem."""
    if not root.is_dir():
        raise UnreadableFileError(f"{root} is no folder: give one that holds testA and testB, or pictures.")
    folder = _inputs_folder(root, source)
    inputs = _listed(folder, notes)
    if folder.name.lower().startswith("train") or folder.parent.name.lower() == "train":
        notes.append(f"{root} has no test pictures: {folder.name} is taken, which the models may have been trained on.")
    return folder, inputs


def _inputs_folder(root: Path, source: str | Path | None) -> Path:
    if source is not None and Path(source).is_dir():
        return Path(source)
    if (folder := _side(root, str(source or "A"))) is not None:
        return folder
    if source is None and pictures_in(root)[0]:
        return root
    holds = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    hint = suggestion(f"test{source}", holds) if source is not None else ""
    raise UnreadableFileError(
        f"{root} holds no pictures, and no folder test{source or 'A'} or test/{source or 'A'} (its folders:"
        f" {', '.join(holds) or 'none'}): give another folder, or the side of the inputs with source=SIDE.{hint}"
    )


def _target_folder(root: Path, target: str | Path | None, *, plain: bool) -> Path | None:
    if target is not None and Path(target).is_dir():
        return Path(target)
    folder = None if plain and target is None else _side(root, str(target or "B"))
    if folder is None and target is not None:
        raise UnreadableFileError(
            f"{target} is no folder, and {root} holds no test{target} and no test/{target}:"
            " name a side or a folder that is there."
        )
    return folder


def _side(root: Path, name: str) -> Path | None:
    """The folder of a side, whatever its capitals."""
    return next((folder for place in PLACES if (folder := _insensitive(root, place.format(name))) is not None), None)


def _insensitive(root: Path, relative: str) -> Path | None:
    folder = root
    for part in relative.split("/"):
        entries = [path for path in folder.iterdir() if path.is_dir() and path.name.lower() == part.lower()]
        exact = [path for path in entries if path.name == part]
        if not entries:
            return None
        folder = (exact or sorted(entries))[0]
    return folder


def _listed(folder: Path, notes: list[str]) -> dict[str, Path]:
    pictures, others = pictures_in(folder)
    if not pictures:
        raise UnreadableFileError(f"{folder} holds no pictures{none_read(others)}.")
    if others:
        notes.append(f"{folder} holds {len(others)} other files, such as {others[0]}: they are left out.")
    below = [path for path in sorted(folder.iterdir()) if _holds_pictures(path) and path.name.lower() != MASKS]
    if below:
        notes.append(f"{folder} holds {len(below)} folders with pictures, such as {below[0].name}: they are left out.")
    if len(pictures) == 1:
        notes.append(f"{folder} holds a single picture: how sure the numbers are cannot be told.")
    return pictures


def _holds_pictures(path: Path) -> bool:
    """Whether this is a folder, not hidden, that holds a picture."""
    if path.name.startswith(".") or not path.is_dir():
        return False
    return any(inner.suffix.lower() in SUFFIXES and not inner.name.startswith(".") for inner in path.iterdir())


def _spread(inputs: dict[str, Path], limit: int | None) -> dict[str, Path]:
    if limit is not None and limit < 1:
        raise ConfigError(f"{limit} pictures were asked for: expected 1 or more.")
    if limit is None or limit >= len(inputs):
        return inputs
    stems = list(inputs)
    return {stems[i * len(stems) // limit]: inputs[stems[i * len(stems) // limit]] for i in range(limit)}


def _paired(inputs: Pictures, others: Pictures | None, pairs: bool | None, notes: list[str]) -> Pictures | None:
    if others is None or pairs is False:
        if pairs:
            raise ConfigError(
                "Pairs were asked for, but there is no folder of the target domain: name it (target=FOLDER)."
            )
        return None
    common = [stem for stem in inputs if stem in others]
    if len(common) == len(inputs):
        if pairs is None:
            notes.append("Every input has a picture of its name in the target domain, which is taken for its truth.")
        return {stem: others[stem] for stem in inputs}
    if pairs:
        missing = next(stem for stem in inputs if stem not in others)
        count = len(inputs) - len(common)
        raise ConfigError(
            f"{count} of {len(inputs)} inputs have no truth of their name, such as {inputs[missing]}: add it, or"
            " leave pairs=True out."
        )
    if common:
        notes.append(f"Only {len(common)} of {len(inputs)} inputs have a namesake in the target domain: no pairs.")
    return None


def _masks_folder(root: Path, folder: Path, masks: str | Path | None) -> Path | None:
    if masks is not None and not Path(masks).is_dir():
        raise UnreadableFileError(f"{masks} is no folder: give one with a mask by the name of each input.")
    base = _insensitive(root, MASKS) if masks is None else Path(masks)
    if base is None:
        return None
    relative = folder.relative_to(root) if folder.is_relative_to(root) else Path(folder.name)
    inner = base if relative == Path() else _insensitive(base, relative.as_posix())
    return inner or (base if masks is not None else None)


def _masks(pictures: Pictures, folder: Path | None, asked: bool, notes: list[str]) -> Pictures | None:
    if folder is None:
        return None
    masks, _ = pictures_in(folder)
    common = {stem: masks[stem] for stem in pictures if stem in masks}
    missing = [path for stem, path in pictures.items() if stem not in masks]
    if missing and (asked or not common):
        raise UnreadableFileError(
            f"{len(missing)} of {len(pictures)} pictures have no mask of their stem in {folder}, such as"
            f" {missing[0]}: add it, or name another folder (masks=FOLDER)."
        )
    if missing:
        notes.append(
            f"{len(missing)} of {len(pictures)} pictures have no mask in {folder}, such as {missing[0].name}:"
            " what needs masks is measured on the others."
        )
    return common


def batches(stems: list[str], keys: Mapping[str, object], size: int) -> Iterator[list[str]]:
    """Stems in order, ``size`` at most, that follow each other and share a key."""
    batch: list[str] = []
    for stem in stems:
        if batch and (len(batch) == size or keys[stem] != keys[batch[0]]):
            yield batch
            batch = []
        batch.append(stem)
    if batch:
        yield batch
