"""The paired evaluation, on translators whose figures are known beforehand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from attn_i2i.evaluate import EQUAL_DB, evaluate_pairs, find_pairs, table_text, translating
from attn_i2i.types import ShapeError, UnreadableFileError

from .helpers.squares import COUNT, GREY, SIZE, SOURCE, TRUTH, write_squares


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_squares(tmp_path, "A", "B")


def glyph(images: Tensor) -> Tensor:
    return (images[:, :1] > (GREY + 1) / 255).float()


def perfect(images: Tensor) -> tuple[Tensor, Tensor]:
    mask = glyph(images)
    return torch.where(mask > 0, TRUTH / 255, images), 0.3 * mask


def test_the_identity_keeps_the_background_and_gains_nothing(folder: Path) -> None:
    table = evaluate_pairs(lambda images: (images, None), folder, batch_size=2)
    assert table["images"] == COUNT
    assert table["background_psnr"] == pytest.approx(EQUAL_DB)
    assert table["foreground_l1"] == table["input_l1"] == pytest.approx((TRUTH - SOURCE) / 255)
    assert table["foreground_ratio"] == 1
    assert table["foreground_ssim"] == table["input_ssim"]
    assert table["mask_ap"] is table["mask_iou"] is table["mask_threshold"] is None


def test_a_perfect_translation_gets_perfect_figures(folder: Path) -> None:
    table = evaluate_pairs(perfect, folder)
    assert table["foreground_ratio"] == pytest.approx(0, abs=1e-6)
    assert table["foreground_ssim"] == pytest.approx(1)
    assert table["mask_ap"] == table["mask_iou"] == 1
    assert table["mask_threshold"] == pytest.approx(0.3)
    assert table["glyph_share"] == pytest.approx(64 / SIZE**2)
    assert table["mask_mean"] == pytest.approx(0.3 * 64 / SIZE**2)


def test_a_changed_background_is_measured_in_decibels_and_leaves_the_foreground_alone(folder: Path) -> None:
    def brighter(images: Tensor) -> tuple[Tensor, Tensor]:
        mask = glyph(images)
        return images + 0.1 * (1 - mask), torch.full_like(mask, 0.5)

    table = evaluate_pairs(brighter, folder, threshold=0.6)
    assert table["background_psnr"] == pytest.approx(20, abs=1e-4)
    assert table["foreground_ratio"] == pytest.approx(1)
    assert table["mask_ap"] == pytest.approx(table["glyph_share"])
    assert table["mask_iou"] == 0


def test_what_only_the_truth_covers_is_no_background(folder: Path) -> None:
    for index in range(COUNT):
        Image.new("L", (SIZE, SIZE), 255).save(folder / "masks/testB" / f"{index}.png")
    assert evaluate_pairs(lambda images: (images, None), folder)["background_psnr"] is None


def test_domains_with_names_are_found(tmp_path: Path) -> None:
    write_squares(tmp_path, "/flat", "/clay")
    table = evaluate_pairs(perfect, tmp_path, source="flat", target="clay")
    assert table["mask_iou"] == 1
    assert find_pairs(tmp_path, "flat", "clay").train == tmp_path / "train/flat"


def test_what_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(UnreadableFileError, match="testC"):
        evaluate_pairs(perfect, folder, target="C")
    (folder / "testB/3.png").unlink()
    with pytest.raises(UnreadableFileError, match=r"testB/3\.png"):
        evaluate_pairs(perfect, folder)


@pytest.mark.parametrize(("changed", "batch_size"), [("testA", 16), ("trainA", 16), ("trainA", 1)])
def test_pictures_of_several_sizes_are_named(folder: Path, changed: str, batch_size: int) -> None:
    for path in (folder / changed / "3.png", folder / "masks" / changed / "3.png"):
        Image.open(path).resize((2 * SIZE, SIZE)).save(path)
    with pytest.raises(ShapeError, match=f"several sizes in .*{changed}: give a folder for each size"):
        evaluate_pairs(perfect, folder, batch_size=batch_size)


def test_the_text_shows_every_figure_with_its_unit(folder: Path) -> None:
    lines = table_text(evaluate_pairs(lambda images: (images, None), folder)).splitlines()
    assert any(line.split() == ["images", str(COUNT)] for line in lines)
    assert any(line.split() == ["background_psnr", "100.00", "dB"] for line in lines)
    assert any(line.split() == ["mask_ap", "-"] for line in lines)


def test_a_translator_becomes_a_function_of_tensors() -> None:
    class Halves:
        """Results as a translator gives them."""

        def __init__(self, image: Tensor, mask: Tensor | None) -> None:
            self.image, self.mask = image, mask

    def translator(images: Tensor, *, direction: str) -> list[Halves]:
        return [Halves(image / 2, image[:1] if direction == "A2B" else None) for image in images]

    translator.range = None  # type: ignore[attr-defined]
    images = torch.rand(2, 3, 4, 4)
    image, mask = translating(translator, direction="A2B")(images)  # type: ignore[arg-type]
    assert torch.equal(image, images / 2)
    assert mask is not None
    assert torch.equal(mask, images[:, :1])
    assert translating(translator, direction="B2A")(images)[1] is None  # type: ignore[arg-type]
