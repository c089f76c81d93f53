"""The demo translates what ships, shows it on one sheet, and keeps what was there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from attn_i2i.cli.demo import NEXT
from attn_i2i.files import TargetExistsError
from attn_i2i.images.read import read_image
from attn_i2i.models.places import shipped_models
from attn_i2i.translate.demo import (
    EMOJI,
    FRUIT,
    GLYPHS,
    NUCLEI,
    PLATES,
    SAMPLES,
    SHOP,
    TILE,
    demo,
    demo_models,
    samples,
)
from attn_i2i.translate.jobs import SHEET
from attn_i2i.types import ModelError

from .helpers.commands import Run


def test_every_shown_model_translates_its_pictures_photographs_first(tmp_path: Path) -> None:
    sheet = demo(tmp_path / "out")
    assert demo_models()[:4] == [SHOP, FRUIT, NUCLEI, EMOJI]
    folder = shipped_models() / SAMPLES
    glyphs, photographs = [f"{name}.png" for name in GLYPHS], [sample for sample in samples() if sample.model != EMOJI]
    shown = {model: [folder / name for name in glyphs] for model in demo_models()}
    shown |= {name: [sample.path for sample in photographs if sample.model == name] for name in (SHOP, FRUIT)}
    shown |= {NUCLEI: sorted((folder / PLATES).glob("*.tif"))}
    assert [len(shown[name]) for name in (SHOP, FRUIT, NUCLEI)] == [4, 6, 4]
    for model, paths in shown.items():
        for path in paths:
            before, after = (read_image(each) for each in (path, tmp_path / "out" / model / path.name))
            assert (after.size, after.numbers().dtype) == (before.size, before.numbers().dtype)
            assert not np.array_equal(after.numbers(), before.numbers())
    assert {path.name for path in (tmp_path / "out" / "ugatit-flat2clay").glob("*.*.png")} == {
        name.replace(".png", ".heatmap.png") for name in glyphs
    }
    assert sheet == tmp_path / "out" / SHEET
    assert read_image(sheet).rgb.shape[1] > (len(glyphs) + len(photographs) // 2) * TILE
    assert demo(tmp_path / "out", force=True) == sheet


def test_an_earlier_demo_is_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(TargetExistsError, match="exists already"):
        demo(tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


@pytest.mark.parametrize("beside", [None, SHEET])
def test_force_replaces_nothing_but_a_demo(tmp_path: Path, beside: str | None) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("keep")
    if beside:
        (tmp_path / beside).write_bytes(b"")
    with pytest.raises(TargetExistsError, match="not an earlier demo"):
        demo(tmp_path, force=True)
    assert mine.read_text() == "keep"


def test_what_ships_stays_small() -> None:
    for model in demo_models():
        weights = sum(path.stat().st_size for path in (shipped_models() / model).glob("*.safetensors"))
        assert weights <= 4_000_000, f"{model} ships {weights} bytes of weights"


def test_the_next_command_that_the_demo_names_works(run: Run, tmp_path: Path) -> None:
    shutil.copy(shipped_models() / SAMPLES / "apple-1.png", tmp_path / "apple.jpg")
    code, _, errors = run(*NEXT.split()[1:])
    assert code == 0, errors
    assert (tmp_path / "orange.jpg").is_file()


def test_an_installation_without_models_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.translate.demo.shipped_models", lambda: tmp_path / "nothing")
    with pytest.raises(ModelError, match="ships no model for the demo: install attn-i2i from its wheel"):
        demo(tmp_path / "out")
    assert not (tmp_path / "out").exists()
