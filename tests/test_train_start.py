"""What a training begins from: a model by its folder, its run or its name; what is no model says what to do."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from attn_i2i.files import sha256
from attn_i2i.models import ModelConfig, save_model
from attn_i2i.models.checksums import write_sums
from attn_i2i.plugins import zoo
from attn_i2i.train import TrainingWarning, resume
from attn_i2i.train.export import start_from
from attn_i2i.types import ConfigError, UnknownNameError, UnreadableFileError

from .helpers.trainings import run, weights

FROZEN: dict[str, Any] = {"steps": 1, "recipe_options": {"pool": 2, "learning_rate": 0.0}}


@pytest.fixture(scope="module")
def first(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one step."""
    folder = tmp_path_factory.mktemp("first") / "run"
    run(data, folder, steps=1)
    return folder


def edit(model: Path, **changes: Any) -> None:
    """Change the configuration of a model, and its sums with it."""
    path = model / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    (model / "SHA256SUMS").unlink()
    write_sums(model, {file.name: sha256(file) for file in model.iterdir() if file.name != "README.md"})


def test_a_run_stands_for_its_model(data: Path, tmp_path: Path, first: Path) -> None:
    assert weights(run(data, tmp_path / "run", start=first, **FROZEN)) == weights(first / "model")


@pytest.mark.parametrize("name", ["A2B", "photo2anime"])
def test_a_model_of_one_direction_begins_that_one_and_the_other_is_said_to_be_fresh(
    data: Path, tmp_path: Path, first: Path, name: str
) -> None:
    model = shutil.copytree(first / "model", tmp_path / "model")
    (model / "B2A.safetensors").unlink()
    (model / "A2B.safetensors").rename(model / f"{name}.safetensors")
    edit(model, directions=[name])
    with pytest.warns(TrainingWarning) as said:
        trained = run(data, tmp_path / "run", start=model, **FROZEN)
    assert any("no direction B2A: its generator starts fresh" in str(one.message) for one in said)
    assert any("A2B begins from it" in str(one.message) for one in said) == (name != "A2B")
    assert weights(trained)["A2B.safetensors"] == weights(first / "model")["A2B.safetensors"]
    assert weights(trained)["B2A.safetensors"] != weights(first / "model")["B2A.safetensors"]


def test_a_model_of_other_directions_is_refused(data: Path, tmp_path: Path, first: Path) -> None:
    model = shutil.copytree(first / "model", tmp_path / "model")
    for old, new in (("A2B", "x2y"), ("B2A", "y2x")):
        (model / f"{old}.safetensors").rename(model / f"{new}.safetensors")
    edit(model, directions=["x2y", "y2x"])
    with pytest.raises(ConfigError, match="translates x2y, y2x, the recipe A2B, B2A"):
        run(data, tmp_path / "run", start=model, **FROZEN)


def test_a_model_may_be_named(data: Path, tmp_path: Path, first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path / "home"))
    shutil.copytree(first / "model", tmp_path / "home/my-model")
    assert weights(run(data, tmp_path / "run", start="my-model", **FROZEN)) == weights(first / "model")
    assert json.loads((tmp_path / "run/run.json").read_text())["arguments"]["start"] == "my-model"
    with pytest.raises(UnknownNameError, match="Did you mean 'cyclegan-horse2zebra'"):
        run(data, tmp_path / "other", start="cyclegan-horse2zebr", **FROZEN)


@pytest.mark.parametrize("name", ["latest_net_G_A.pth", "UGATIT.model-1000000.index", "model.ckpt"])
def test_a_checkpoint_is_to_be_converted_first(data: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / name).write_bytes(b"\x80\x02 weights")
    for start in (folder, folder / name, folder / name.removesuffix(".index")):
        with pytest.raises(ConfigError, match=r"is a checkpoint.* convert it first \(attn-i2i convert .* -o MODEL\)"):
            run(data, tmp_path / "run", start=start, **FROZEN)


def test_what_holds_no_model_says_so(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"no model folder .* and no run"):
        run(data, tmp_path / "run", start=tmp_path / "empty", **FROZEN)
    with pytest.raises(ConfigError, match="is a picture, and a training begins from a model folder"):
        run(data, tmp_path / "run", start=min((data / "trainA").iterdir()), **FROZEN)
    (tmp_path / "empty/run.json").write_text("{}")
    with pytest.raises(ConfigError, match="has written no model yet"):
        run(data, tmp_path / "run", start=tmp_path / "empty", **FROZEN)


