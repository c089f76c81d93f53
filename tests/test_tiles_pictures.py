"""Pictures in strips: the answer of the whole picture, in less memory, and nothing left behind."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attn_i2i.images.picture import PictureWarning
from attn_i2i.models.build import create
from attn_i2i.models.config import ModelConfig
from attn_i2i.translate import Translator, tiling
from attn_i2i.translate.result import Result
from attn_i2i.translate.tiles import scratch, stream
from attn_i2i.translate.tiles.plan import analyse, passes
from attn_i2i.translate.tiles.trace import trace
from attn_i2i.types import ConfigError, ShapeError, Translation

from .helpers.commands import Run, picture, pixels
from .helpers.strips import forward, network, of
from .helpers.translators import Brighten, FixedSize, Negative, translator

SMALL: dict[str, Any] = {"width": 4, "blocks": 1}
PARTS = ("image", "foreground", "background", "mask", "contents", "heatmap", "raw_heatmap", "kept")


def assert_same(strips: Result, whole: Result, tolerance: float = 1e-4) -> None:
    for name in PARTS:
        expected, answer = getattr(whole, name), getattr(strips, name)
        assert (expected is None) == (answer is None), name
        if expected is not None:
            torch.testing.assert_close(answer.double(), expected.double(), rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("RGB", {}),
        ("RGB", {"threshold": 0.5, "strength": 0.5}),
        ("RGB", {"mask": torch.eye(48)[None]}),
        ("16 bit", {"keep_background": True}),
        ("16 bit", {"max_side": 20}),
    ],
    ids=str,
)
def test_a_result_of_strips_is_that_of_the_whole(
    source: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attn_i2i.translate.tiles.picture.PART_IN_MEMORY", 2**13)  # contents and masks go into files
    monkeypatch.setattr(stream, "IN_MEMORY", 0)
    values: Any = torch.rand(3 if source == "RGB" else 1, 48, 48)
    if source == "16 bit":
        values = (values[0].numpy() * 65535).astype(np.uint16)
    translate = of(network("attentiongan2", SMALL))
    with pytest.warns(PictureWarning) if source != "RGB" else nullcontext():
        whole, strips = (translate(values, tile=tile, **options) for tile in ("off", 16))
    assert_same(strips, whole)
    if strips.kept is not None:
        assert strips.origin is not None
        assert np.array_equal(strips.picture().numbers()[strips.kept.numpy()], strips.origin.numbers()[strips.kept])


def test_networks_without_masks_with_margins_and_heatmaps() -> None:
    image = torch.rand(3, 48, 40)
    for generator in (
        network("cyclegan", {**SMALL, "edge": 1}),
        network("ugatit", {**SMALL, "light": True}),
        Brighten(),
    ):
        translate = of(generator)
        assert_same(translate(image, tile=16), translate(image, tile="off"))
    low = Translator({"A2B": network("cyclegan", SMALL)}, ModelConfig("x", {}, ["A2B"]), device="cpu", dtype="bfloat16")
    assert_same(low(image, tile=16), low(image, tile="off"), 0.1)


class Woven(nn.Module):
    """Its image is made of its mask with the rows around, its heatmap is as large as the picture, and it counts."""

    def __init__(self) -> None:
        super().__init__()
        self.mask, self.image = nn.Conv2d(3, 1, 3, padding=1), nn.Conv2d(4, 3, 7, padding=3)

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        mask = self.mask(image).sigmoid()
        bright = (image > 0).sum((2, 3), keepdim=True) / image[0, 0].numel()
        return Translation((self.image(torch.cat([image, mask], 1)) * bright).tanh(), mask, heatmap=mask)


@pytest.mark.parametrize("rows", [1, 5, 37])
def test_parts_that_are_made_of_each_other_stay_in_their_rows(rows: int) -> None:
    torch.manual_seed(0)
    translate, image = of(Woven()), torch.rand(3, 37, 41)
    assert translate.tiling.kind == "exact"
    assert_same(translate(image, tile=rows), translate(image, tile="off"))


class Attends(nn.Module):
    """Every pixel sees every other one."""

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(0.5))

    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        tokens = image.flatten(2).transpose(1, 2)
        seen = F.scaled_dot_product_attention(tokens, tokens, tokens).transpose(1, 2).unflatten(2, image.shape[2:])
        return Translation((image * self.level + seen * 0).tanh())


class Noisy(Negative):
    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return super().forward(image + torch.rand_like(image) * 0)


class Decides(Negative):
    def forward(self, image: Tensor, domain: Tensor | None = None) -> Translation:
        return super().forward(image if image.mean() > -9 else -image)


@pytest.mark.parametrize("kind", [Attends, Noisy, Decides])
def test_what_cannot_be_exact_is_said_and_blended(kind: type[nn.Module]) -> None:
    generator = kind()
    assert tiling(generator).kind == "approximate"
    assert tiling(generator).why
    image = torch.rand(3, 50, 37)
    translate = of(generator)
    with pytest.warns(PictureWarning, match="tiles of 16 pixels.*seams may show"):
        tiles = translate(image, tile=16)
    # These networks look at single pixels only, so that nothing is lost where tiles fade into each other.
    torch.testing.assert_close(tiles.image, translate(image, tile="off").image, rtol=0, atol=1e-5)


def test_networks_of_one_size_refuse() -> None:
    assert tiling(FixedSize()).kind == "refused"
    assert tiling(create("ugatit", width=4, blocks=1, image_size=32)).kind == "refused"
    for size, side in ((None, 16), ("fit", 40)):
        with pytest.raises(ShapeError, match=r"cannot be computed in strips \(tile\).*fix the size"):
            translator(FixedSize())(torch.rand(3, side, side), tile=8, size=size)  # type: ignore[call-overload]


def test_a_network_may_say_less_of_itself_but_nothing_else() -> None:
    generator: Any = Brighten()
    generator.tiling = "refused"
    with pytest.raises(ShapeError, match="cannot be computed in strips"):
        translator(generator)(torch.rand(3, 20, 20), tile=8)
    generator.tiling = "sometimes"
    with pytest.raises(ConfigError, match=r"tiling='sometimes'.*'exact'"):
        tiling(generator)


def test_strips_are_chosen_where_the_whole_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.translate.running.PIXELS_WITHOUT_ESTIMATE", 0)
    translate, image = of(network("cyclegan", {"width": 16, "blocks": 1})), torch.rand(3, 128, 64)
    whole = translate(image)
    free = 2**20
    for module in ("running", "tiles.picture"):
        monkeypatch.setattr(f"attn_i2i.translate.{module}.free_bytes", lambda device: free)
    with pytest.warns(PictureWarning, match=r"64x128 pixels do not fit into memory whole \(.*GB.*computed in strips"):
        assert_same(translate(image), whole)
    with pytest.raises(ShapeError, match="more memory than cpu has free"):
        translate(image, tile="off")
    monkeypatch.setattr("attn_i2i.translate.tiles.picture.free_bytes", lambda device: 2**10)
    with pytest.raises(ShapeError, match="even in strips"), pytest.warns(PictureWarning):
        translate(image)


@pytest.mark.filterwarnings("ignore:.*computed in tiles")
@pytest.mark.parametrize("kind", ["exact", "approximate"])
def test_the_image_that_strips_make_has_to_fit_too(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network: Any = Brighten()
    network.tiling = kind
    image = torch.rand(3, 512, 64)
    for free, fits in ((image.nbytes - 1, False), (3 * image.nbytes, True)):
        monkeypatch.setattr("attn_i2i.translate.tiles.picture.free_bytes", lambda device, free=free: free)
        with nullcontext() if fits else pytest.raises(ShapeError, match="even in strips"):
            translator(network)(image, tile=64)


def streaming(budget: int, rows: int | None = None, side: int = 128) -> stream.StripStream:
    generator = network("attentiongan2", {"width": 8, "blocks": 1})
    traced = trace(generator, torch.Size((1, 3, side, side)), torch.float32, None, forward)
    return stream.StripStream(analyse(traced, torch.device("cpu")), budget, rows)


def test_strips_hold_no_more_than_their_budget() -> None:
    chosen = streaming(2**20)
    assert all(chosen.strip_bytes(step, chosen.count(step)) <= 2**20 for step in chosen.plan)
    narrow, wide = (streaming(0, rows) for rows in (8, 128))
    assert max(narrow.strip_bytes(step, narrow.count(step)) for step in narrow.plan) < 0.3 * max(
        wide.strip_bytes(step, wide.count(step)) for step in wide.plan
    )


def test_bytes_are_those_of_the_values() -> None:
    generator = network("attentiongan2", {"width": 8, "blocks": 1})
    graph = analyse(trace(generator, torch.Size((1, 3, 48, 32)), torch.float32, None, forward), torch.device("cpu"))
    chosen = stream.StripStream(graph, 2**20)
    maps = [node for step in chosen.plan for node in step.maps]
    assert [chosen._bytes(node) for node in maps] == [4 * graph.traced.shapes[node].numel() for node in maps]


def test_what_is_kept_between_passes_is_small_and_every_row_is_made_once() -> None:
    """At a width of 64 full-size maps are made anew, and the maps at a quarter of the size are kept: four at most."""
    generator = network("attentiongan2", {"width": 64, "blocks": 2})
    traced = trace(generator, torch.Size((1, 3, 512, 512)), torch.float32, None, forward)
    graph = analyse(traced, torch.device("cpu"))
    plan = passes(graph)
    assert {graph.traced.shapes[node][-2:] for step in plan for node in step.keeps} == {(128, 128)}
    assert stream.StripStream(graph, 2**26).scratch_bytes <= 4 * 256 * 128**2 * 4
    work = sum(graph.cost(node) for step in plan for node in step.maps)
    assert work < 1.6 * sum(map(graph.cost, graph.rows))


def open_files() -> set[str]:
    return {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.exists() or link.is_symlink()}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("disk full")])
def test_nothing_is_left_after_an_interruption(
    error: BaseException | type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("attn_i2i.translate.tiles.picture.PART_IN_MEMORY", 0)
    monkeypatch.setattr(stream, "IN_MEMORY", 0)
    translate, image = of(network("attentiongan2", SMALL)), torch.rand(3, 48, 32)
    write, calls = scratch.ScratchArray.write, [0]

    def failing(array: scratch.ScratchArray, first: int, strip: Tensor) -> None:
        calls[0] += 1
        if first > 20:
            assert not list(tmp_path.iterdir())  # files have no names, so that a kill leaves nothing either
            raise error
        write(array, first, strip)

    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    monkeypatch.setattr(scratch.ScratchArray, "write", failing)
    with pytest.raises(type(error) if isinstance(error, BaseException) else error):
        translate(image, tile=8)
    assert calls[0] > 3
    after = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    assert (after, list(tmp_path.iterdir())) == (before, [])


def test_a_small_disk_is_told_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "IN_MEMORY", 0)
    monkeypatch.setattr(scratch.shutil, "disk_usage", lambda folder: SimpleNamespace(free=100))
    with pytest.raises(ShapeError, match=r"GB of temporary files.*TMPDIR"):
        of(network("cyclegan", SMALL))(torch.rand(3, 48, 32), tile=16)


def test_a_reduced_picture_keeps_its_background_bit_for_bit() -> None:
    image = torch.rand(3, 48, 64)
    result = translator(Brighten())(image, max_side=20, keep_background=True)
    assert result.image.shape == image.shape
    assert torch.equal(result.image[..., 40:], image[..., 40:])
    assert not torch.equal(result.image[..., :24], image[..., :24])


@pytest.mark.parametrize("options", [{"tile": 0}, {"tile": "on"}, {"tile": True}, {"max_side": 0}], ids=str)
def test_wrong_options_are_told(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        translator(Brighten())(torch.rand(3, 16, 16), **options)


def test_the_command_takes_both(run: Run, model: Path) -> None:
    picture("a.png", size=(40, 48))
    for name, *options in (("whole", "--tile", "off"), ("strips", "--tile", "16"), ("small", "--max-side", "20")):
        assert run("translate", "a.png", "-o", f"{name}.png", "-m", model, *options)[0] == 0
    assert np.abs(pixels("whole.png").astype(int) - pixels("strips.png")).max() <= 1
    assert pixels("small.png").shape == pixels("whole.png").shape
    code, _, err = run("translate", "a.png", "-o", "b.png", "-m", model, "--tile", "many")
    assert code == 2
    assert "--tile many" in err
