"""A training: what it writes, what it takes, and what it refuses."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from attn_i2i import load
from attn_i2i.blocks import PatchDiscriminator, ResBlock
from attn_i2i.interfaces import Layout
from attn_i2i.recipes.factory import RECIPE_MEMBERS
from attn_i2i.train import DivergedError, checkpoint, plan
from attn_i2i.train.data import loading
from attn_i2i.train.options import parse_assignments
from attn_i2i.types import ConfigError, ShapeError, UnknownNameError

from .helpers.registered import registering
from .helpers.trainings import ENGINE, SMALL, run, weights


def test_the_result_is_a_model_and_everything_else_is_beside_it(data: Path, tmp_path: Path) -> None:
    options = {"sample_every": 3, "log_every": 2, "tensorboard": True}
    model = run(data, tmp_path / "run", "attentiongan2", recipe_options=SMALL | {"masks": 3}, **options)
    translated = load(str(model), direction="B2A")(Image.new("RGB", (24, 20)))
    assert translated.image.shape == (3, 20, 24)
    assert translated.foreground is not None
    origin = json.loads((model / "config.json").read_text())["provenance"]["trained"]
    assert (origin["recipe"], origin["steps"], origin["options"]["generator.masks"]) == ("attentiongan2", 6, 3)
    assert [one.name for one in checkpoint.all_of(tmp_path / "run")] == ["step-00000004", "step-00000006"]
    rows = (tmp_path / "run/losses.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["step", "2", "4", "6"]
    assert {"cycle_A", "D_B", "learning_rate"} < set(rows[0].split(","))
    assert len(list((tmp_path / "run/samples").iterdir())) == 2
    assert list((tmp_path / "run/tensorboard").iterdir())


def test_options_that_would_do_nothing_are_refused(data: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.txt"
    table.write_text("Bald\n")
    for options in ({"select": ["Bald"]}, {"attributes": table}, {"attributes": table, "select": ["Bald"]}):
        with pytest.raises(ConfigError, match="attributes"):
            run(data, tmp_path / "run", **options)
    for side in "AB":
        with tarfile.open(tmp_path / f"train{side}-0.tar", "w") as tar:
            tar.add(data / f"train{side}/0.png", "0.png")
    with pytest.raises(ConfigError, match="cache=False"):
        run(tmp_path, tmp_path / "run", cache=True)


def test_a_training_that_diverges_stops_and_saves_nothing_of_it(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match="became NaN or infinite"):
        run(data, tmp_path / "run", recipe_options=SMALL | {"learning_rate": 1e38}, log_every=1)
    assert not checkpoint.all_of(tmp_path / "run")


def test_a_training_starts_from_a_model(data: Path, tmp_path: Path) -> None:
    first = run(data, tmp_path / "first", steps=1)
    second = run(data, tmp_path / "second", steps=1, start=first, recipe_options={"pool": 2, "learning_rate": 0.0})
    assert weights(first) == weights(second)
    with pytest.raises(ConfigError, match="'cyclegan' model"):
        run(data, tmp_path / "third", "attentiongan2", start=first)


def test_options_that_follow_from_the_data_are_filled_in(data: Path, tmp_path: Path) -> None:
    for side in "AB":
        shutil.copytree(data / f"train{side}", tmp_path / "domains" / side)
    shape = {"width": 4, "blocks": 1, "discriminator_width": 4, "discriminator_layers": 2}
    model = run(tmp_path / "domains", tmp_path / "run", "stargan", recipe_options=shape, batch_size=2)
    config = json.loads((model / "config.json").read_text())
    assert config["domains"] == ["A", "B"]
    assert config["config"]["domains"] == 2
    translated = load(str(model))(Image.new("RGB", (16, 16)), domain="B")
    assert translated.image.shape == (3, 16, 16)


def test_a_dry_run_counts_and_writes_nothing(data: Path, tmp_path: Path) -> None:
    planned = plan("cyclegan", data, recipe_options=SMALL, **ENGINE)
    networks = sum(planned.parameters.values())
    assert planned.memory["optimizer"] == 8 * networks
    assert planned.steps == 200 * planned.steps_per_epoch == 200 * 7
    assert planned.memory["activations"] > 0
    assert any("MiB" in line for line in planned.lines())


def test_what_no_plugin_knows_is_said_at_once(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'cyclegan'"):
        run(data, tmp_path, "cyclegn")
    with pytest.raises(ConfigError, match="Did you mean 'width'"):
        run(data, tmp_path, recipe_options={"widht": 4})
    assert parse_assignments(["width=8", "preset=paper", "light=true"]) == {
        "width": 8,
        "preset": "paper",
        "light": True,
    }
    with pytest.raises(ConfigError, match="name=value"):
        parse_assignments(["width 8"])


def test_pictures_too_small_for_the_networks_are_said_to_be(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="crop_size=16"):
        run(data, tmp_path / "run", recipe_options=SMALL | {"discriminator_layers": 3})
    for size in (2, 4):  # torch raises RuntimeError for the one, ValueError for the other
        options = ENGINE | {"crop_size": size, "recipe_options": SMALL | {"discriminator_layers": 2}}
        with pytest.raises(ShapeError, match=f"crop_size={size}"):
            run(data, tmp_path / f"run-{size}", **options)
        with pytest.raises(ShapeError, match=f"crop_size={size}"):
            plan("cyclegan", data, **options)


@pytest.mark.parametrize(
    ("recipe", "size", "options", "message"),
    [
        ("stargan", 32, {}, "crop_size=32 must be at least 64 for 6 layers: choose another crop size"),
        ("stargan", "64x32", {}, r"crop_size=64x32: .* \(This discriminator was built for 128x128 images"),
        ("stargan", 64, {"image_size": 32}, "^image_size=32 must be at least 64"),
        ("attentiongan1-multidomain", 32, {}, "crop_size=32 must be at least 64"),
        ("ugatit", 30, {"light": False}, "crop_size=30 must be a multiple of 4: choose another crop size"),
        ("ugatit", 16, {"light": True}, "crop_size=16: the networks cannot take .* larger one"),
        (
            "ugatit",
            64,
            {"light": False, "image_size": 32},
            r"crop_size=64: .* \(This U-GAT-IT \(full\) was built for 32x32",
        ),
        ("attentiongan1", 32, {}, "crop_size=32: the networks cannot take .* larger one"),
        ("cyclegan", "8x64", {"discriminator_layers": 5}, "crop_size=8x64: the networks cannot take .* fewer layers"),
    ],
)
def test_a_crop_that_networks_cannot_take_is_bad_usage(
    data: Path, tmp_path: Path, recipe: str, size: int | str, options: dict[str, Any], message: str
) -> None:
    place = data
    if recipe == "stargan" or "multidomain" in recipe:
        place = tmp_path / "classes"
        shutil.copytree(data / "trainA", place / "a")
        shutil.copytree(data / "trainB", place / "b")
    wanted = ENGINE | {"crop_size": size, "recipe_options": {"width": 4, "blocks": 1} | options}
    with pytest.raises(ConfigError, match=message):
        plan(recipe, place, **wanted)
    with pytest.raises(ConfigError, match=message):
        run(place, tmp_path / "run", recipe, **wanted)
    assert not (tmp_path / "run").exists()


def test_memory_savers_do_what_they_say_and_change_no_weights(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[None] = []
    reads: list[str] = []
    forward, read = ResBlock.forward, loading.read_resized

    def counted(self: ResBlock, x: torch.Tensor) -> torch.Tensor:
        passes.extend([] if x.is_meta else [None])  # where shapes alone are tried, nothing is kept
        return forward(self, x)

    def noted(file: str, *how: Any) -> torch.Tensor:
        reads.append(file)
        return read(file, *how)

    monkeypatch.setattr(ResBlock, "forward", counted)
    monkeypatch.setattr(loading, "read_resized", noted)
    plain = run(data, tmp_path / "plain", steps=9, recipe_options=SMALL)
    once, with_repeats = len(passes), len(reads)
    recomputed = run(data, tmp_path / "recomputed", steps=9, checkpointing=True, cache=True)
    assert weights(plain) == weights(recomputed)
    assert len(passes) - once == 2 * once  # forward, and again on the way back
    assert len(reads) - with_repeats < with_repeats


@pytest.mark.filterwarnings("ignore:bfloat16 is slower")
@pytest.mark.parametrize(("precision", "computed"), [("bf16", torch.bfloat16), ("fp32", torch.float32)])
def test_bf16_computes_in_bfloat16_and_trains_float32_weights(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str, computed: torch.dtype
) -> None:
    seen: set[tuple[torch.dtype, torch.dtype]] = set()
    forward = PatchDiscriminator.forward

    def noted(self: PatchDiscriminator, *arguments: Any) -> Any:
        verdicts = forward(self, *arguments)
        if not verdicts[0].logits.is_meta:
            seen.add((verdicts[0].logits.dtype, next(self.parameters()).dtype))
        return verdicts

    monkeypatch.setattr(PatchDiscriminator, "forward", noted)
    model = run(data, tmp_path / "run", steps=1, precision=precision, recipe_options=SMALL)
    assert seen == {(computed, torch.float32)}
    stored = load_file(model / "A2B.safetensors").values()
    assert all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in stored)


@pytest.mark.parametrize(
    ("product", "says"),
    [
        (3, r"it builds int, which has no networks, layout, options"),
        (SimpleNamespace(**dict.fromkeys(RECIPE_MEMBERS[:1] + RECIPE_MEMBERS[2:])), "it has no layout"),
        (SimpleNamespace(**dict.fromkeys(RECIPE_MEMBERS)), "its layout is NoneType, not an attn_i2i.interfaces.Layout"),
        (
            SimpleNamespace(
                **dict.fromkeys(RECIPE_MEMBERS) | {"networks": {}, "layout": Layout("x", {}, {"A2B": "G"})}
            ),
            "its layout names the network 'G', and its networks are none",
        ),
    ],
    ids=["a number", "no layout", "layout=None", "no such network"],
)
def test_what_is_no_recipe_is_told_in_one_line(data: Path, tmp_path: Path, product: Any, says: str) -> None:
    with (
        registering(recipes={"mine": lambda: product}),
        pytest.raises(ConfigError, match=rf"recipe mine is none.*{says}"),
    ):
        run(data, tmp_path / "run", "mine", recipe_options={})
    assert not (tmp_path / "run").exists()
