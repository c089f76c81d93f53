"""What a network's name tells, where a network is looked for, and how it is described."""

from __future__ import annotations

import pytest
import torch

from attn_i2i.convert.describe import parts_of
from attn_i2i.convert.detect import MAX_NESTING, find_networks
from attn_i2i.convert.names import Clue, read_clue, task_of
from attn_i2i.convert.options import shared_options
from attn_i2i.convert.verify import PATCHES
from attn_i2i.plugins import zoo
from attn_i2i.types import ConversionError

from .helpers.published import resnet


@pytest.mark.parametrize(
    ("path", "direction"),
    [
        (("netG_a_to_b.pth",), "A2B"),
        (("b_to_a_net.pth",), "B2A"),
        (("file", "x_to_y", "state"), "A2B"),
        (("a_to",), None),
        (("a_to_c",), None),
        (("netG_ba",), "B2A"),
        (("latest_BA",), "B2A"),
        (("checkpoint_BA_100",), "B2A"),
        (("ba_G",), "B2A"),
        (("lab_bass",), None),
        (("horse", "A2B"), "A2B"),
    ],
)
def test_directions_are_read_from_names(path: tuple[str, ...], direction: str | None) -> None:
    clue = read_clue(path, "generator")
    assert (clue.direction, clue.is_f) == (direction, False)


@pytest.mark.parametrize(
    ("name", "conflict"),
    [
        ("G_B2A_epoch_A2B", ("B2A", "A2B")),
        ("netG_A2B_BA", ("A2B", "B2A")),
        ("netG_A_netG_B", ("A", "B")),
        ("a_to_b_to_a", ("A2B", "B2A")),
        ("netG_A2A", ("A2A",)),
    ],
)
def test_a_name_that_contradicts_itself_tells_no_direction(name: str, conflict: tuple[str, ...]) -> None:
    clue = read_clue((name,), "generator")
    assert clue == Clue(conflict=conflict)
    assert read_clue(("netG_A2B", name), "generator") == clue, "an entry is not told by its file either"
    assert read_clue((name, "netG_A2B"), "generator").direction == "A2B"


@pytest.mark.parametrize(("levels", "deep"), [(MAX_NESTING, False), (MAX_NESTING + 1, True)])
def test_networks_are_looked_for_some_levels_deep(levels: int, deep: bool) -> None:
    state = {f"{'x.' * levels}{key}": tensor for key, tensor in resnet().state_dict().items()}
    if deep:
        with pytest.raises(ConversionError):
            find_networks(state, "file.pth", zoo().converters)
    else:
        assert len(find_networks(state, "file.pth", zoo().converters)) == 1


def test_a_network_is_described_by_its_convolutions() -> None:
    state = {"a.weight": torch.zeros(8, 4, 7, 5), "b.weight": torch.zeros(3, 8, 1, 2), "n.weight": torch.zeros(8)}
    assert parts_of(state) == (
        "2 convolutions, the first 7x5 from 4 to 8 channels, the last 1x2 from 8 to 3 channels, 1 norm with parameters"
    )


def test_a_score_is_the_mean_of_the_patches() -> None:
    logits = torch.rand(2, 1, 3, 4)
    assert torch.equal(PATCHES["score"](logits), logits.mean((2, 3)))


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("horse2zebra.pth", ("horse", "zebra")),
        ("latest_day_to_night", ("day", "night")),
        ("uk_to_us", ("uk", "us")),
        ("a_to_b", None),
        ("to_night", None),
        ("horse2zebra_day_to_night", None),
    ],
)
def test_tasks_are_read_from_names(name: str, task: tuple[str, str] | None) -> None:
    assert task_of(name) == task


def test_options_are_shared_where_they_agree() -> None:
    configs = {"A2B": {"width": 4, "blocks": 1}, "B2A": {"width": 4, "blocks": 2, "light": True}}
    assert shared_options(configs) == ({"width": 4}, {"A2B": {"blocks": 1}, "B2A": {"blocks": 2, "light": True}})
