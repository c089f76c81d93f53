"""Each measure against a closed form or a second library."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import average_precision_score, jaccard_score
from sklearn.metrics.pairwise import polynomial_kernel
from torch import Tensor

from attn_i2i.evaluate import (
    EQUAL_DB,
    average_precision,
    background_psnr,
    best_threshold,
    extract,
    fid,
    iou,
    kid,
    kid_ugatit_mean,
    masked_l1,
    ssim,
    ssim_map,
)
from attn_i2i.types import ConfigError, ShapeError


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def left_half(batch: int, size: int) -> Tensor:
    mask = torch.zeros(batch, 1, size, size)
    mask[..., : size // 2] = 1
    return mask


def test_background_psnr_of_a_constant_error_is_minus_twenty_log_ten_of_it() -> None:
    source = torch.full((2, 3, 8, 8), 0.5)
    output = source.clone()
    output[..., :4] = 1  # under the mask: must not count
    output[0, ..., 4:] += 0.1
    output[1, ..., 4:] -= 0.01
    assert background_psnr(output, source, left_half(2, 8)).tolist() == pytest.approx([20, 40], abs=1e-4)


def test_background_psnr_agrees_with_skimage_where_all_is_background() -> None:
    a, b = pictures(1, 3, 16, 16), pictures(1, 3, 16, 16, seed=1)
    expected = peak_signal_noise_ratio(a[0].double().numpy(), b[0].double().numpy(), data_range=1)
    assert float(background_psnr(a, b, torch.zeros(1, 1, 16, 16))) == pytest.approx(expected, abs=1e-9)


def test_equal_backgrounds_get_the_ceiling_and_absent_ones_nothing() -> None:
    source = pictures(1, 3, 8, 8)
    assert float(background_psnr(source, source, left_half(1, 8))) == pytest.approx(EQUAL_DB)
    assert math.isnan(float(background_psnr(source, source, torch.ones(1, 1, 8, 8))))


def test_a_faintly_masked_pixel_is_no_background() -> None:
    source, mask = pictures(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    mask[..., 0, 0] = 1 / 255
    output = source.clone()
    output[..., 0, 0] = 1 - output[..., 0, 0]
    assert float(background_psnr(output, source, mask)) == pytest.approx(EQUAL_DB)


def test_masked_l1_weighs_by_the_mask() -> None:
    output, truth, mask = torch.zeros(1, 3, 1, 3), torch.zeros(1, 3, 1, 3), torch.zeros(1, 1, 1, 3)
    output[0, :, 0] = torch.tensor([0.2, 0.6, 1.0])
    mask[0, 0, 0] = torch.tensor([1, 0.5, 0])
    assert float(masked_l1(output, truth, mask)) == pytest.approx((0.2 + 0.5 * 0.6) / 1.5)


@pytest.mark.parametrize("size", [(11, 17), (40, 32)])
def test_ssim_agrees_with_skimage(size: tuple[int, int]) -> None:
    a = pictures(2, 3, *size)
    b = (a + 0.2 * pictures(2, 3, *size, seed=1)).clamp(max=1)
    for index in range(2):
        mean, full = structural_similarity(
            a[index].double().numpy(),
            b[index].double().numpy(),
            channel_axis=0,
            data_range=1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        np.testing.assert_allclose(ssim_map(a, b)[index].numpy(), full, atol=1e-9)
        assert float(ssim(a, b)[index]) == pytest.approx(mean, abs=1e-9)


def test_ssim_of_constants_is_the_luminance_term_and_a_mask_averages_the_map() -> None:
    a, b = torch.full((1, 1, 16, 16), 0.2), torch.full((1, 1, 16, 16), 0.7)
    expected = (2 * 0.2 * 0.7 + 1e-4) / (0.2**2 + 0.7**2 + 1e-4)
    assert float(ssim(a, b)) == pytest.approx(expected, abs=1e-6)
    x, y = pictures(1, 3, 16, 16), pictures(1, 3, 16, 16, seed=1)
    assert float(ssim(x, y, left_half(1, 16))) == pytest.approx(float(ssim_map(x, y)[..., :8].mean()))


@pytest.mark.parametrize("levels", [2, 5, 10**6])
def test_average_precision_agrees_with_sklearn_ties_included(levels: int) -> None:
    generator = np.random.default_rng(levels)
    truth = generator.random((4, 300)) < 0.3
    score = np.floor((generator.random((4, 300)) + 0.4 * truth) * levels) / levels
    expected = [average_precision_score(t, s) for t, s in zip(truth, score, strict=True)]
    found = average_precision(torch.from_numpy(score)[:, None], torch.from_numpy(truth)[:, None])
    assert found.tolist() == pytest.approx(expected, abs=1e-12)


def test_average_precision_of_perfect_constant_and_empty() -> None:
    truth = torch.tensor([[True, False, False, True]])
    assert average_precision(truth.float(), truth).item() == 1
    assert average_precision(torch.ones(1, 4), truth).item() == 0.5
    assert math.isnan(average_precision(torch.ones(1, 4), torch.zeros(1, 4, dtype=torch.bool)).item())


def test_iou_agrees_with_sklearn_and_two_empty_masks_agree() -> None:
    score, truth = pictures(3, 1, 9, 9), pictures(3, 1, 9, 9, seed=1) > 0.6
    expected = [jaccard_score(t.ravel(), s.ravel() >= 0.4) for s, t in zip(score.numpy(), truth.numpy(), strict=True)]
    assert iou(score, truth, 0.4).tolist() == pytest.approx(expected)
    assert iou(torch.zeros(1, 4), torch.zeros(1, 4, dtype=torch.bool), 0.5).item() == 1


def test_the_best_threshold_separates_a_faint_mask() -> None:
    truth = pictures(5, 1, 8, 8) > 0.7
    score = 0.01 + 0.002 * truth + 0.0005 * pictures(5, 1, 8, 8, seed=1)
    threshold, value = best_threshold(score, truth)
    assert value > 0.95
    assert 0.0105 < threshold < 0.0123
    assert value == pytest.approx(float(iou(score, truth, threshold).mean()))


def test_thresholds_are_found_among_more_pixels_than_a_float32_counts() -> None:
    score = torch.zeros(1, 2**24 + 4, dtype=torch.uint8)
    assert best_threshold(score, score == 0, steps=1) == (0, 1)


@pytest.mark.parametrize(("n", "m", "d"), [(200, 150, 8), (30, 20, 8), (6, 9, 40)])
def test_fid_agrees_with_the_matrix_square_root(n: int, m: int, d: int) -> None:
    a, b = pictures(n, d).double(), (pictures(m, d, seed=1) * 1.3 + 0.1).double()
    sa, sb = np.cov(a.numpy(), rowvar=False), np.cov(b.numpy(), rowvar=False)
    cross = np.sqrt(np.clip(scipy.linalg.eigvals(sa @ sb).real, 0, None)).sum()
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum().item() + np.trace(sa) + np.trace(sb) - 2 * cross
    assert fid(a, b) == pytest.approx(expected, abs=1e-6)


def test_fid_of_scaled_and_shifted_features_has_a_closed_form() -> None:
    a = pictures(50, 6).double()
    variance = float(a.var(0).sum())
    assert fid(a, a) == pytest.approx(0, abs=1e-9)
    assert fid(a, a + 2) == pytest.approx(6 * 4)
    shifted = float(((3 * a - a).mean(0) ** 2).sum())
    assert fid(a, 3 * a) == pytest.approx(shifted + (3 - 1) ** 2 * variance)


def mmd2(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased estimator, term by term."""
    options = {"degree": 3, "gamma": 1 / x.shape[1], "coef0": 1}
    xx, yy, xy = (polynomial_kernel(a, b, **options) for a, b in ((x, x), (y, y), (x, y)))
    off_x, off_y = ~np.eye(len(x), dtype=bool), ~np.eye(len(y), dtype=bool)
    return xx[off_x].mean() + yy[off_y].mean() - 2 * xy.mean()


