"""Evaluation on folders whose true translations and masks are known, such as ``attn-i2i task emoji`` makes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from ..arguments import typed
from ..images.folder import list_folder
from ..images.foreign import none_read
from ..images.mask import read_mask
from ..images.ranges import Range
from ..images.read import read_image
from ..types import ConfigError, ShapeError, UnreadableFileError
from .measures.average_precision import average_precision
from .measures.background import background_psnr
from .measures.iou import best_threshold, iou
from .measures.l1 import masked_l1
from .measures.ssim import ssim

if TYPE_CHECKING:
    from ..translate.translator import Translator

Translate: TypeAlias = "Callable[[Tensor], tuple[Tensor, Tensor | None]]"
"""(B, 3, H, W) in [0, 1] to the translation, same shape and range, and the foreground mask (B, 1, H, W) or None."""


class Pairs(NamedTuple):
    """Folders of pictures that belong together by name; ``train`` has no truth, only masks."""

    source: Path
    truth: Path
    source_masks: Path
    truth_masks: Path
    train: Path
    train_masks: Path


@typed
def find_pairs(folder: str | Path, source: str = "A", target: str = "B") -> Pairs:
    """The folders testA, testB, trainA and masks/...; for domains called flat and clay test/flat, test/clay and so on.

    Raises UnreadableFileError that names the first folder missing.
    """
    root = Path(folder)
    middle = "" if (root / f"test{source}").is_dir() else "/"
    test, truth, train = f"test{middle}{source}", f"test{middle}{target}", f"train{middle}{source}"
    masks = root / "masks"
    pairs = Pairs(root / test, root / truth, masks / test, masks / truth, root / train, masks / train)
    for path in pairs[:4]:
        if not path.is_dir():
            raise UnreadableFileError(f"{path} is no folder: give one with paired test pictures and masks.")
    return pairs


def translating(translator: Translator, **options: Any) -> Translate:
    """A Translator with its call's ``options`` as a function of tensors.

    Raises ConfigError for a model that sees stored numbers in a range of its own: tensors are in that of their type.
    """
    if isinstance(translator.range, Range):
        low, high = translator.range
        raise ConfigError(
            f"This model sees stored numbers from {low:g} to {high:g}, and this table reads all that their type can"
            " hold: measure it by evaluate (attn-i2i evaluate MODEL --data DIR)."
        )

    def translate(images: Tensor) -> tuple[Tensor, Tensor | None]:
        results = translator(images, **options)
        masks = [result.mask for result in results if result.mask is not None]
        stacked = torch.stack(masks).cpu() if len(masks) == len(results) else None
        return torch.stack([result.image for result in results]).cpu(), stacked

    return translate


@torch.no_grad()
@typed
def evaluate_pairs(
    translate: Translate,
    folder: str | Path,
    *,
    source: str = "A",
    target: str = "B",
    threshold: float | None = None,
    batch_size: int = 16,
    train_images: int = 200,
) -> dict[str, float | None]:
    """Measure a translation against the truth; means over the test images, None where there is no mask to measure.

    The background is where neither drawing's alpha is above 0. The foreground is weighted by the larger alpha of the
    two, so what the truth removes counts too. ``background_psnr`` is in dB. ``foreground_l1`` and ``foreground_ssim``
    compare with the truth; ``input_l1`` and ``input_ssim`` are those of the untranslated input. ``foreground_ratio`` is
    foreground_l1 / input_l1. ``mask_ap`` and ``mask_iou`` compare with the source's alpha > 0.5, the latter at
    ``mask_threshold``. ``glyph_share`` is the average precision of a constant mask. ``mask_mean`` and ``images`` are
    the other keys. Without a ``threshold`` it is chosen on ``train_images`` training pictures. Raises
    UnreadableFileError, ShapeError.
    """
    pairs = find_pairs(folder, source, target)
    rows: dict[str, list[Tensor]] = {}
    for names in _batches(pairs.source, batch_size):
        images, truth = (_images(where, names) for where in (pairs.source, pairs.truth))
        alpha, truth_alpha = (_masks(where, names, images) for where in (pairs.source_masks, pairs.truth_masks))
        output, mask = translate(images)
        both = torch.maximum(alpha, truth_alpha)
        measured = _measure(images, truth, output, both)
        if mask is not None:
            if threshold is None:
                threshold = _training_threshold(translate, pairs, batch_size, train_images)
            real = alpha > 0.5
            measured |= {"mask_ap": average_precision(mask, real), "mask_iou": iou(mask, real, threshold)}
            measured |= {"mask_mean": mask.double().mean((1, 2, 3)), "glyph_share": real.double().mean((1, 2, 3))}
        for key, values in measured.items():
            rows.setdefault(key, []).append(values)
    return _table(rows, threshold)


def table_text(table: dict[str, float | None]) -> str:
    """The table as aligned lines, ``-`` for what could not be measured."""
    width = max(map(len, table))
    return "\n".join(f"{key:{width}}  {_shown(key, value)}" for key, value in table.items())


def _shown(key: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if key == "images" else f"{value:.2f} dB" if key.endswith("psnr") else f"{value:.4f}"


def _measure(images: Tensor, truth: Tensor, output: Tensor, both: Tensor) -> dict[str, Tensor]:
    return {
        "background_psnr": background_psnr(output, images, both),
        "foreground_l1": masked_l1(output, truth, both),
        "input_l1": masked_l1(images, truth, both),
        "foreground_ssim": ssim(output, truth, both),
        "input_ssim": ssim(images, truth, both),
    }


def _table(rows: dict[str, list[Tensor]], threshold: float | None) -> dict[str, float | None]:
    means = {key: _mean(torch.cat(values)) for key, values in rows.items()}
    table: dict[str, float | None] = {"images": float(sum(map(len, rows["foreground_l1"])))}
    for key in ("background_psnr", "foreground_l1", "input_l1"):
        table[key] = means[key]
    reached, floor = means["foreground_l1"], means["input_l1"]
    table["foreground_ratio"] = reached / floor if reached is not None and floor else None
    for key in ("foreground_ssim", "input_ssim", "mask_ap", "mask_iou", "mask_mean", "glyph_share"):
        table[key] = means.get(key)
    table["mask_threshold"] = threshold if "mask_iou" in means else None
    return table


def _mean(values: Tensor) -> float | None:
    """The mean of what could be measured; None where that is nothing, as for masks without a background."""
    mean = float(values.nanmean())
    return mean if math.isfinite(mean) else None


def _training_threshold(translate: Translate, pairs: Pairs, batch_size: int, limit: int) -> float:
    """The threshold that serves training pictures best, so that none is fitted to the test."""
    scores, truths = [], []
    for names in _batches(pairs.train, batch_size, limit):
        images = _images(pairs.train, names)
        mask = translate(images)[1]
        if mask is None:
            raise ConfigError("The translation gave a mask for test pictures and none for training pictures.")
        scores.append(mask)
        truths.append(_masks(pairs.train_masks, names, images) > 0.5)
    _check_sizes(pairs.train, scores)
    return best_threshold(torch.cat(scores), torch.cat(truths))[0]


def _batches(folder: Path, batch_size: int, limit: int | None = None) -> Iterator[list[str]]:
    """Names of the pictures in a folder in order; a ``limit`` takes them evenly spread."""
    if not folder.is_dir():
        raise UnreadableFileError(f"{folder} is no folder: give one with pictures, or a threshold.")
    listed = list_folder(folder)
    names = [path.name for path in listed.pictures]
    if not names:
        raise UnreadableFileError(f"{folder} holds no pictures{none_read(listed.foreign)}.")
    if limit is not None and limit < len(names):
        names = [names[index * len(names) // limit] for index in range(limit)]
    for start in range(0, len(names), batch_size):
        yield names[start : start + batch_size]


def _images(folder: Path, names: list[str]) -> Tensor:
    pictures = [read_image(folder / name).rgb for name in names]
    _check_sizes(folder, pictures)
    return torch.stack(pictures)


def _check_sizes(folder: Path, pictures: list[Tensor]) -> None:
    if len({picture.shape[-2:] for picture in pictures}) > 1:
        raise ShapeError(f"Pictures of several sizes in {folder}: give a folder for each size.")


def _masks(folder: Path, names: list[str], images: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    return torch.stack([read_mask(folder / name, (height, width)) for name in names])
