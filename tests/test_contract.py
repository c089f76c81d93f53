"""Every registered part keeps the contract."""

from __future__ import annotations

import re

import pytest

from attn_i2i.blocks import ImageHead
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


def test_no_converter_claims_another_familys_networks() -> None:
    own = [
        factory.load()().state_dict()
        for factory in (MANAGER.zoo.generators["cyclegan"], MANAGER.zoo.generators["aggan"])
    ]
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
