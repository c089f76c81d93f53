"""The measures agree with the field's references, and the documentation's figures are what comes out."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from attn_i2i.evaluate.features.inception import Inception, build_inception
from attn_i2i.evaluate.features.perceptual import build_perceptual
from attn_i2i.evaluate.features.weights import read_state
from attn_i2i.evaluate.measures.lpips import lpips
from attn_i2i.types import ModelError

from .helpers.source import ROOT
from .tools import agreement, lpips_case

TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def rows() -> list[agreement.Row]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the references' own imports
        return agreement.rows()


def test_every_measure_agrees_with_its_references(rows: list[agreement.Row]) -> None:
    assert {row.measure: row for row in rows if not row.difference < TOLERANCE} == {}
    assert len(rows) == 15


def test_the_documentation_prints_what_is_computed(rows: list[agreement.Row]) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    printed = {tuple(cell.strip() for cell in line.split("|")[1:5]) for line in page.splitlines() if line[:2] == "| "}
    for row in rows:
        values = [cells for cells in printed if cells[:2] == (row.measure, row.reference)]
        assert len(values) == 1, row
        here, there = (float(cell) for cell in values[0][2:])
        assert here == pytest.approx(row.here, rel=2e-5)
        assert there == pytest.approx(row.there, rel=2e-5)


def test_lpips_agrees_with_the_package() -> None:
    case = load_file(lpips_case.CASE)
    expected = case.pop("distances")
    network = build_perceptual("alex", lpips_case.backbone(), case)
    with torch.no_grad():
        assert lpips(*lpips_case.pictures(), network).tolist() == pytest.approx(expected.tolist(), rel=1e-4)


def filled(network: Inception) -> dict[str, torch.Tensor]:
    """Weights that keep the features alive through all of Inception, as torch-fidelity's file names them."""
    state = {}
    for index, (name, tensor) in enumerate(network.state_dict().items()):
        if name.endswith("num_batches_tracked"):
            continue
        values = torch.sin(torch.arange(tensor.numel(), dtype=torch.float64) * 12.9898 + index)
        if "bn" in name:
            values = 1 + 0.3 * values if name.endswith(("weight", "var")) else 0.3 * values
        else:
            values = values * (4 / tensor[0].numel()) ** 0.5
        state[name] = values.float().reshape(tensor.shape)
    return {**state, "fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}


def test_inception_agrees_with_torch_fidelity(tmp_path: Path) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = tmp_path / "weights.pth"
    torch.save(filled(Inception()), path)
    images = (agreement.waves(2, 3, 61, 75) * 255).byte()
    reference = FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path=str(path))
    network = build_inception(read_state(path))
    with torch.no_grad():
        maps, features = network(images / 255)
        expected = reference(images)[0]
    assert expected.std() > 0.01
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)
    assert maps.shape == (2, 768, 17, 17)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="not the weights of the FID"):
        build_inception(read_state(tmp_path / "other.safetensors"))
    with pytest.raises(ModelError, match="not the weights of LPIPS"):
        build_perceptual("alex", {}, {})
