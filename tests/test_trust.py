"""A model store that others may write to is not read, and links in it are not followed to be written through."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from attn_i2i import load
from attn_i2i.doctor import diagnose
from attn_i2i.hub.store import fetch
from attn_i2i.models.places import model_store, target_for
from attn_i2i.models.trust import StoreError, _who_else, check_private, refuse_links

from .helpers.commands import write_model

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no such permissions")
COMMIT = "c" * 40


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a model of the user's own, and one of the Hub."""
    home = tmp_path / "store"
    for name in ("mine", f".hub/acme--model/{COMMIT}"):
        folder = home / name
        folder.mkdir(parents=True)
        write_model(folder, "cyclegan", width=4, blocks=1)
        from attn_i2i.models.checksums import write_sums

        write_sums(folder)
    monkeypatch.setenv("ATTN_I2I_HOME", str(home))
    return home


NAMES = ("mine", f"hf-hub:acme/model@{COMMIT}")


def test_a_store_of_ones_own_is_read(store: Path) -> None:
    for name in NAMES:
        assert load(name, device="cpu").directions == ["A2B", "B2A"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "place", [".", "mine", "mine/A2B.safetensors", ".hub", ".hub/acme--model", f".hub/acme--model/{COMMIT}"]
)
def test_what_everybody_may_write_to_is_refused(store: Path, name: str, place: str) -> None:
    (store / place).chmod((store / place).stat().st_mode | 0o002)
    on_the_way = place == "." or (place.startswith(".hub") == name.startswith("hf-hub:"))
    if not on_the_way:
        load(name, device="cpu")
        return
    with pytest.raises(StoreError, match=r"Everybody may write to .*chmod -R go-w") as caught:
        load(name, device="cpu")
    assert str(store) in str(caught.value)


def test_the_way_to_mend_it_works(store: Path) -> None:
    store.chmod(0o777)
    (store / "mine" / "config.json").chmod(0o666)
    with pytest.raises(StoreError):
        target_for("other")
    assert diagnose()["models"]["only yours"].startswith("no: Everybody")
    assert os.system(f"chmod -R go-w {store}") == 0
    assert diagnose()["models"]["only yours"] == "yes"
    load("mine", device="cpu")


@pytest.mark.parametrize(
    ("mode", "user", "group", "who"),
    [
        (0o755, 54321, 0, "The user 54321, who owns it,"),
        (0o775, 0, 54321, "The group 54321"),
        (0o777, 0, 0, "Everybody"),
        (0o775, 0, 0, ""),
        (0o755, 0, 54321, ""),
    ],
)
def test_who_else_may_write_is_told_by_owner_group_and_mode(mode: int, user: int, group: int, who: str) -> None:
    """For every user: who is not root cannot run the test below, which gives files away."""
    assert _who_else(os.stat_result((mode, 0, 0, 1, user, group, 0, 0, 0, 0))) == who


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root may give files away")
def test_what_somebody_else_owns_is_refused(store: Path) -> None:
    os.chown(store / "mine", 54321, 54321)
    with pytest.raises(StoreError, match="The user 54321, who owns it, may write to"):
        load("mine", device="cpu")
    os.chown(store / "mine", 0, 54321)
    (store / "mine").chmod(0o775)
    with pytest.raises(StoreError, match="The group 54321 may write to"):
        load("mine", device="cpu")


@pytest.mark.parametrize("name", [f".{COMMIT}.partial", f".{COMMIT}.lock", COMMIT])
def test_no_link_is_followed_where_downloads_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "config.json").write_text("precious")
    folder = tmp_path / "home" / ".hub" / "acme--model"
    folder.mkdir(parents=True)
    (folder / name).symlink_to(victim if name.endswith(("partial", COMMIT)) else victim / "config.json")
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path / "home"))
    with pytest.raises(StoreError, match="is a link, where this library makes"):
        fetch("acme/model", COMMIT, None, lambda _: None)
    assert [path.name for path in victim.iterdir()] == ["config.json"]
    assert (victim / "config.json").read_text() == "precious"


def test_a_store_that_cannot_be_made_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path / "file" / "store"))
    with pytest.raises(StoreError, match="cannot be made"):
        target_for("model")


def test_what_is_not_there_is_nobodys(tmp_path: Path) -> None:
    check_private(tmp_path / "absent", tmp_path / "absent" / "model")
    check_private(tmp_path, tmp_path / "absent")
    refuse_links(tmp_path / "absent")
    assert model_store().name
