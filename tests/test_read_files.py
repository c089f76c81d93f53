"""Files and folders appear whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError, safe_open

from attn_i2i.files import DiskFullError, TargetExistsError, atomic_dir, atomic_path, save_safetensors, sha256
from attn_i2i.types import AttnI2IError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with atomic_path(target) as work:
        work.write_text("half")
        assert not target.exists()
        assert work.parent == tmp_path
    assert target.read_text() == "half"
    assert names(tmp_path) == ["a.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write() -> None:
        with atomic_path(target, force=True) as work:
            work.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(TargetExistsError, match="exists already"), atomic_path(target):
        pytest.fail("the block must not run")
    with pytest.raises(TargetExistsError), atomic_path(tmp_path / "b.txt"):
        (tmp_path / "b.txt").write_text("came first")
    assert names(tmp_path) == ["a.txt", "b.txt"]
    assert (tmp_path / "b.txt").read_text() == "came first"
    with atomic_path(target, force=True) as work:
        work.write_text("new")
    assert target.read_text() == "new"


def test_others_may_read_a_file_as_far_as_the_umask_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save_safetensors({"x": torch.ones(1)}, tmp_path / "a.safetensors")
    finally:
        os.umask(before)
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o777 == 0o640


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(AttnI2IError, match=r"folder .*absent does not exist"), atomic_path(tmp_path / "absent" / "a"):
        pytest.fail("the block must not run")


def test_a_full_disk_keeps_the_old_file_and_names_what_is_missing(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_text("old")
    with (
        pytest.raises(DiskFullError, match=r"full: a\.bin needs \d+ more bytes"),
        atomic_path(target, force=True, size=2**60),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(DiskFullError, match="needs more room"), atomic_dir(tmp_path / "model"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert names(tmp_path) == ["a.bin"]
    assert target.read_text() == "old"


def test_a_full_disk_under_safetensors_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise SafetensorError(f"I/O error: No space left on device (os error {errno.ENOSPC})")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(DiskFullError, match=r"a\.safetensors needs"):
        save_safetensors({"x": torch.ones(4)}, tmp_path / "a.safetensors")
    assert names(tmp_path) == []


def test_a_folder_appears_whole_and_replaces_the_old_one_only_by_force(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    for content in ("old", "new"):
        with atomic_dir(target, force=content == "new") as work:
            (work / "sub").mkdir()
            (work / "sub" / content).write_text(content)
    assert names(target / "sub") == ["new"]
    with pytest.raises(TargetExistsError), atomic_dir(target):
        pytest.fail("the block must not run")
    with pytest.raises(ZeroDivisionError), atomic_dir(target, force=True):
        raise ZeroDivisionError
    assert names(target / "sub") == ["new"]
    assert names(tmp_path) == ["model"]


def test_force_does_not_turn_files_into_folders_or_remove_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "keep").write_text("x")
    with pytest.raises(TargetExistsError, match="is a file"), atomic_dir(tmp_path / "file", force=True):
        pytest.fail("the block must not run")
    with pytest.raises(TargetExistsError, match="is a folder"), atomic_path(tmp_path / "folder", force=True):
        pytest.fail("the block must not run")
    monkeypatch.chdir(tmp_path / "folder")
    with pytest.raises(TargetExistsError, match="current working folder"), atomic_dir(tmp_path / "folder", force=True):
        pytest.fail("the block must not run")


def test_the_same_tensors_give_the_same_bytes(tmp_path: Path) -> None:
    base = torch.randn(4, 6)
    tensors = {"b": base, "a": base.T, "c": base[0], "scalar": torch.tensor(3)}
    note = {"z": [1, 2], "a": {"y": None, "x": "é"}}
    save_safetensors(tensors, tmp_path / "one", note)
    save_safetensors(dict(reversed(tensors.items())), tmp_path / "two", dict(reversed(note.items())))
    assert sha256(tmp_path / "one") == sha256(tmp_path / "two")
    with safe_open(tmp_path / "one", "pt") as opened:
        assert opened.metadata() == {"attn_i2i": '{"a":{"x":"é","y":null},"z":[1,2]}'}
        assert torch.equal(opened.get_tensor("a"), base.T)
