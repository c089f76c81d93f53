"""The measures of this package, each imported when it is first used."""

from __future__ import annotations

from ..hookspecs import hookimpl
from ..registry import Zoo

# Name, then where it lies in attn_i2i.evaluate.measures. Tables show measures in this order.
MEASURES = {
    "fid": "fid:FID",
    "kid": "kid:KID",
    "ugatit_mean": "kid:UGATIT_MEAN",
    "mmd": "mmd:MMD",
    "precision": "prdc:PRECISION",
    "recall": "prdc:RECALL",
    "density": "prdc:DENSITY",
    "coverage": "prdc:COVERAGE",
    "l1": "l1:L1",
    "psnr": "psnr:PSNR",
    "ssim": "ssim:SSIM",
    "ms_ssim": "ms_ssim:MS_SSIM",
    "lpips": "lpips:LPIPS",
    "foreground_l1": "l1:FOREGROUND_L1",
    "foreground_psnr": "psnr:FOREGROUND_PSNR",
    "foreground_ssim": "ssim:FOREGROUND_SSIM",
    "background_psnr": "background:PSNR",
    "background_ssim": "background:SSIM",
    "background_l1": "background:L1",
    "background_changed": "background:CHANGED",
    "mask_iou": "iou:IOU",
    "mask_f1": "f1:F1",
    "mask_ap": "average_precision:AVERAGE_PRECISION",
    "mask_mae": "mask_error:MAE",
    "mask_area": "mask_shape:AREA",
    "mask_entropy": "mask_shape:ENTROPY",
    "mask_sharpness": "mask_shape:SHARPNESS",
    "cycle_l1": "l1:CYCLE_L1",
    "cycle_lpips": "lpips:CYCLE_LPIPS",
    "change": "l1:CHANGE",
    "structure": "structure:STRUCTURE",
    "warping_error": "video:WARPING_ERROR",
    "mask_flicker": "video:MASK_FLICKER",
    "parameters": "cost:PARAMETERS",
    "multiply_adds": "cost:MULTIPLY_ADDS",
    "seconds": "cost:SECONDS",
    "peak_memory": "cost:PEAK_MEMORY",
}


@hookimpl
def register_components(zoo: Zoo) -> None:
    for name, place in MEASURES.items():
        zoo.measures.add(name, f"attn_i2i.evaluate.measures.{place}")
