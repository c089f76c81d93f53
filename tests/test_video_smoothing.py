"""What moves does not flicker, what is masked out stays, and a cut begins anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attn_i2i.evaluate import mask_flicker, measure_clip, warping_error
from attn_i2i.images import PictureWarning
from attn_i2i.models import create
from attn_i2i.translate import Result
from attn_i2i.translate.steady import Steady
from attn_i2i.types import ConfigError, Translation
from attn_i2i.video.flow import Motion, optical_flow
from attn_i2i.video.smoothing import Smoother

from .helpers.clips import write_video
from .helpers.translators import Negative, translator

SIDE = 64


def texture(seed: int, height: int, width: int) -> np.ndarray:
    """Smooth noise (H, W, 3), which flow can follow."""
    coarse = torch.from_numpy(np.random.default_rng(seed).random((1, 3, height // 4, width // 4)))
    return nn.functional.interpolate(coarse, (height, width), mode="bicubic")[0].clamp(0, 1).permute(1, 2, 0).numpy()


def scene(number: int, seed: int = 0, pan: int = 1) -> np.ndarray:
    """A red square that goes two pixels to the right and one down, over a texture that pans."""
    frame = texture(seed, SIDE, SIDE + 32)[:, pan * number : pan * number + SIDE] * 0.7
    frame[12 + number : 36 + number, 10 + 2 * number : 34 + 2 * number] = texture(seed + 1, 24, 24) * [1, 0.3, 0.2]
    return (frame * 255).round().astype(np.uint8)


def clip(path: Path, frames: list[np.ndarray]) -> Path:
    return write_video(path, frames, codec="libx264rgb", pixels="rgb24", options={"qp": "0", "bf": "0"})


def tensor(frame: np.ndarray) -> Tensor:
    return torch.from_numpy(frame).permute(2, 0, 1).float() / 255


class Chequered(nn.Module):
    """Paints what is red blue, under a mask with squares that stay where they are; the mask of all else is 0."""

    def __init__(self, contents: bool = True) -> None:
        super().__init__()
        self.register_buffer("blue", torch.tensor([-1.0, -1.0, 1.0])[:, None, None])
        self.contents = contents

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        red = ((image[:, :1] - image[:, 1:2]) > 0.3).float()
        y, x = torch.meshgrid(*(torch.arange(side, device=image.device) for side in image.shape[-2:]), indexing="ij")
        mask = red * (0.5 + 0.5 * ((x // 2 + y // 2) % 2))
        blue = self.blue.expand_as(image)
        output = mask * blue + (1 - mask) * image
        return Translation(output, mask, blue[:, None] if self.contents else None)


class Levelled(nn.Module):
    """Takes the mean of the frame away, which is a statistic; it has no masks."""

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation((image - image.mean((2, 3), keepdim=True)) / 2)


def results(source: Path, network: nn.Module, temporal: str) -> list[Result]:
    return list(translator(network).frames(source, temporal=temporal, keep_background=True))  # type: ignore[arg-type]


@pytest.mark.parametrize("pan", [0, 1], ids=["still", "panning"])
def test_the_flow_is_that_of_the_scene(pan: int) -> None:
    motion = optical_flow(tensor(scene(2, pan=pan)), tensor(scene(3, pan=pan)))
    square, around = motion.flow[:, 21:33, 22:34], motion.flow[:, 46:60, 6:56]
    assert square.mean((1, 2)).tolist() == pytest.approx([-2, -1], abs=0.05)
    assert around.mean((1, 2)).tolist() == pytest.approx([pan, 0], abs=0.05)
    assert motion.visible.mean() > 0.9
    assert not motion.cut


def test_what_comes_into_sight_is_not_followed() -> None:
    before, after = tensor(scene(0, pan=8)), tensor(scene(1, pan=8))
    assert optical_flow(before, after).visible[:, 46:60, -5:].mean() < 0.3


def test_a_cut_is_seen_and_a_flash_is_not_followed() -> None:
    assert optical_flow(tensor(scene(0)), tensor(scene(0, seed=7))).cut
    assert optical_flow(tensor(scene(0)), torch.ones(3, SIDE, SIDE)).cut


@pytest.mark.parametrize("contents", [True, False], ids=["contents", "mask alone"])
def test_smoothing_steadies_masks_and_outputs_and_leaves_the_rest_exactly(contents: bool, tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mkv", [scene(number) for number in range(5)])
    alone, smooth = (results(source, Chequered(contents), temporal) for temporal in ("off", "flow"))
    before, after = measure_clip(alone), measure_clip(smooth)
    assert after["mask_flicker"] < 0.5 * before["mask_flicker"]
    assert after["warping_error"] < 0.7 * before["warping_error"]
    assert after["source_warping_error"] == before["source_warping_error"]
    for result in smooth:
        assert result.mask is not None
        untouched = (result.mask == 0).expand_as(result.image)
        assert untouched.float().mean() > 0.5
        assert torch.equal(result.image[untouched], result.source[untouched])


@pytest.mark.parametrize("network", [Chequered(), Levelled()], ids=["masks", "statistics"])
def test_after_a_cut_the_first_frame_is_as_if_it_came_alone(network: nn.Module, tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mkv", [scene(0), scene(5), scene(2, seed=7), scene(7, seed=7)])
    alone, smooth = (list(translator(network).frames(source, temporal=temporal)) for temporal in ("off", "flow"))
    same = [torch.allclose(one.image, other.image, atol=1e-6) for one, other in zip(alone, smooth, strict=True)]
    assert same == [True, False, True, False]


def test_the_past_fades_out_where_a_mask_closes() -> None:
    still = Motion(torch.zeros(2, 4, 4), torch.ones(1, 4, 4), cut=False)
    smoother, closed = Smoother(), torch.zeros(1, 4, 4)
    smoother(torch.ones(1, 4, 4), None)
    levels = [smoother(closed, still).max().item() for _ in range(30)]
    assert levels[0] == pytest.approx(0.7)
    assert levels[-1] == 0


def test_hidden_pixels_take_the_new_mask_alone() -> None:
    visible = torch.ones(1, 4, 4)
    visible[..., :2] = 0
    smoother = Smoother()
    smoother(torch.ones(1, 4, 4), None)
    smoothed = smoother(torch.full((1, 4, 4), 0.5), Motion(torch.zeros(2, 4, 4), visible, cut=False))
    assert smoothed[0, 0].tolist() == pytest.approx([0.5, 0.5, 0.85, 0.85])


FAMILIES = {
    "attentiongan2": {"width": 4, "blocks": 1},
    "ugatit": {"width": 4, "blocks": 1, "light": True},
    "stargan": {"width": 4, "blocks": 1, "domains": 2},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_statistics_are_running_averages(family: str) -> None:
    """The first frame's answer is the network's own, a repeated frame changes nothing, and another counts a share."""
    torch.manual_seed(0)
    network = create(family, **FAMILIES[family]).eval()
    labels = [torch.tensor([[1.0, 0.0]])] if family == "stargan" else []
    first, second = torch.rand(2, 1, 3, 32, 32) * 2 - 1
    steady = Steady(network)
    with torch.no_grad():
        own, other = network(first, *labels).image, network(0.3 * second, *labels).image
        for _ in range(3):
            assert torch.allclose(steady(first, *labels).image, own, atol=1e-5)
        after = steady(0.3 * second, *labels).image
        assert steady.why is None
        assert not torch.allclose(after, other, atol=1e-4)
        steady.reset()
        assert torch.allclose(steady(0.3 * second, *labels).image, other, atol=1e-5)


def test_frames_in_strips_are_smoothed_too(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mkv", [scene(number) for number in range(3)])
    whole, strips = (list(translator(Chequered()).frames(source, tile=tile)) for tile in ("off", 16))
    assert all(torch.allclose(one.image, other.image, atol=1e-6) for one, other in zip(whole, strips, strict=True))


class Deciding(nn.Module):
    """A network whose operations depend on values."""

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(image if image.mean() > 0 else -image)


class Elsewhere(Deciding):
    """One whose operations are another program's, as an exported graph's are."""

    tiling = "approximate"


class Numbers(nn.Module):
    """A network that makes a tensor from numbers while it runs."""

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return Translation(image * image.new_tensor([1.0, -1.0, 0.5])[:, None, None])


@pytest.mark.parametrize(
    ("network", "why"),
    [(Deciding(), ""), (Numbers(), ""), (Elsewhere(), " the network says so")],
    ids=["decides", "makes numbers", "is elsewhere"],
)
def test_a_network_that_cannot_be_followed_is_translated_all_the_same_and_says_so(
    network: nn.Module, why: str, tmp_path: Path
) -> None:
    source = clip(tmp_path / "a.mkv", [scene(0), scene(1)])
    with pytest.warns(PictureWarning, match=f"each frame's own, because{why}"):
        smooth = list(translator(network).frames(source))
    alone = list(translator(network).frames(source, temporal="off"))
    assert all(torch.equal(one.image, other.image) for one, other in zip(smooth, alone, strict=True))


def moving(pan: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Two frames, their true flow, and what of the second was seen in the first."""
    frames = torch.stack([tensor(scene(number, pan=pan)) for number in (2, 3)])
    flow, visible = torch.zeros(1, 2, SIDE, SIDE), torch.ones(1, 1, SIDE, SIDE)
    flow[:, 0] = pan
    visible[..., SIDE - pan :] = 0
    visible[:, :, 14:38, 14 - pan : 38 - pan] = 0  # what shows here was behind the square
    flow[:, 0, 15:39, 16:40], flow[:, 1, 15:39, 16:40] = -2, -1
    visible[:, :, 15:39, 16:40] = 1
    yield frames, flow, visible


@pytest.mark.parametrize("pan", [0, 1])
def test_the_measures_are_nought_along_the_true_flow(pan: int) -> None:
    ((frames, flow, visible),) = moving(pan)
    mask = torch.zeros(2, 1, SIDE, SIDE)
    mask[0, :, 14:38, 14:38], mask[1, :, 15:39, 16:40] = 1, 1
    assert warping_error(frames, flow, visible).item() < 1e-10
    assert mask_flicker(mask, flow, visible).item() < 1e-6
    assert warping_error(frames, 0 * flow, visible).item() > 1e-3
    # Half of the mask is gone: the overlap is a half.
    mask[1, :, 15:27] = 0
    assert mask_flicker(mask, flow, visible).item() == pytest.approx(0.5, abs=1e-6)


def test_what_temporal_may_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'on' was given: expected"):
        next(translator(Negative()).frames(tmp_path / "a.mp4", temporal="on"))  # type: ignore[arg-type]
