"""Verification reads images in the range and order of a release, which its network advertises."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from attn_i2i.convert import Networks, compare
from attn_i2i.convert.published import from_published, to_published
from attn_i2i.types import ConfigError, Translation, Verdict


class Doubling(nn.Module):
    """From BGR in [0, 255]; half the first channel that it sees here, red."""

    published_range, published_order = (0, 255), "BGR"

    def forward(self, image: torch.Tensor, domain: torch.Tensor | None = None) -> Translation:
        half = torch.stack([image[:, 0] / 2, image[:, 1], image[:, 2]], 1)
        return Translation(half, torch.ones_like(image[:, :1]), half[:, None])


class Reddish(nn.Module):
    published_range, published_order = (0, 255), "BGR"

    def forward(self, image: torch.Tensor, attention: torch.Tensor | None = None) -> tuple[Verdict, ...]:
        return (Verdict(image[:, :1]),)


def stored() -> dict[str, torch.Tensor]:
    image = torch.rand(1, 3, 4, 4, dtype=torch.float64) * 255
    half = image.clone()
    half[:, 2] = (image[:, 2] - 127.5) / 2 + 127.5
    return {"x": image, "image": half, "contents": half[:, None], "patch_logits": image[:, 2:] / 127.5 - 1}


def test_images_masks_contents_and_verdicts_are_compared_as_published() -> None:
    networks = Networks({"A2B": Doubling()}, {"B": Reddish()})
    checks = compare(networks, stored(), torch.float64)
    assert sorted(check.name for check in checks) == ["contents", "image", "patch_logits"]
    assert max(check.error for check in checks) < 1e-12


@pytest.mark.parametrize("fact", ["published_range", "published_order"])
def test_either_fact_matters(fact: str) -> None:
    plain = {"published_range": (-1, 1), "published_order": "RGB"}
    wrong = type("Wrong", (Doubling,), {fact: plain[fact]})()
    checks = compare(
        Networks({"A2B": wrong}), {k: t for k, t in stored().items() if k in ("x", "image")}, torch.float64
    )
    assert checks[0].error > 0.01


def test_what_is_not_advertised_stays_bit_for_bit() -> None:
    image = torch.rand(1, 3, 2, 2)
    assert from_published(nn.Identity(), image) is image
    assert to_published(nn.Identity(), image) is image
    torch.testing.assert_close(to_published(Doubling(), from_published(Doubling(), image)), image)


def test_a_range_is_mapped_end_to_end() -> None:
    network = type("Shifted", (nn.Module,), {"published_range": (2, 6), "published_order": "BGR"})()
    ours = torch.tensor([-1.0, 0.0, 1.0]).view(3, 1, 1)
    assert to_published(network, ours).flatten().tolist() == [6, 4, 2]
    assert from_published(network, to_published(network, ours)).flatten().tolist() == [-1, 0, 1]


@pytest.mark.parametrize("facts", [{"published_order": "GBR"}, {"published_range": (1, 0)}])
def test_a_fact_that_means_nothing_is_named(facts: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="Wrong says"):
        from_published(type("Wrong", (Doubling,), facts)(), torch.zeros(1, 3, 2, 2))
