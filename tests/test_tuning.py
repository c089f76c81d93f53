"""The quickest way is measured once and remembered; no time is measured here, all of it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attn_i2i.blocks import allow_winograd
from attn_i2i.blocks.convolution import METHODS, Conv2d, conv2d_by_columns, way_at
from attn_i2i.models.build import create
from attn_i2i.tuning import Tuner, Work, work
from attn_i2i.tuning.timing import FORWARD, measure, quickest, shortest
from attn_i2i.tuning.tuner import PLAIN
from attn_i2i.types import ConfigError

from .helpers.tuning import FAST, SIDE, Told, fitted, never, own_home, picture


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model store of this test's own, and leave to measure."""
    return own_home(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("seconds", "exact", "rounded"),
    [
        (FAST, "direct", "winograd"),
        ({"direct": 1.0, "winograd": 1.48, "channels-last": 1.1}, "direct", "direct"),
        ({"direct": 1.0, "winograd": 0.96, "channels-last": 0.97}, "direct", "direct"),
        ({"direct": 1.0, "winograd": 0.8, "channels-last": 0.7}, "channels-last", "channels-last"),
    ],
)
def test_the_quickest_allowed_way_is_taken(seconds: Mapping[str, float], exact: str, rounded: str) -> None:
    conv = fitted(Told(seconds))
    for allowed, way in ((False, exact), (None, exact), (True, rounded)):
        allow_winograd(conv, allowed)
        assert conv._method(picture()) is METHODS[way]


def test_every_way_gives_the_convolution() -> None:
    conv, x = Conv2d(5, 3, 7, padding_mode="reflect").double(), torch.randn(2, 5, 9, 12, dtype=torch.float64)
    for way in ("columns", "channels-last"):
        torch.testing.assert_close(conv.by(METHODS[way], x), conv.by(None, x))
        assert conv.by(METHODS[way], x).is_contiguous()


def test_sizes_take_the_way_of_the_nearest_that_was_measured() -> None:
    told = Told({"direct": 1.0, "winograd": 2.0}, {"direct": 4.0, "winograd": 1.0})
    conv, once = Conv2d(128, 128, 3), Tuner(told)
    for side in (32, 64, 60, 2 * SIDE):
        once.fit(nn.Sequential(conv), [picture(side)])
    assert [work.level for work in told.asked] == [5, 6]
    assert conv.ways is not None
    assert [way_at(conv.ways[1], pixels) for pixels in (1, 2047, 2048, 10**7)] == ["direct"] * 2 + ["winograd"] * 2


def test_off_is_plain_torch_and_the_switch_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_I2I_TUNE", "off")
    narrow = Conv2d(64, 3, 7)
    for conv in (narrow, Conv2d(128, 128, 3)):
        allow_winograd(conv)
        Tuner(never).fit(conv, [torch.empty(1, conv.in_channels, SIDE, SIDE)])
        assert conv._method(torch.empty(1, conv.in_channels, SIDE, SIDE)) is None
    monkeypatch.setenv("ATTN_I2I_TUNE", "fast")
    with pytest.raises(ConfigError, match="ATTN_I2I_TUNE is 'fast', expected on, off"):
        Tuner(never).fit(narrow, [torch.empty(1, 64, SIDE, SIDE)])


