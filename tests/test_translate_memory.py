"""What a picture needs is told before a network runs."""

from __future__ import annotations

import errno
import os
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch

from attn_i2i.models.build import create
from attn_i2i.translate import memory
from attn_i2i.translate.batch import translate_files
from attn_i2i.translate.jobs import plan_jobs
from attn_i2i.translate.result import Result
from attn_i2i.types import ShapeError, Translation

from .helpers.bombs import grey_png
from .helpers.commands import Run, files, picture
from .helpers.translators import Brighten, FixedSize, Negative, translator


@pytest.mark.parametrize(
    ("family", "options"), [("attentiongan2", {"masks": 4}), ("cyclegan", {}), ("ugatit", {"light": True})]
)
def test_the_estimate_grows_with_pixels_and_pictures(family: str, options: dict[str, Any]) -> None:
    network = create(family, width=8, blocks=1, **options).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}

    def needed(count: int, side: int) -> int:
        result = memory.needed_bytes(network, torch.Size((count, 3, side, side)), torch.float32, None)
        assert result is not None
        return result

    assert needed(1, 4096) == pytest.approx(4 * needed(1, 2048), rel=0.1)
    assert needed(3, 1024) == pytest.approx(3 * needed(1, 1024), rel=0.1)
    assert needed(1, 1024) > 8 * 4 * 1024**2  # one layer of the network's width, in float32
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_memory_that_is_changed_in_place_or_seen_in_another_shape_counts_once() -> None:
    class Twice(Negative):
        again = False

        def forward(self, image: torch.Tensor, domain: torch.Tensor | None = None) -> Translation:
            made = image * -1
            return Translation(made.mul_(1).flatten(1).add_(0).view_as(image) if self.again else made)

    once, twice, shape = Twice(), Twice(), torch.Size((1, 3, 64, 64))
    twice.again = True
    needed = memory.needed_bytes(once, shape, torch.float32, None)
    assert needed == memory.needed_bytes(twice, shape, torch.float32, None)
    assert needed == int(4 * shape.numel() * memory.LIBRARIES) + 2 * 4 * shape.numel()


def test_a_network_that_needs_contents_is_simply_run() -> None:
    class Curious(Brighten):
        def forward(self, image: torch.Tensor, domain: torch.Tensor | None = None) -> object:
            return super().forward(image * image.mean().item(), domain)

    assert memory.needed_bytes(Curious(), torch.Size((1, 3, 8, 8)), torch.float32, None) is None


def test_fewer_pictures_share_a_batch_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.translate.running.PIXELS_WITHOUT_ESTIMATE", 0)
    network = Brighten()
    one = memory.needed_bytes(network, torch.Size((1, 3, 12, 16)), torch.float32, None)
    assert one is not None
    monkeypatch.setattr("attn_i2i.translate.running.free_bytes", lambda device: 2 * one)
    network.batches.clear()
    assert len(translator(network)(torch.rand(5, 3, 12, 16))) == 5
    assert network.batches == [2, 2, 1]
    with pytest.raises(ShapeError, match=r"4 pictures of 16x12.*smaller batch_size"):
        translator(network)(torch.rand(4, 3, 12, 16), batch_size=4)
    monkeypatch.setattr("attn_i2i.translate.running.free_bytes", lambda device: one - 1)
    with pytest.raises(
        ShapeError, match=r"image-0001: 16x12 pixels need more memory than cpu has free .*GB, 0\.0 are free.*reduce"
    ):
        translator(network)(torch.rand(4, 3, 12, 16), tile="off")


def test_free_memory_is_what_the_system_and_its_limits_leave() -> None:
    free = memory.free_bytes(torch.device("cpu"))
    assert free is None or 2**20 < free < 2**50
    assert memory.free_bytes(torch.device("meta")) is None


def test_a_limit_on_the_address_space_bounds_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (used + 2**24, resource.RLIM_INFINITY))
    free = memory.free_bytes(torch.device("cpu"))
    assert free is not None
    assert abs(free - 2**24) < 2**23  # what this process took or gave back meanwhile
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY,) * 2)
    assert memory._process_free() is None


