"""Names are never replaced, changes are whole, and every part remembers who supplied it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from attn_i2i.registry import Registry, Zoo, suggestion
from attn_i2i.types import AttnI2IError, DuplicateNameError, UnknownNameError


def make(width: int = 4) -> int:
    """Make a number.

    More about numbers.
    """
    return width


def test_parts_are_found_by_name() -> None:
    registry: Registry[Any] = Registry("generator")
    registry.add("one", make)
    assert "one" in registry
    assert len(registry) == 1
    assert registry.load("one")() == 4
    assert registry["one"].summary == "Make a number."
    assert registry["one"].plugin == "this session"


def test_a_string_target_is_imported_at_first_use() -> None:
    registry: Registry[Any] = Registry("generator")
    sys.modules.pop("colorsys", None)
    registry.add("late", "colorsys:rgb_to_hsv")
    assert "colorsys" not in sys.modules
    assert registry.load("late")(0, 0, 0) == (0, 0, 0)


def claim_both(zoo: Zoo) -> None:
    with zoo.supplied_by("second"):
        zoo.losses.add("extra", make)  # type: ignore[arg-type]
        zoo.heads.add("softmax", make)


def test_a_duplicate_names_both_plugins_and_changes_nothing() -> None:
    zoo = Zoo()
    with zoo.supplied_by("first"):
        zoo.heads.add("softmax", make)
    with pytest.raises(
        DuplicateNameError, match="head 'softmax' is already supplied by plugin 'first': plugin 'second'"
    ):
        claim_both(zoo)
    assert zoo.heads.load("softmax") is make
    assert "extra" not in zoo.losses
    assert zoo.supplied("second") == {}


def test_an_unknown_name_gets_a_suggestion() -> None:
    registry: Registry[Any] = Registry("recipe")
    with pytest.raises(UnknownNameError, match=r"^No recipe is named 'ugatit'. Available: none.$"):
        registry["ugatit"]
    registry.add("ugatit", make)
    with pytest.raises(
        AttnI2IError, match=r"^No recipe is named 'ugatti'. Did you mean 'ugatit'\? Available: ugatit.$"
    ):
        registry.load("ugatti")


def test_kinds_do_not_share_names() -> None:
    zoo = Zoo()
    zoo.generators.add("stargan", make)
    zoo.discriminators.add("stargan", make)
    assert [registry.kind for registry in zoo.registries() if "stargan" in registry] == ["generator", "discriminator"]


def test_forgetting_a_plugin_leaves_the_others() -> None:
    zoo = Zoo()
    for plugin in ("one", "two"):
        with zoo.supplied_by(plugin):
            zoo.generators.add(plugin, make)
            zoo.heads.add(plugin, make)
    assert zoo.supplied("one") == {"generator": ["one"], "head": ["one"]}
    zoo.forget("one")
    assert [entry.name for registry in zoo.registries() for entry in registry] == ["two", "two"]


def test_supplying_can_be_nested() -> None:
    zoo = Zoo()
    with zoo.supplied_by("outer"):
        with zoo.supplied_by("inner"):
            zoo.heads.add("a", make)
        zoo.heads.add("b", make)
    zoo.heads.add("c", make)
    assert [entry.plugin for entry in zoo.heads] == ["inner", "outer", "this session"]


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("TrainA", ["trainB", "trainA"], "trainA"),
        ("UGATIT", ["ugatit", "aggan"], "ugatit"),
        ("BLOND_HAIR", ["Blond_Hair", "Black_Hair"], "Blond_Hair"),
        ("A2b", ["B2A", "A2B"], "A2B"),
        ("keep background", ["keep_background"], "keep_background"),
        ("AB", ["ab", "Ab"], "Ab"),
    ],
)
def test_a_suggestion_looks_past_capitals(name: str, known: list[str], near: str) -> None:
    assert suggestion(name, known) == f" Did you mean {near!r}?"
    assert suggestion("quite another", known) == ""