def test_a_part_of_a_run_or_of_a_model_names_the_whole(data: Path, tmp_path: Path, first: Path) -> None:
    (checkpoint,) = (first / "checkpoints").iterdir()
    for start in (first / "run.json", checkpoint.parent, checkpoint, checkpoint / "shared.pt"):
        with pytest.raises(ConfigError, match=rf"is a part of the run {first}: .* \(start={first}\)"):
            run(data, tmp_path / "run", start=start, **FROZEN)
    model = first / "model"
    for start in (model / "config.json", model / "A2B.safetensors"):
        with pytest.raises(ConfigError, match=rf"is a file of the model folder {model}: .*\(start={model}\)"):
            run(data, tmp_path / "run", start=start, **FROZEN)


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        (["red", "green", "blue"], [r"begins from the one in its place \(blue from red, red from blue\)"]),
        (["Male", "Old", "Pale"], [r"has the domains Male, Old, Pale, and these pictures blue, green, red"]),
        (["blue", "green", "red"], []),
        (None, []),
    ],
)
def test_labels_that_stand_for_other_domains_are_told(
    tmp_path: Path, stored: list[str] | None, says: list[str]
) -> None:
    small = {"generator.width": 4, "generator.blocks": 1, "discriminator.width": 4, "domains": 3, "image_size": 64}
    recipe: Any = zoo().recipes.load("stargan")(**small)
    layout = recipe.layout
    config = ModelConfig(layout.architecture, dict(layout.config), ["translate"], domains=stored)
    save_model(tmp_path / "model", config, {"translate": recipe.networks[layout.generators["translate"]].state_dict()})
    notes = start_from(tmp_path / "model", recipe, "stargan", ["blue", "green", "red"])
    assert len(notes) == len(says)
    assert all(re.search(text, note) for text, note in zip(says, notes, strict=True))


@pytest.mark.parametrize(
    ("recipe", "architecture", "advice"),
    [
        ("stargan", "cyclegan", r"\.$"),
        ("cyclegan", "stargan", r"\.$"),
        ("cyclegan", "attentiongan2", r", or give this one its generator \(recipe_options=\{'generator': 'attenti"),
    ],
)
def test_a_model_of_another_family_is_advised_only_to_recipes_that_take_it(
    tmp_path: Path, recipe: str, architecture: str, advice: str
) -> None:
    (tmp_path / "config.json").write_text(ModelConfig(architecture, {}, ["A2B"]).to_json())
    small: Any = zoo().recipes.load(recipe)(**{"generator.width": 4, "discriminator.width": 4})
    with pytest.raises(ConfigError, match=f"choose a recipe for that architecture{advice}"):
        start_from(tmp_path, small, recipe)


def test_a_pipe_as_a_runs_record_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run.json")
    with pytest.raises(UnreadableFileError, match="is not a regular file"):
        resume(tmp_path)


def test_a_run_of_a_plugin_that_is_gone_says_so(tmp_path: Path, first: Path) -> None:
    run = shutil.copytree(first, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    brought = {"suppliers": {"theirs": "attn-i2i-theirs 1.2"}}
    says = "supplied by attn-i2i-theirs 1.2, which is not installed here: pip install attn-i2i-theirs"
    (run / "run.json").write_text(json.dumps(record | brought | {"recipe": "theirs"}))
    with pytest.raises(UnknownNameError, match=f"was trained by the recipe 'theirs', which no plugin .*{says}"):
        resume(run, steps=3)


def test_a_resumed_run_needs_the_model_it_began_from_no_more(data: Path, tmp_path: Path, first: Path) -> None:
    model = shutil.copytree(first / "model", tmp_path / "model")
    run(data, tmp_path / "run", start=model, steps=1)
    shutil.rmtree(model)
    run(data, tmp_path / "run", steps=2, resume=True)
    with pytest.raises(ConfigError, match=r"began from .*model"):
        run(data, tmp_path / "run", start=first, steps=3, resume=True)


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_from_the_model_again(
    data: Path, tmp_path: Path, first: Path
) -> None:
    run(data, tmp_path / "run", start=first, **FROZEN)
    for left in ("checkpoints", "model"):
        shutil.rmtree(tmp_path / "run" / left)
    assert weights(run(data, tmp_path / "run", resume=True, **FROZEN)) == weights(first / "model")


def test_another_release_of_an_architecture_is_called_so(data: Path, tmp_path: Path) -> None:
    shape = {"width": 4, "blocks": 1, "light": True, "discriminator_width": 4}
    shape |= {"discriminator_global_layers": 4, "discriminator_local_layers": 3}
    options = {"recipe_options": shape, "steps": 1, "crop_size": 64}
    model = run(data, tmp_path / "first", "ugatit", **options)
    config = json.loads((model / "config.json").read_text())["config"]
    edit(model, config=config | {"release": "tensorflow"})
    options["recipe_options"] = shape | {"release": "pytorch"}
    with pytest.raises(ConfigError, match=r"the TensorFlow release of ugatit, .* trains the PyTorch release"):
        run(data, tmp_path / "run", "ugatit", start=model, **options)
