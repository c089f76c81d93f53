"""What the emoji task promises: exact masks, true pairs, unseen test glyphs, the same bytes from the same seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from attn_i2i.types import AttnI2IError, ConfigError
from PIL import Image
from typer.testing import CliRunner

from attn_i2i_tasks import Emoji, make_emoji, plugin
from attn_i2i_tasks.emoji import scenes
from attn_i2i_tasks.emoji.backgrounds import background, checks, dots, gradient, noise, stripes
from attn_i2i_tasks.emoji.glyphs import DATA, STYLES, atlas, splits
from attn_i2i_tasks.writing import write_task


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("emoji") / "data"
    make_emoji(made, per_glyph=1, size=32)
    return made


@pytest.fixture
def few_glyphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten glyphs of each set, where it does not matter which."""
    for name in ("train_glyphs", "test_glyphs"):
        whole = getattr(scenes, name)
        monkeypatch.setattr(scenes, name, lambda *arguments, whole=whole: whole(*arguments)[:10])


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def glyphs_in(folder: Path) -> set[str]:
    return {path.stem.rsplit("_", 1)[0] for path in folder.iterdir()}


def test_every_picture_has_its_mask_and_every_test_glyph_its_pair(folder: Path) -> None:
    for name in ("trainA", "trainB", "testA", "testB"):
        assert {p.name for p in (folder / name).iterdir()} == {p.name for p in (folder / "masks" / name).iterdir()}
    assert {p.name for p in (folder / "testA").iterdir()} == {p.name for p in (folder / "testB").iterdir()}


def test_no_glyph_is_in_two_of_the_sets(folder: Path) -> None:
    a, b, test = (glyphs_in(folder / name) for name in ("trainA", "trainB", "testA"))
    assert a | b | test <= set(atlas("flat"))
    assert len(a | b | test) == len(a) + len(b) + len(test)
    assert min(len(a), len(b), len(test)) > 100


def test_test_pictures_are_named_by_codepoint(folder: Path) -> None:
    assert {p.stem for p in (folder / "testA").iterdir()} == set(splits()["test"])


def test_a_pair_shares_its_background_to_the_pixel(folder: Path) -> None:
    for path in sorted((folder / "testA").iterdir()):
        outside = (pixels(folder / "masks/testA" / path.name) == 0) & (pixels(folder / "masks/testB" / path.name) == 0)
        a, b = pixels(path), pixels(folder / "testB" / path.name)
        assert (a[outside] == b[outside]).all()
        assert outside.any()
        assert (a != b).any()


def test_the_mask_is_the_alpha_of_the_composite() -> None:
    task = Emoji(size=48)
    flat, clay = (task.draw(style, "1f600", "any key") for style in ("flat", "clay"))
    shared = (flat.alpha == 0) & (clay.alpha == 0)
    assert (flat.image[shared] == clay.image[shared]).all()
    assert {0, 255} < set(np.unique(flat.alpha))
    assert 0.1 < (flat.alpha > 127).mean() < 0.8


@pytest.mark.usefixtures("few_glyphs")
def test_the_same_seed_gives_the_same_bytes_whatever_the_workers(tmp_path: Path) -> None:
    for name, seed, workers in (("one", 3, 1), ("two", 3, 3), ("other", 4, 1)):
        make_emoji(tmp_path / name, size=16, per_glyph=1, seed=seed, workers=workers)
    one, two, other = (
        {str(p.relative_to(tmp_path / name)): p.read_bytes() for p in (tmp_path / name).rglob("*.png")}
        for name in ("one", "two", "other")
    )
    assert one == two
    assert one.keys() == other.keys()
    assert one != other


@pytest.mark.usefixtures("few_glyphs")
def test_four_styles_get_a_folder_each_and_share_no_training_glyph(tmp_path: Path) -> None:
    counts = make_emoji(tmp_path / "data", size=16, styles=STYLES, per_glyph=1)
    assert set(counts) == {f"{part}/{style}" for part in ("train", "test") for style in STYLES}
    sets = [glyphs_in(tmp_path / "data/train" / style) for style in STYLES]
    assert len(set.union(*sets)) == sum(map(len, sets))
    assert len({counts[f"test/{style}"] for style in STYLES}) == 1