def test_small_work_and_unknown_networks_are_not_measured() -> None:
    class Untold(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = Conv2d(128, 3, 7)

        def forward(self, image: Tensor) -> Tensor:
            answer: Tensor = self.conv(image * float(image.mean()))
            return answer

    small, untold = Conv2d(128, 128, 3), Untold()
    Tuner(never).fit(small, [picture(8)])
    Tuner(never).fit(untold, [picture(64)])
    assert small.ways == PLAIN
    assert untold.conv._method(picture(64)) is conv2d_by_columns


class ByLength(nn.Module):
    """A network that asks for the first picture of its batch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = Conv2d(3, 4, 3)

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = self.conv(images[[0]])
        return answer


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("cyclegan", {}),
        ("attentiongan2", {}),
        ("ugatit", {"light": True, "image_size": 64}),
        ("aggan", {}),
        ("stargan", {"domains": 2}),
    ],
)
def test_the_sizes_of_all_convolutions_are_known_without_what_imports_torchs_compiler(
    architecture: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tensors without content import it, which takes longer than a first picture."""
    network = create(architecture, width=4, blocks=1, **options).eval()
    inputs = [torch.zeros(2, 3, 64, 64), *([torch.zeros(2, 2)] if "domains" in options else [])]
    monkeypatch.setattr(work, "_outline", None)
    seen = work.convolutions(network, inputs, {})
    assert set(seen) == {module for module in network.modules() if isinstance(module, Conv2d)}
    assert max(max(sizes) for sizes in seen.values()) == 2 * 64 * 64
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_a_network_that_takes_no_empty_batch_is_asked_by_shapes() -> None:
    network = ByLength()
    assert work.convolutions(network, [torch.zeros(2, 3, 8, 8)], {}) == {network.conv: [64]}


def test_patience_ends_and_what_is_left_goes_torchs_way() -> None:
    network = nn.Sequential(Conv2d(128, 128, 3), Conv2d(128, 256, 3))
    seconds: Iterator[float] = iter([0.0, 0.0, 3.0])
    told = Told(FAST)
    Tuner(told, clock=lambda: next(seconds)).fit(network, [picture()], patience=2)
    assert [work.outputs for work in told.asked] == [256]  # the costliest first
    assert network[0].ways == PLAIN
    fitted(told)
    assert [work.outputs for work in told.asked] == [256, 128]


def test_threads_measure_once() -> None:
    told = Told(FAST)
    shared, network = Tuner(told), nn.Sequential(Conv2d(128, 128, 3))
    threads = [threading.Thread(target=shared.fit, args=(network, [picture()])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told.asked) == 1


@pytest.mark.parametrize(
    ("seconds", "rivals", "runs"),
    [
        ((1, 1.25, 4), (), "abcabab"),
        ((1, 1.1, 4), (), "abcababab"),
        ((1, 2, 4), (), "abca"),
        ((1, 2, 2.1), ("abc", "bc"), "abcabcbcbc"),  # where a is not allowed, b and c are still to be compared
    ],
)
def test_ways_take_turns_as_long_as_they_can_win(
    seconds: tuple[float, ...], rivals: tuple[str, ...], runs: str
) -> None:
    now, order = [0.0], list[str]()

    def run_of(name: str, seconds: float) -> Callable[[], None]:
        def go() -> None:
            order.append(name)
            now[0] += seconds

        return go

    told = dict(zip("abc", seconds, strict=True))
    found = shortest({name: run_of(name, s) for name, s in told.items()}, lambda: now[0], rivals=rivals)
    assert found == pytest.approx(told)
    assert "".join(order) == runs


def test_a_first_call_is_no_part_of_a_ways_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Winograd's operator imports PyTorch's compiler at its first call: it was never the quickest in its process."""
    sides, forward = list[int](), FORWARD["winograd"]

    def watched(padded: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        sides.append(padded.shape[-1] - 2)
        return forward(padded, weight, bias)

    monkeypatch.setitem(FORWARD, "winograd", watched)
    measure(Conv2d(128, 128, 3), Work(128, 128, 3, 4, "float32", 1, False))
    assert sides[:2] == [8, 16]


def test_measuring_leaves_the_network_and_the_random_numbers_alone() -> None:
    conv = Conv2d(4, 3, 7)
    before, state = {k: v.clone() for k, v in conv.state_dict().items()}, torch.get_rng_state()
    for both in (False, True):
        seconds = measure(conv, Work(4, 3, 7, 3, "float32", 1, both))
        assert seconds.keys() == {"direct", "columns", "channels-last"}
        assert quickest(seconds, rounded=True) in seconds
    assert torch.equal(torch.get_rng_state(), state)
    assert conv.weight.grad is None
    assert all(torch.equal(value, before[name]) for name, value in conv.state_dict().items())
