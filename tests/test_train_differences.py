"""What a resumed run is told of its differences can be typed: every option named is one of the command's own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import typer

from attn_i2i.cli.main import app
from attn_i2i.cli.wording import running, spelled
from attn_i2i.plugins import zoo
from attn_i2i.recipes import make_recipe
from attn_i2i.train.options import FREE_ON_RESUME, TrainOptions, parse_assignments
from attn_i2i.train.record import Record, check_same
from attn_i2i.types import ConfigError

OTHER_OPTIONS: dict[str, Any] = {
    "epoch_size": 5,
    "batch_size": 2,
    "accumulation": 3,
    "crop_size": "64x128",
    "load_size": "native",
    "range": "0,200",
    "flip": False,
    "seed": 7,
    "channels_last": True,
    "compile": True,
    "ema": 0.5,
}
PICTURES: dict[str, Any] = {"domains": ["A", "B"], "names": "", "labels": None, "samples": {}}
ARGUMENTS: dict[str, Any] = {"data": "/d", "attributes": None, "select": [], "recipe_options": {}, "start": None}


@pytest.fixture(scope="module")
def command() -> Iterator[Any]:
    train = typer.main.get_command(app).commands["train"]  # type: ignore[attr-defined]
    running(train)
    yield train
    running(None)


def record(**changes: Any) -> Record:
    return replace(Record("cyclegan", {}, PICTURES, asdict(TrainOptions()), ARGUMENTS), **changes)


def told(before: Record, now: Record) -> dict[str, str]:
    """What was, and what is now, of each difference as the command line says it."""
    with pytest.raises(ConfigError) as caught:
        check_same(Path("run"), before, now)
    text = spelled(str(caught.value))
    assert text.startswith("run was trained with ")
    assert "): a resumed run goes on as it began" in text
    return dict(re.findall(r"(?:with|(?<=\)),) (.+?) \(now (.+?)\)", text))


def typed(words: str, command: Any) -> Mapping[str, Any]:
    """What the command makes of these words; it stops at an option that it does not have."""
    return command.make_context("train", ["cyclegan", "--data", "d", "-o", "r", *shlex.split(words)]).params


def test_every_option_is_tried() -> None:
    assert OTHER_OPTIONS.keys() == {field.name for field in fields(TrainOptions)} - FREE_ON_RESUME


@pytest.mark.parametrize("name", OTHER_OPTIONS)
def test_options_of_the_engine_are_told_as_they_are_typed(name: str, command: Any) -> None:
    usual, other = asdict(TrainOptions()), asdict(TrainOptions()) | {name: OTHER_OPTIONS[name]}
    ((old, new),) = told(record(options=usual), record(options=other)).items()
    value = typed(new, command)[name]
    assert value == type(value)(OTHER_OPTIONS[name])
    if usual[name] is None or usual[name] is False:
        assert old in (f"no {name}", f"no --{name.replace('_', '-')}")
    else:
        assert TrainOptions.parse({name: typed(old, command)[name]}) == TrainOptions()


@pytest.mark.parametrize(
    "recipe", ["cyclegan", "attentiongan1", "aggan", "ugatit", "stargan", "attentiongan2-multidomain"]
)
def test_options_of_recipes_are_told_as_they_are_typed(recipe: str, command: Any) -> None:
    factory = zoo().recipes.load(recipe)
    with torch.device("meta"):
        options = {name: value for name, value in make_recipe(factory).options.items() if value is not None}
    others = {name: changed(value) for name, value in options.items()}
    for name in options:
        ((old, new),) = told(
            record(recipe_options=options), record(recipe_options=options | {name: others[name]})
        ).items()
        if name in ("generator", "discriminator") or isinstance(options[name], dict):
            continue
        for words, value in ((old, options[name]), (new, others[name])):
            (assignment,) = typed(words, command)["set_"]
            assert parse_assignments([assignment]) == {name: value}


def changed(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return [*value, 1] if isinstance(value, list | tuple) else f"{value}x" if isinstance(value, str) else {"a": 1}


def test_layouts_are_told_by_their_own_words(command: Any) -> None:
    domains = {**PICTURES, "domains": ["Black Hair", "Young"]}
    swapped = {**PICTURES, "domains": ["Young", "Black Hair"]}
    options = {"domains": 2, "image_size": 64, "seed": 0, "generator": "a", "generator.width": 4}
    other = {"domains": 3, "image_size": 32, "seed": 1, "generator": "b", "generator.depth": 4}
    folders = told(record(data=domains), record(data=swapped))
    assert folders == {"the domains Black Hair, Young": "Young, Black Hair"}
    table = [record(data=data, arguments={**ARGUMENTS, "select": data["domains"]}) for data in (domains, swapped)]
    ((old, new),) = told(*table).items()
    assert [typed(words, command)["select"] for words in (old, new)] == ["Black Hair,Young", "Young,Black Hair"]
    engine = asdict(TrainOptions(crop_size=32, seed=1))
    assert told(record(recipe_options=options, data=domains), record(recipe_options=other, options=engine)) == {
        "--crop-size 256": "--crop-size 32",
        "--seed 0": "--seed 1",
        "--set generator=a": "--set generator=b",
        "the domains Black Hair, Young": "A, B",
    }, "what follows from another difference is not told twice"
    assert told(record(), record(recipe="ugatit", options=engine)) == {"the recipe cyclegan": "ugatit"}