def test_a_picture_too_large_is_named_and_the_good_ones_beside_it_are_done(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attn_i2i.translate.running.free_bytes", lambda device: 2**26)
    for name in ("a.png", "c.png"):
        picture(f"in/{name}")
    Path("in/b.png").write_bytes(grey_png(1500, 1500))
    code, out, err = run("translate", "in", "-o", "out", "-m", model, "--tile", "off")
    assert (code, out) == (1, "2 of 3 pictures translated to out\n")
    assert files("out") == ["a.png", "c.png"]
    assert err.startswith("skipped: in/b.png: b.png: 1500x1500 pixels need more memory than cpu has free")
    assert "--dtype bfloat16" in err


def test_a_picture_may_take_all_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.translate.running.PIXELS_WITHOUT_ESTIMATE", 0)
    monkeypatch.setattr("attn_i2i.translate.running.free_bytes", lambda device: 5000)
    monkeypatch.setattr("attn_i2i.translate.running.needed_bytes", lambda *_: 5000)
    network = Brighten()
    assert len(translator(network)(torch.rand(2, 3, 12, 16))) == 2
    assert network.batches == [1, 1]


def test_a_full_disk_of_temporary_files_costs_one_picture(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(shape: tuple[int, ...], *rest: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("attn_i2i.translate.tiles.picture.ScratchArray", full)
    for name, side in (("a", 16), ("b", 32)):
        picture(f"in/{name}.png", (side, side))
    code, out, err = run("translate", "in", "-o", "out", "-m", model, "--tile", "24")
    assert (code, out) == (1, "1 of 2 pictures translated to out\n")
    assert "skipped: in/b.png" in err
    assert "No space left" in err


def test_a_large_result_is_gone_before_the_next_picture_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("attn_i2i.translate.batch.LARGE", 0)
    alive: list[weakref.ref[torch.Tensor]] = []

    class Watched(Negative):
        def forward(self, image: torch.Tensor, domain: torch.Tensor | None = None) -> Translation:
            assert not [gone for gone in alive if gone() is not None]
            return super().forward(image)

    class Watching(Result):
        def __init__(self, *parts: Any, **named: Any) -> None:
            super().__init__(*parts, **named)
            alive.append(weakref.ref(self.image))

    monkeypatch.setattr("attn_i2i.translate.compositing.Result", Watching)
    for number in range(3):
        picture(f"in/{number}.png", (8 + number, 8))
    report = translate_files(translator(Watched()), plan_jobs(["in"], Path("out")).jobs)
    assert len(report.written) == 3
    assert alive


def test_a_long_picture_counts_by_its_pixels_where_a_network_sees_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.translate.running.PIXELS_WITHOUT_ESTIMATE", 1000)
    monkeypatch.setattr("attn_i2i.translate.running.free_bytes", lambda device: 5000)
    monkeypatch.setattr("attn_i2i.translate.running.needed_bytes", lambda *_: 5001)
    with pytest.raises(ShapeError, match="more memory than cpu has free"):
        translator(FixedSize())(torch.rand(3, 15, 400), size="fit")


def test_the_estimate_is_what_lives_at_once_and_what_is_returned() -> None:
    needed = memory.needed_bytes(Brighten(), torch.Size((1, 3, 64, 64)), torch.float32, None)
    assert needed is not None
    plane = 4 * 64 * 64  # bytes of one channel
    returned = plane * (3 + 3 + 6) + plane // 4  # the image, three masks, two contents, a heatmap of half the size
    assert 2 * returned < needed - memory.LIBRARIES * 12 * plane < 2 * returned + memory.LIBRARIES * 24 * plane


def test_what_libraries_take_is_a_share_of_what_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    def needed(share: float) -> int:
        monkeypatch.setattr(memory, "LIBRARIES", share)
        return memory.needed_bytes(Brighten(), torch.Size((1, 3, 64, 64)), torch.float32, None) or 0

    assert needed(3.0) - needed(2.0) == needed(2.0) - needed(1.0) >= 12 * 4 * 64 * 64


def test_a_groups_limit_leaves_what_is_not_used_and_what_is_only_cached(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("600\n")
    (tmp_path / "memory.stat").write_text("anon 250\ninactive_file 40\nactive_file 7\n")
    assert memory._group_free(tmp_path) == 440
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._group_free(tmp_path) is None


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("attn_i2i.images.read.from_pil", "skipped: a.png does not fit into the memory that is free: reduce it."),
        ("attn_i2i.translate.running.assemble", "skipped: a.png: it does not fit into the memory that is free"),
        ("attn_i2i.translate.result.Result.save", "skipped: a.png: it does not fit into the memory that is free"),
    ],
)
def test_a_shortage_of_memory_is_never_damage_nor_an_allocators_text(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch, where: str, says: str
) -> None:
    def short(*_: Any, **__: Any) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] . can't allocate memory: you tried to allocate 9 bytes")

    picture("a.png")
    monkeypatch.setattr(where, short)
    code, _, err = run("translate", "a.png", "-o", "out", "-m", model)
    assert code == 1
    assert err.startswith(says)
    assert "alloc" not in err
