"""Pictures in strips and tiles, and clips, on a GPU: everything lies where it should, and comes back."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attn_i2i.images import PictureWarning
from attn_i2i.models.config import ModelConfig
from attn_i2i.translate import Result, Translator
from attn_i2i.translate.ahead import tune_translator
from attn_i2i.translate.temporal import Temporal
from attn_i2i.types import ShapeError

from .helpers.clips import square, write_animation
from .helpers.mps_operations import not_on_mps
from .helpers.networks import Plain
from .helpers.stand_in_device import stand_in_device
from .helpers.strips import network
from .helpers.translators import Brighten, Styled

FAMILIES: list[tuple[str, dict[str, Any]]] = [
    ("attentiongan2", {}),
    ("ugatit", {"light": True, "image_size": 32}),
    ("stargan", {"domains": 2}),
]
aten = torch.ops.aten
PARTS = ("image", "foreground", "background", "mask", "contents", "heatmap", "raw_heatmap")


def translator(generator: nn.Module, device: str | None) -> Translator:
    domains = ["old", "blond"] if getattr(generator, "domains", None) else None
    return Translator({"A2B": copy.deepcopy(generator)}, ModelConfig("x", {}, ["A2B"], domains), device=device)


def assert_same(result: Result, expected: Result) -> None:
    for name in PARTS:
        part, wanted = getattr(result, name), getattr(expected, name)
        assert (part is None) == (wanted is None), name
        if part is not None:
            assert type(part) is Tensor, f"{name} lies on the device"
            torch.testing.assert_close(part, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("family", "options"), FAMILIES)
def test_strips_are_computed_on_the_device_and_come_back(
    family: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, image = network(family, {"width": 4, "blocks": 1, **options}), torch.rand(3, 24, 16)
    call: Any = {"domain": ["old"]} if "domains" in options else {}
    expected = translator(generator, "cpu")(image, **call)
    with stand_in_device(monkeypatch) as device:
        on_device = translator(generator, None)
        assert on_device.device.type == "mps"
        assert_same(on_device(image, **call), expected)
        assert_same(on_device(image, tile=12, **call), expected)
    assert aten.convolution.default in device.operations
    assert not not_on_mps(device.operations)


@pytest.mark.filterwarnings("ignore:.*computed in tiles")
def test_tiles_and_reduced_pictures_come_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    tiled: Any = Brighten()
    tiled.tiling = "approximate"
    image = torch.rand(3, 24, 40)
    for generator, options in (
        (tiled, {"tile": 16}),
        (Brighten(), {"max_side": 20}),
        (Brighten(), {"max_side": 20, "tile": 8}),
        (Styled(), {"style": torch.rand(3, 8, 8)}),
        (Brighten(), {"mask": torch.rand(1, 24, 40), "strength": 0.5, "threshold": 0.5}),
    ):
        expected = translator(generator, "cpu")(image, **options)
        with stand_in_device(monkeypatch):
            assert_same(translator(generator, None)(image, **options), expected)


@pytest.mark.parametrize("temporal", ["flow", "off"])
def test_frames_of_a_clip_come_back(temporal: Temporal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opaque = np.full((32, 48, 1), 255, np.uint8)
    frames = [np.dstack([square(number), opaque]) for number in range(3)]
    clip = write_animation(tmp_path / "clip.png", frames, [40] * 3, 1)
    generator = network("attentiongan2", {"width": 4, "blocks": 1})
    expected = list(translator(generator, "cpu").frames(clip, temporal=temporal))
    with stand_in_device(monkeypatch) as device:
        results = list(translator(generator, None).frames(clip, temporal=temporal))
    for result, wanted in zip(results, expected, strict=True):
        assert_same(result, wanted)
    assert aten.convolution.default in device.operations
    assert not not_on_mps(device.operations)


def test_what_fits_is_told_of_the_device_and_of_the_memory_of_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.translate.running.PIXELS_WITHOUT_ESTIMATE", 0)
    generator, image = Plain(), torch.rand(3, 64, 16)
    expected = translator(generator, "cpu")(image)
    with stand_in_device(monkeypatch, free=2**15):
        on_device = translator(generator, None)
        with pytest.warns(PictureWarning, match="do not fit into memory whole .*computed in strips"):
            assert_same(on_device(image), expected)
        with pytest.raises(ShapeError, match=r"more memory than mps:0 has free .*or another device"):
            on_device(image, tile="off")
        monkeypatch.setattr("attn_i2i.translate.memory._system_free", lambda: image.nbytes - 1)
        with pytest.raises(ShapeError, match=r"more memory than cpu has free .*even in strips"):
            on_device(image, tile=16)


def test_strips_that_the_device_cannot_resize_are_resized_by_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.rand(3, 24, 40)
    expected = translator(Brighten(), "cpu")(image, max_side=20)
    with stand_in_device(monkeypatch) as device:
        device.missing |= {
            torch.ops.aten._upsample_bicubic2d_aa.default,
            torch.ops.aten._upsample_bilinear2d_aa.default,
        }
        on_device = translator(Brighten(), None)
        for tile in ("auto", 8):
            assert_same(on_device(image, max_side=20, tile=tile), expected)


def test_the_stand_in_refuses_what_cards_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    with stand_in_device(monkeypatch):
        there = torch.ones(3, device="mps")
        with pytest.raises(RuntimeError, match="tensors on mps:0 and on cpu"):
            there + torch.ones(3)
        with pytest.raises(TypeError, match="float64"):
            there.double()
        with pytest.raises((TypeError, RuntimeError), match="numpy"):
            there.numpy()
        assert type(there.cpu()) is Tensor


def test_a_result_lies_where_its_picture_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.rand(3, 24, 16)
    with stand_in_device(monkeypatch):
        for tile in ("auto", 8):
            result = translator(Brighten(), None)(image.to("mps"), tile=tile)
            assert {getattr(result, name).device.type for name in PARTS} == {"mps"}


def test_what_is_on_the_device_needs_no_tuning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path))
    monkeypatch.setenv("ATTN_I2I_TUNE", "on")
    with stand_in_device(monkeypatch):
        assert not tune_translator(translator(Brighten(), None), "A2B", (32, 32), again=True)
