"""A card that cannot be had is named and left out; one of a taken name names both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attn_i2i.models import list_models
from attn_i2i.models.cards import cards, find_card, get_card
from attn_i2i.plugins import PluginWarning, manager
from attn_i2i.testing.plugins import check_plugin
from attn_i2i.types import DuplicateNameError

from .helpers.commands import Run

CARD = """
summary = "A model"
architecture = "cyclegan"
task = "a2b"
licence = "MIT"
aliases = [{aliases}]
[directions]
A2B = "a2b"
[weights]
repo = "acme/model"
revision = "{commit}"
[weights.sha256]
"config.json" = "{digest}"
"A2B.safetensors" = "{digest}"
"""


def card(folder: Path, name: str, aliases: str = "") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(CARD.format(aliases=aliases, commit="c" * 40, digest="d" * 64))
    return path


@pytest.mark.filterwarnings("default::attn_i2i.plugins.PluginWarning")
@pytest.mark.parametrize("target", ["fixture_nowhere:card", "EXITS:card", "json:dumps", "json:nothing"])
def test_a_card_that_cannot_be_had_costs_only_itself(
    run: Run, session: Callable[[Any], None], exits: str, target: str
) -> None:
    session(lambda zoo: zoo.cards.add("mine-a2b", target.replace("EXITS", exits)))
    with pytest.warns(PluginWarning, match=r"The card 'mine-a2b' of plugin 'mine' is left out: "):
        assert "mine-a2b" not in cards()
    for command in (["list"], ["show", "cyclegan-flat2clay"], ["load", "cyclegan-flat2clay"]):
        code, _, err = run(*command)
        assert code == 0
        assert all(
            line.startswith("warning: The card 'mine-a2b' of plugin 'mine' is left out: ") for line in err.splitlines()
        )
        assert err
    (checked,) = check_plugin(manager(), "mine")
    assert checked.problem


def test_a_plugins_card_is_read_when_it_is_asked_for(tmp_path: Path, session: Callable[[Any], None]) -> None:
    path = card(tmp_path, "mine-a2b", '"ours"')
    session(lambda zoo: zoo.cards.add("mine-a2b", path))
    assert get_card("ours") is find_card("mine-a2b")
    assert "mine-a2b" in list_models(licence="MIT")
    (checked,) = check_plugin(manager(), "mine")
    assert checked == ("card", "mine-a2b", None)


def test_a_card_that_names_another_model_is_left_out(tmp_path: Path, session: Callable[[Any], None]) -> None:
    path = card(tmp_path, "other")
    session(lambda zoo: zoo.cards.add("mine-a2b", path))
    with pytest.warns(PluginWarning, match="is registered as 'mine-a2b', but names itself 'other'"):
        cards()


def test_a_card_of_a_taken_name_names_both(tmp_path: Path, session: Callable[[Any], None]) -> None:
    path = card(tmp_path, "cyclegan-flat2clay")
    with pytest.raises(
        DuplicateNameError, match="card 'cyclegan-flat2clay' is already supplied by plugin 'zoo': plugin"
    ):
        session(lambda zoo: zoo.cards.add("cyclegan-flat2clay", path))


@pytest.mark.parametrize("alias", ["cyclegan-flat2clay", "attentiongan2-maps"])
def test_an_alias_of_a_taken_name_names_both(tmp_path: Path, session: Callable[[Any], None], alias: str) -> None:
    before = find_card(alias)
    path = card(tmp_path, "a-first-by-name", f'"{alias}", "free"')
    session(lambda zoo: zoo.cards.add("a-first-by-name", path))
    with pytest.warns(PluginWarning, match=f"'{alias}' is already a name of the card .* of plugin 'zoo'"):
        assert find_card(alias) == before
    with pytest.warns(PluginWarning):
        assert get_card("free").name == "a-first-by-name"


def test_a_card_of_the_name_of_an_alias_is_left_out(tmp_path: Path, session: Callable[[Any], None]) -> None:
    before = find_card("attentiongan1-celeba_128")
    path = card(tmp_path, "attentiongan1-celeba_128")
    session(lambda zoo: zoo.cards.add("attentiongan1-celeba_128", path))
    with pytest.warns(PluginWarning, match="card .* of plugin 'mine' is left out: .* already a name of the card .*zoo"):
        assert find_card("attentiongan1-celeba_128") == before
    assert before is not None
    assert before.name == "attentiongan1-celeba-128"


def test_a_path_given_as_text_is_told_apart_from_a_module(tmp_path: Path, session: Callable[[Any], None]) -> None:
    session(lambda zoo: zoo.cards.add("mine-a2b", str(card(tmp_path, "mine-a2b"))))
    with pytest.warns(PluginWarning, match="is text, which names a module: give a file as a pathlib.Path"):
        cards()