def test_kid_of_whole_sets_is_the_unbiased_mmd() -> None:
    x, y = pictures(40, 7).double(), pictures(40, 7, seed=1).double() + 0.2
    assert kid(x, y) == (pytest.approx(mmd2(x.numpy(), y.numpy()), abs=1e-12), 0)


def test_kid_of_subsets_is_seeded_and_near_the_whole() -> None:
    x, y = pictures(300, 7), pictures(200, 7, seed=1) + 0.2
    mean, deviation = kid(x, y, subset_size=100, seed=3)
    assert (mean, deviation) == kid(x, y, subset_size=100, seed=3)
    assert mean != kid(x, y, subset_size=100, seed=4)[0]
    assert deviation > 0
    assert mean == pytest.approx(mmd2(x.double().numpy(), y.double().numpy()), rel=0.1)


def test_kid_of_one_distribution_is_unbiased() -> None:
    values = [kid(pictures(20, 3, seed=2 * i), pictures(20, 3, seed=2 * i + 1))[0] for i in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / 20


def test_ugatit_mean_averages_the_distances_to_target_and_source() -> None:
    fake, target, source = (pictures(30, 5, seed=seed) + 0.1 * seed for seed in range(3))
    assert kid_ugatit_mean(fake, target, source) == pytest.approx((kid(fake, target)[0] + kid(fake, source)[0]) / 2)


def test_extract_joins_batches_in_order() -> None:
    images = pictures(5, 3, 4, 4)
    assert torch.equal(extract(lambda x: x.flatten(1), images.split(2)), images.flatten(1).double())
    with pytest.raises(ShapeError, match=r"\(B, D\)"):
        extract(lambda x: x, [images])


def test_wrong_shapes_and_types_are_refused_in_words() -> None:
    image, features = pictures(1, 3, 8, 8), pictures(4, 3)
    with pytest.raises(ShapeError, match="mask"):
        background_psnr(image, image, image)
    with pytest.raises(ShapeError, match="11 pixels"):
        ssim(image, image)
    with pytest.raises(ConfigError, match="bool"):
        average_precision(features, features)
    with pytest.raises(ShapeError, match="one shape"):
        iou(features, features[:2] > 0, 0.5)
    with pytest.raises(ShapeError, match="Features"):
        fid(features, pictures(4, 2))
    with pytest.raises(ConfigError, match="subsets"):
        kid(features, features, subset_size=1)
    with pytest.raises(ConfigError, match="no masks"):
        best_threshold(torch.zeros(0, 4), torch.zeros(0, 4, dtype=torch.bool))
