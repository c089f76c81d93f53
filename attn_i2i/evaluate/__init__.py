"""Measuring translations: backgrounds kept, glyphs reached, masks right, distributions met. Nothing here trains."""

from __future__ import annotations

from .background import EQUAL_DB, background_psnr, masked_l1, masked_mean
from .distances import extract, fid, kid, kid_ugatit_mean
from .masks import average_precision, best_threshold, iou
from .pairs import Pairs, Translate, evaluate_pairs, find_pairs, table_text, translating
from .similarity import ssim, ssim_map

__all__ = [
    "EQUAL_DB",
    "Pairs",
    "Translate",
    "average_precision",
    "background_psnr",
    "best_threshold",
    "evaluate_pairs",
    "extract",
    "fid",
    "find_pairs",
    "iou",
    "kid",
    "kid_ugatit_mean",
    "masked_l1",
    "masked_mean",
    "ssim",
    "ssim_map",
    "table_text",
    "translating",
]
