"""Every registered part keeps the contract."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from attn_i2i.blocks import ImageHead
from attn_i2i.convert import checkpoint_files, find_networks, read_checkpoint
from attn_i2i.plugins import PluginManager
from attn_i2i.plugins._manager import BUILTINS
from attn_i2i.testing import Checked, check_plugin
from attn_i2i.testing.converters import foreign_states

MANAGER = PluginManager()
SMALL = {"width": 4, "blocks": 1, "layers": 2, "light": True, "discriminator_width": 4, "discriminator_layers": 2}


@pytest.mark.parametrize("plugin", BUILTINS)
def test_every_builtin_part_keeps_the_contract(plugin: str) -> None:
    checked = list(check_plugin(MANAGER, plugin, SMALL))
    assert checked
    assert not [one for one in checked if one.problem]


CASES = Path(__file__).parent / "cases"
# Layouts that look like ours from afar, by the shapes of some of their tensors.
STRANGERS: dict[str, dict[str, tuple[int, ...]]] = {
    "resnet": {"conv1.weight": (64, 3, 7, 7), "bn1.weight": (64,), "layer1.0.conv1.weight": (64, 64, 3, 3)},
    "vgg": {"features.0.weight": (64, 3, 3, 3), "features.2.weight": (64, 64, 3, 3), "classifier.0.bias": (4096,)},
    "a unet of layers by number": {
        "layers.0.weight": (64, 3, 4, 4),
        "layers.1.layers.1.weight": (128, 64, 4, 4),
        "layers.3.weight": (128, 3, 4, 4),
    },
    "fast style transfer": {
        "conv1.conv2d.weight": (32, 3, 9, 9),
        "in1.weight": (32,),
        "res1.conv1.conv2d.bias": (128,),
    },
    "diffusion": {"down_blocks.0.resnets.0.conv1.weight": (128, 128, 3, 3), "conv_in.weight": (128, 4, 3, 3)},
}


@pytest.mark.parametrize("case", sorted(path.parent.name for path in CASES.glob("*/case.json")))
def test_a_published_file_is_claimed_by_its_own_family_alone(case: str) -> None:
    owners = {entry.name: entry.plugin for entry in MANAGER.zoo.converters}
    published = json.loads((CASES / case / "case.json").read_text(encoding="utf-8"))["family"]
    family = next(plugin for plugin in BUILTINS if plugin in published)
    hosts = {"attentiongan": {"cyclegan", "stargan"}}.get(family, set())  # whose discriminators it trains with
    files = [path for path in checkpoint_files(CASES / case) if path.name != "io.safetensors"]
    for path in files:  # find_networks raises where two layouts claim the same tensors
        networks = find_networks(read_checkpoint(path), path.name, MANAGER.zoo.converters)
        assert networks
        assert {owners[network.converter.name] for network in networks} <= {family} | hosts


@pytest.mark.parametrize("stranger", STRANGERS)
def test_no_converter_claims_a_strangers_file(stranger: str) -> None:
    state = {key: torch.zeros(shape) for key, shape in STRANGERS[stranger].items()}
    claims = [entry.name for entry in MANAGER.zoo.converters if entry.load().split(state, "latest_net_G.pth")]
    assert not claims


def test_no_converter_claims_networks_that_are_converted_already() -> None:
    with torch.device("meta"):  # names and shapes are all that a converter may look at
        own = [entry.load()().state_dict() for entry in MANAGER.zoo.generators]
    for entry in MANAGER.zoo.converters:
        for state in [*own, *foreign_states()]:
            assert not entry.load().split(state, "latest_net_G.pth"), entry.name


def test_a_part_that_cannot_be_imported_is_named() -> None:
    manager = PluginManager()
    with manager.zoo.supplied_by("mine"):
        manager.zoo.generators.add("gone", "attn_i2i.no_such_module:generator")
        manager.zoo.heads.add("fine", ImageHead)
    first, second = check_plugin(manager, "mine")
    assert re.search("no_such_module.*ModuleNotFoundError", first.problem or "")
    assert second == Checked("head", "fine", None)
