"""Measures on input whose answer is known, and as parts of the package."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn

from attn_i2i.evaluate import (
    Measure,
    background_changed,
    background_l1,
    background_ssim,
    collapse_signs,
    coverage,
    density,
    mask_entropy,
    mask_flicker,
    mask_sharpness,
    mmd,
    ms_ssim,
    multiply_adds,
    peak_memory,
    seconds,
    ssim_map,
    structure_distance,
    warping_error,
)
from attn_i2i.evaluate.evaluation import _chosen
from attn_i2i.evaluate.measures.kernel import interval_of
from attn_i2i.evaluate.measures.kid import kernels as kid_kernels
from attn_i2i.evaluate.measures.mmd import kernels as mmd_kernels
from attn_i2i.evaluate.registered import registered_measures
from attn_i2i.plugins import PluginManager, PluginWarning, manager
from attn_i2i.testing import Checked, check_plugin
from attn_i2i.types import AttnI2IError, ConfigError, ShapeError

from .helpers.commands import run_cli
from .helpers.registered import registering


def features(count: int, seed: int, shift: float = 0.0) -> Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


def test_density_and_coverage_are_what_the_paper_counts() -> None:
    fake, real = features(40, 1, 0.3), features(50, 2)
    radii = NearestNeighbors(n_neighbors=6).fit(real.numpy()).kneighbors(real.numpy())[0][:, 5]
    distances = np.linalg.norm(fake.numpy()[:, None] - real.numpy()[None], axis=2)
    assert density(fake, real) == pytest.approx((distances <= radii).sum() / (5 * len(fake)))
    assert coverage(fake, real) == pytest.approx((distances.min(0) <= radii).mean())
    with pytest.raises(ConfigError, match="5 pictures have no 5-th neighbour"):
        density(fake, real[:5])


def test_mmd_is_unbiased_and_sees_a_shift() -> None:
    values = [mmd(features(30, 2 * seed), features(30, 2 * seed + 1)) for seed in range(200)]
    assert abs(np.mean(values)) < 4 * np.std(values) / 200**0.5
    assert mmd(features(30, 0), features(30, 1, 1.0)) > 5 * np.std(values)


@pytest.mark.parametrize("kernels", [kid_kernels, mmd_kernels])
def test_a_kernel_distance_in_blocks_is_the_definition(kernels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.evaluate.measures.kernel.BLOCK", 7)
    whole = kernels(features(70, 1), features(30, 2))
    within_x, within_y, between = (
        whole.kernel(a, b) for a, b in ((whole.x, whole.x), (whole.y, whole.y), (whole.x, whole.y))
    )
    expected = [
        (kernel.sum() - kernel.diagonal().sum()) / (len(kernel) * (len(kernel) - 1)) for kernel in (within_x, within_y)
    ]
    torch.testing.assert_close(whole.unbiased(), sum(expected) - 2 * between.mean())
    counts = torch.tensor([2.0, *[1] * 68, 0], dtype=torch.float64)  # a picture twice is no pair with its copy
    torch.testing.assert_close(
        whole.unbiased(counts, torch.ones(30, dtype=torch.float64)),
        (counts @ within_x @ counts - counts.square() @ within_x.diagonal()) / (70 * 70 - counts.square().sum())
        + expected[1]
        - 2 * (counts @ between).sum() / (70 * 30),
    )


def test_the_interval_of_a_kernel_distance_holds_the_truth_as_often_as_it_says() -> None:
    truth = float(kid_kernels(features(2000, 1000), features(2000, 1001, 0.7)).unbiased())
    held = 0
    for seed in range(100):
        low, high = interval_of(kid_kernels(features(60, 2 * seed), features(60, 2 * seed + 1, 0.7)), resamples=200)
        held += low <= truth <= high
    assert 88 <= held <= 99


def test_the_background_alone_is_measured() -> None:
    source = torch.rand(1, 3, 16, 16)
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., :8] = 0.2
    output = source.clone()
    output[..., :8] = 1 - output[..., :8]
    assert background_l1(output, source, mask).item() == background_changed(output, source, mask).item() == 0
    output[..., 12:] += 0.6 / 255
    assert background_changed(output, source, mask).item() == 0.5
    assert background_l1(output, source, mask).item() == pytest.approx(0.3 / 255, rel=1e-4)
    expected = ssim_map(output, source)[..., 8:].mean()
    assert background_ssim(output, source, mask).item() == pytest.approx(float(expected))
    assert math.isnan(background_l1(output, source, torch.ones_like(mask)).item())


@pytest.mark.parametrize(
    ("mask", "sign"),
    [
        (torch.full((3, 1, 8, 8), 0.01), "closed"),
        (torch.ones(3, 1, 8, 8), "open"),
        (torch.full((3, 1, 8, 8), 0.5), "flat"),
        (torch.eye(8).expand(3, 1, 8, 8), "constant"),
    ],
)
def test_collapsed_masks_are_told(mask: Tensor, sign: str) -> None:
    assert any(line.startswith(sign) for line in collapse_signs(mask))


def test_a_mask_that_follows_the_picture_shows_no_sign() -> None:
    assert collapse_signs((torch.rand(4, 1, 8, 8) > 0.5).float()) == []


def test_entropy_and_sharpness_tell_soft_masks_from_hard_ones() -> None:
    masks = torch.stack([torch.full((1, 4, 4), 0.25), torch.eye(4)[None]])
    assert mask_entropy(masks).tolist() == pytest.approx([0.8112781, 0])
    assert mask_sharpness(masks).tolist() == [0, 1]


def test_a_picture_that_moves_with_the_flow_has_no_warping_error() -> None:
    wide = torch.rand(1, 3, 12, 16)
    frames = torch.cat([wide[..., 0:12], wide[..., 1:13]])
    flow, visible = torch.zeros(1, 2, 12, 12), torch.ones(1, 1, 12, 12)
    flow[:, 0], visible[..., -1] = 1, 0
    assert warping_error(frames, flow, visible).item() < 1e-12
    assert warping_error(frames, 0 * flow, visible).item() > 0.01


def test_flicker_is_one_less_the_overlap_of_what_is_seen() -> None:
    masks = torch.stack([torch.full((1, 4, 4), 0.5), torch.ones(1, 4, 4)])
    flow, visible = torch.zeros(1, 2, 4, 4), torch.ones(1, 1, 4, 4)
    assert mask_flicker(masks, flow, visible).item() == pytest.approx(0.5)
    masks[1, :, 2:], visible[..., 2:, :] = 0, 0
    assert mask_flicker(masks, flow, visible).item() == pytest.approx(0.5)
    with pytest.raises(ShapeError, match=r"give \(T, C, H, W\) frames"):
        mask_flicker(masks[:1], flow, visible)


def test_structure_sees_places_not_colours() -> None:
    maps = torch.rand(1, 8, 4, 4)
    assert structure_distance(3 * maps, maps).item() < 1e-12
    assert structure_distance(maps.flip(-1), maps).item() > 1e-4


def test_small_pictures_are_refused_by_ms_ssim_in_words() -> None:
    with pytest.raises(ShapeError, match="Pictures of 64x80: MS-SSIM needs 176 pixels a side"):
        ms_ssim(torch.rand(1, 3, 80, 64), torch.rand(1, 3, 80, 64))


def test_costs_are_those_of_the_network() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 1))
    picture = torch.zeros(1, 3, 32, 32)
    assert multiply_adds(network, (picture,)) == 32 * 32 * (3 * 8 * 9 + 8 * 4)
    assert peak_memory(network, (picture,)) == pytest.approx((8 + 8) * 32 * 32 * 4 / 2**20)
    assert 0 < seconds(network, (picture,)) < 1


def test_a_plugins_measure_is_listed_and_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def brightness(output: Tensor) -> Tensor:
        """Mean of the output."""
        return output.mean((1, 2, 3))

    zoo = manager().zoo
    with zoo.supplied_by("bright"):
        zoo.measures.add("brightness", Measure(brightness, ("output",), better="higher"))
    try:
        assert run_cli(["measures", "--json"], monkeypatch) == 0
    finally:
        zoo.forget("bright")
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["brightness"]["plugin"] == "bright"
    assert rows["brightness"]["summary"] == "Mean of the output"
    assert rows["fid"]["needs"] == "a feature network, pictures of the target domain"


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (Measure(abs, ("outputs",)), "'outputs' is named"),
        (Measure(lambda output: output, ("output", "source"), summary="x"), "does not take the 2 needs"),
        (Measure(lambda output: output, ("output",)), "no docstring"),
        (abs, "expected attn_i2i.interfaces.Measure"),
    ],
)
def test_a_measure_that_cannot_be_run_is_named(measure: Measure, words: str) -> None:
    plugins = PluginManager()
    with plugins.zoo.supplied_by("mine"):
        plugins.zoo.measures.add("mine", measure)
    (checked,) = check_plugin(plugins, "mine")
    assert isinstance(checked, Checked)
    assert words in (checked.problem or "")


@pytest.mark.parametrize("target", ["fixture_nowhere:measure", "json:dumps"])
def test_a_measure_that_cannot_be_had_costs_only_itself(target: str) -> None:
    with registering(measures={"theirs": target}):  # type: ignore[dict-item]
        with pytest.warns(PluginWarning, match="The measure 'theirs' of plugin .* is left out: "):
            assert "psnr" in registered_measures()
        assert list(_chosen(["psnr"])) == ["psnr"]
        with pytest.raises(AttnI2IError, match="theirs"):
            _chosen(["theirs"])
