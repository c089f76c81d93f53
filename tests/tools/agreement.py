"""How near the measures are to those of the field's references: ``python -m tests.tools.agreement``.

Prints the table of docs/metrics.md. Everything is computed anew, from numbers that no library's generator decides.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from attn_i2i.evaluate import (
    average_precision,
    f1,
    fid,
    iou,
    kid,
    mask_error,
    ms_ssim,
    precision,
    psnr,
    recall,
    ssim,
)

COMMAND = "python -m tests.tools.agreement"


class Row(NamedTuple):
    """One measure, the library it is held against, and what both say of the same input."""

    measure: str
    reference: str
    here: float
    there: float

    @property
    def difference(self) -> float:
        return abs(self.here - self.there) / abs(self.there)

    def markdown(self) -> str:
        apart = "< 1e-6" if self.difference < 1e-6 else f"{self.difference:.0e}"
        return f"| {self.measure} | {self.reference} | {self.here:.6g} | {self.there:.6g} | {apart} |"


def waves(*shape: int, seed: int = 0) -> Tensor:
    """Numbers without an order in [0, 1): the fractional part of a sine, the same on every machine."""
    index = np.arange(np.prod(shape), dtype=np.float64) + 1 + 7919 * seed
    return torch.from_numpy(np.sin(index * 12.9898) * 43758.5453 % 1).reshape(shape).float()


def feature_sets() -> tuple[Tensor, Tensor]:
    """120 fakes and 150 reals of 48 features, near enough that precision and recall are neither 0 nor 1."""
    return waves(120, 48, seed=1) * 1.1 + 0.02, waves(150, 48, seed=2)


class Flattened(nn.Module):
    """Pictures (N, 3, 2, 8) back to the features (N, 48) that they were made of."""

    num_features = 48

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)


def of_features() -> Iterator[Row]:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import prc_features_to_metric
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    fake, real = feature_sets()
    statistics = [fid_features_to_statistics(features.double()) for features in (fake, real)]
    answer = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    yield Row("FID", "torch-fidelity", fid(fake, real), float(answer))
    metric = FrechetInceptionDistance(feature=Flattened(), input_img_size=(3, 2, 8)).set_dtype(torch.float64)
    for features, is_real in ((fake, False), (real, True)):
        metric.update(features.reshape(-1, 3, 2, 8), real=is_real)
    yield Row("FID", "torchmetrics", fid(fake, real), float(metric.compute()))
    whole = min(len(fake), len(real))
    options = {"kid_subsets": 1, "kid_subset_size": whole, "verbose": False, "rng_seed": 0}
    answer = kid_features_to_metric(fake, real[:whole], **options)["kernel_inception_distance_mean"]
    yield Row("KID", "torch-fidelity", kid(fake, real[:whole])[0], float(answer))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it keeps all features, which are few
        metric = KernelInceptionDistance(feature=Flattened(), subsets=1, subset_size=whole)
    for features, is_real in ((fake, False), (real[:whole], True)):
        metric.update(features.reshape(-1, 3, 2, 8), real=is_real)
    yield Row("KID", "torchmetrics", kid(fake, real[:whole])[0], float(metric.compute()[0]))
    answer = prc_features_to_metric(fake, real, prc_neighborhood=3, prc_batch_size=50, verbose=False)
    yield Row("precision", "torch-fidelity", precision(fake, real), float(answer["precision"]))
    yield Row("recall", "torch-fidelity", recall(fake, real), float(answer["recall"]))


def of_pairs() -> Iterator[Row]:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as reference_ms_ssim
    from torchmetrics.functional.image import peak_signal_noise_ratio as reference_psnr
    from torchmetrics.functional.image import structural_similarity_index_measure as reference_ssim

    truth = waves(1, 3, 200, 190)
    output = (0.8 * truth + 0.2 * waves(1, 3, 200, 190, seed=1)).double()
    truth = truth.double()
    pixels = [picture[0].numpy() for picture in (truth, output)]
    yield Row("PSNR", "scikit-image", float(psnr(output, truth)), peak_signal_noise_ratio(*pixels, data_range=1))
    yield Row("PSNR", "torchmetrics", float(psnr(output, truth)), float(reference_psnr(output, truth, data_range=1.0)))
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    answer = structural_similarity(*pixels, channel_axis=0, data_range=1, **window)
    yield Row("SSIM", "scikit-image", float(ssim(output, truth)), float(answer))
    answer = reference_ssim(output, truth, data_range=1.0)
    yield Row("SSIM", "torchmetrics", float(ssim(output, truth)), float(answer))
    answer = reference_ms_ssim(output, truth, data_range=1.0)
    yield Row("MS-SSIM", "torchmetrics", float(ms_ssim(output, truth)), float(answer))


def of_masks() -> Iterator[Row]:
    from sklearn.metrics import average_precision_score, f1_score, jaccard_score, mean_absolute_error

    truth = waves(1, 1, 40, 40) > 0.7
    mask = (waves(1, 1, 40, 40, seed=1) + 0.5 * truth).clamp(max=1)
    flat, score = truth.flatten().numpy(), mask.flatten().numpy()
    yield Row("IoU", "scikit-learn", float(iou(mask, truth)), float(jaccard_score(flat, score >= 0.5)))
    yield Row("F1", "scikit-learn", float(f1(mask, truth)), float(f1_score(flat, score >= 0.5)))
    yield Row(
        "average precision",
        "scikit-learn",
        float(average_precision(mask, truth)),
        float(average_precision_score(flat, score)),
    )
    yield Row("MAE", "scikit-learn", float(mask_error(mask, truth)), float(mean_absolute_error(flat, score)))


def table(rows: list[Row]) -> str:
    head = "| measure | reference | here | there | apart, relative |\n|---|---|--:|--:|--:|"
    return "\n".join([head, *(row.markdown() for row in rows)])


def rows() -> list[Row]:
    return [*of_features(), *of_pairs(), *of_masks()]


if __name__ == "__main__":
    print(table(rows()))
