"""The tasks' folders: exact masks, exact truth, nothing shared between training and tests, the same bytes each time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from attn_i2i.files import TargetExistsError
from attn_i2i.types import ConfigError
from PIL import Image
from typer.testing import CliRunner

from attn_i2i_tasks import Fruit, Nuclei, fruit, make_fruit, make_nuclei, make_shop, nuclei, shop
from attn_i2i_tasks.archives import members
from attn_i2i_tasks.command import tasks


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every twelfth picture of the archives, where it does not matter how many there are."""
    for module in (fruit, nuclei, shop):
        monkeypatch.setattr(module, "members", lambda archive: members(archive)[::12])


@pytest.mark.usefixtures("few")
def test_fruit_is_the_same_for_the_same_seed_whatever_the_threads(tmp_path: Path) -> None:
    options = {"size": 32, "per_fruit": 1, "tests": 2}
    counts = make_fruit(tmp_path / "one", workers=1, **options)
    make_fruit(tmp_path / "two", workers=3, **options)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    make_fruit(tmp_path / "other", seed=1, **options)
    assert digests(tmp_path / "one") != digests(tmp_path / "other")
    assert counts["trainA"] == counts["trainB"]
    assert counts["testA"] == 2
    names = [{path.name for path in (tmp_path / "one" / f"test{side}").iterdir()} for side in "AB"]
    assert not names[0] & names[1], "unpaired pictures must not look like pairs"
    assert "CC BY-SA 4.0" in (tmp_path / "one/NOTICE.md").read_text()


def test_fruit_parts_share_neither_cutouts_nor_textures() -> None:
    task = Fruit()
    for parts in ([set(task.cutouts(kind, part)) for part in ("train", "val", "test")] for kind in ("apple", "orange")):
        assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
        assert all(len(part) > 20 for part in parts), [len(part) for part in parts]
    textures = [set(task.textures(part)) for part in ("train", "val", "test")]
    assert not textures[0] & textures[1] | textures[0] & textures[2] | textures[1] & textures[2]
    assert set().union(*textures) == set(members("fruit/textures.zip"))


def test_fruit_alpha_is_exact() -> None:
    """Two fruits drawn by one key differ nowhere but under their alpha and their shadows."""
    task = Fruit(size=96, seed=3)
    apple = task.draw("apple", "test", "key")
    assert apple.image.shape == (96, 96, 3)
    assert 0.1 < (apple.alpha > 0).mean() < 0.8
    fenced = Fruit(size=96, seed=3, bars=True, count=3).draw("apple", "test", "key")
    assert (fenced.alpha == 0).mean() > 0.15


def test_a_share_of_training_pictures_is_fenced_in_both_domains_and_nothing_else_changes() -> None:
    plain, some = Fruit(size=48), Fruit(size=48, fenced=0.5)
    for kind in ("apple", "orange"):
        drawn = [(plain.draw(kind, "train", str(i)), some.draw(kind, "train", str(i))) for i in range(12)]
        changed = [i for i, (one, other) in enumerate(drawn) if (one.image != other.image).any()]
        assert 0 < len(changed) < 12
        assert all((drawn[i][0].alpha >= drawn[i][1].alpha).all() for i in range(12))
        assert (plain.draw(kind, "test", "1").image == some.draw(kind, "test", "1").image).all()
    with pytest.raises(ConfigError, match=r"fenced=1.5"):
        Fruit(fenced=1.5)


@pytest.mark.usefixtures("few")
def test_nuclei_change_inside_the_mask_alone(tmp_path: Path) -> None:
    make_nuclei(tmp_path / "nuclei", per_picture=1)
    names = sorted(path.name for path in (tmp_path / "nuclei/testA").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "nuclei/testB").iterdir())
    trained = {path.stem[:12] for side in "AB" for path in (tmp_path / f"nuclei/train{side}").iterdir()}
    assert not trained & {name[:12] for name in names}
    changed = []
    for name in names[:8]:
        degraded, clean = (tifffile.imread(tmp_path / f"nuclei/test{side}" / name) for side in "AB")
        mask = np.asarray(Image.open(tmp_path / "nuclei/masks/testA" / name.replace(".tif", ".png")))
        assert degraded.dtype == clean.dtype == np.uint16
        assert (degraded[mask == 0] == clean[mask == 0]).all()
        changed.append((degraded[mask > 0] != clean[mask > 0]).mean())
    assert min(changed) > 0.8


def test_nuclei_are_dimmer_but_never_below_the_space_between() -> None:
    task = Nuclei()
    field = task.draw(task.names("test")[0], "key")
    inside = field.mask > 0
    assert field.clean[~inside].mean() < field.degraded[inside].mean() < field.clean[inside].mean()


@pytest.mark.usefixtures("few")
def test_shop_keeps_train_and_test_apart(tmp_path: Path) -> None:
    counts = make_shop(tmp_path / "shop")
    published = [name for name in members("shop/shop.zip")[::12] if "/apple/" in name]
    assert counts["testA"] == sum(name.startswith("test/") for name in published) > 10
    assert counts["trainA"] + counts["valA"] == sum(name.startswith("train/") for name in published) > 10
    assert len(members("shop/shop.zip")) == 278 + 276 + 127 + 124
    with Image.open(next((tmp_path / "shop/trainB").iterdir())) as photograph:
        assert min(photograph.size) == 160


def test_wrong_options_are_one_line(tmp_path: Path) -> None:
    for options in ({"size": 8}, {"seed": -1}, {"per_fruit": 0}, {"count": 0}):
        with pytest.raises(ConfigError, match="was given: expected"):
            make_fruit(tmp_path / "fruit", **options)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    with pytest.raises(TargetExistsError):
        make_shop(tmp_path / "full")


@pytest.mark.usefixtures("few")
def test_commands_make_what_the_functions_make(tmp_path: Path) -> None:
    done = CliRunner().invoke(tasks, ["fruit", str(tmp_path / "a"), "--size", "32", "--per-fruit", "1", "--tests", "1"])
    assert done.exit_code == 0, done.output
    assert "testA 1" in done.output
    make_fruit(tmp_path / "b", size=32, per_fruit=1, tests=1)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