def test_the_folder_carries_settings_and_notices(folder: Path) -> None:
    assert json.loads((folder / "task.json").read_text())["styles"] == ["flat", "clay"]
    assert "Microsoft" in (folder / "NOTICE.md").read_text()
    assert (folder / "LICENSE-fluent-emoji.txt").exists()


def test_a_folder_that_is_no_task_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"mine")
    with pytest.raises(AttnI2IError, match="holds no task, so force=True does not replace it"):
        write_task(tmp_path, "emoji", [], {}, workers=1, force=True, report=None)
    assert (tmp_path / "photo.png").read_bytes() == b"mine"


@pytest.mark.usefixtures("few_glyphs")
def test_an_existing_folder_is_kept_unless_forced(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(AttnI2IError, match="exists"):
        make_emoji(folder)
    make_emoji(tmp_path / "data", size=16, per_glyph=1)
    make_emoji(tmp_path / "data", size=20, per_glyph=1, force=True)
    assert pixels(next((tmp_path / "data/testA").iterdir())).shape == (20, 20, 3)


@pytest.mark.parametrize(
    "options",
    [{"styles": ("flat", "gold")}, {"styles": ("flat",)}, {"size": 4}, {"per_glyph": 0}, {"backgrounds": "x"}],
)
def test_an_option_out_of_range_is_refused_before_anything_is_written(tmp_path: Path, options: dict) -> None:
    with pytest.raises(ConfigError):
        make_emoji(tmp_path / "data", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("style", STYLES)
def test_every_style_draws_every_test_glyph(style: str) -> None:
    assert set(splits()["test"]) <= set(atlas(style))
    assert len(atlas(style)) > 1400


@pytest.mark.parametrize("pattern", [gradient, stripes, checks, dots])
def test_patterns_use_the_whole_range(pattern: Callable[[np.random.Generator, int], np.ndarray]) -> None:
    mix = pattern(np.random.default_rng(0), 64)
    assert mix.shape == (64, 64)
    assert mix.min() == pytest.approx(0, abs=1e-6)
    assert mix.max() == pytest.approx(1, abs=1e-6)


def test_calm_backgrounds_have_less_contrast_than_loud_ones() -> None:
    spread = {
        kind: np.mean([background(np.random.default_rng(seed), 32, kind).std((0, 1)).mean() for seed in range(40)])
        for kind in ("calm", "loud")
    }
    assert spread["calm"] < spread["loud"] / 2


def test_noise_is_smooth() -> None:
    field = noise(np.random.default_rng(0), 64)
    assert np.abs(np.diff(field, axis=0)).mean() < field.std() / 3


def test_batches_come_without_files_and_again_for_the_same_seed() -> None:
    first, second = next(Emoji(size=16).batches(3)), next(Emoji(size=16).batches(3))
    assert first["flat"].shape == first["clay"].shape == (3, 16, 16, 3)
    assert all((first[style] == second[style]).all() for style in first)


@pytest.mark.usefixtures("few_glyphs")
def test_the_command_makes_the_folder_and_says_what_is_in_it(tmp_path: Path) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    plugin.register_commands(app)
    arguments = ["task", "emoji", str(tmp_path / "data"), "--size", "16", "--per-glyph", "1", "--styles", "flat,noto"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "testB 10" in result.output
    again = CliRunner().invoke(app, arguments)
    assert isinstance(again.exception, AttnI2IError)
    assert "exists" in str(again.exception)


def test_finding_the_plugin_imports_nothing_heavy() -> None:
    code = "import sys, attn_i2i_tasks.plugin; print({'torch', 'numpy', 'PIL', 'typer'} & set(sys.modules))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.check_output([sys.executable, "-c", code], text=True, env=environment).strip() == "set()"


def test_the_notices_ship_with_the_drawings() -> None:
    shipped = {file.name for file in DATA.iterdir()}
    assert {"NOTICE.md", "LICENSE-fluent-emoji.txt", "LICENSE-noto-emoji.txt", "LICENSE-twemoji.txt"} <= shipped
