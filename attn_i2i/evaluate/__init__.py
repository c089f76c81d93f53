"""Measuring translations: backgrounds kept, glyphs reached, masks right, distributions met. Nothing here trains."""

from __future__ import annotations

from ..interfaces import Measure
from .clips import measure_clip
from .comparison import Comparison
from .confidence import Difference, holm, mean_interval, paired_test
from .data import Data, find_data
from .evaluation import Evaluation, evaluate
from .features import Extractor, Perceptual, cached_features, find_extractor, perceptual
from .features.extract import extract
from .measures._check import masked_mean
from .measures.average_precision import average_precision
from .measures.background import background_changed, background_l1, background_psnr, background_ssim
from .measures.cost import generator_inputs, multiply_adds, parameters, peak_memory, seconds
from .measures.f1 import f1
from .measures.fid import fid
from .measures.iou import best_threshold, iou
from .measures.kid import kid, kid_ugatit_mean
from .measures.l1 import l1, masked_l1
from .measures.lpips import lpips
from .measures.mask_error import mask_error
from .measures.mask_shape import collapse_signs, mask_area, mask_entropy, mask_sharpness
from .measures.mmd import mmd
from .measures.ms_ssim import ms_ssim
from .measures.prdc import coverage, density, precision, recall
from .measures.psnr import EQUAL_DB, psnr
from .measures.ssim import ssim, ssim_map
from .measures.structure import structure_distance
from .measures.video import mask_flicker, warp, warping_error
from .measuring import Measured, Value
from .needs import NEEDS
from .pairs import Pairs, Translate, evaluate_pairs, find_pairs, table_text, translating
from .report import as_csv, as_json, as_latex, as_text, write_report
from .run import Row
from .validation import train_validated

__all__ = [
    "EQUAL_DB",
    "NEEDS",
    "Comparison",
    "Data",
    "Difference",
    "Evaluation",
    "Extractor",
    "Measure",
    "Measured",
    "Pairs",
    "Perceptual",
    "Row",
    "Translate",
    "Value",
    "as_csv",
    "as_json",
    "as_latex",
    "as_text",
    "average_precision",
    "background_changed",
    "background_l1",
    "background_psnr",
    "background_ssim",
    "best_threshold",
    "cached_features",
    "collapse_signs",
    "coverage",
    "density",
    "evaluate",
    "evaluate_pairs",
    "extract",
    "f1",
    "fid",
    "find_data",
    "find_extractor",
    "find_pairs",
    "generator_inputs",
    "holm",
    "iou",
    "kid",
    "kid_ugatit_mean",
    "l1",
    "lpips",
    "mask_area",
    "mask_entropy",
    "mask_error",
    "mask_flicker",
    "mask_sharpness",
    "masked_l1",
    "masked_mean",
    "mean_interval",
    "measure_clip",
    "mmd",
    "ms_ssim",
    "multiply_adds",
    "paired_test",
    "parameters",
    "peak_memory",
    "perceptual",
    "precision",
    "psnr",
    "recall",
    "seconds",
    "ssim",
    "ssim_map",
    "structure_distance",
    "table_text",
    "train_validated",
    "translating",
    "warp",
    "warping_error",
    "write_report",
]
