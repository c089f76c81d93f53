"""What cannot be written is refused before the work, or told truly after it, as an error of the library."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest
import torch

from attn_i2i.files import (
    DiskFullError,
    TargetExistsError,
    WriteError,
    append_text,
    atomic_dir,
    atomic_path,
    check_target,
)
from attn_i2i.files import whole as files
from attn_i2i.files.swapping import is_mount_point

from .helpers.commands import Run
from .helpers.source import ROOT


def test_the_shells_own_folder_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "below")
    for target in (Path(), Path(".."), tmp_path / "here"):
        with pytest.raises(TargetExistsError, match=r"holds the current working folder.*choose"):
            check_target(target, force=True, folder=True)
    check_target("inside", folder=True)


def test_a_mount_point_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_mount_point(Path("/proc"))
    assert not is_mount_point(tmp_path)
    monkeypatch.setattr("attn_i2i.files.whole.is_mount_point", lambda path: path == tmp_path)
    with pytest.raises(TargetExistsError, match=r"is a mount point.*a folder inside it"), atomic_dir(tmp_path):
        pytest.fail("the block must not run")


def test_convert_refuses_its_target_before_the_work(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    source = ROOT / "tests" / "cases" / "attentiongan_scheme2" / "latest_net_G_A.pth"
    monkeypatch.setattr("attn_i2i.convert.job.checkpoint_files", lambda _: pytest.fail("too late"))
    for target, says in ((".", "current working folder"), ("absent/model", "does not exist: create it first")):
        code, _, err = run("convert", source, "-o", target)
        assert code == 1
        assert says in err


@pytest.mark.parametrize("written", [0, 3])
def test_a_text_is_added_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    table = tmp_path / "losses.csv"
    append_text(table, "step,loss\n")

    class Full(io.FileIO):
        def write(self, data: object) -> int:
            super().write(bytes(data)[:written])  # type: ignore[call-overload]
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", lambda path, mode, **_: Full(path, mode.replace("b", "")))
        with pytest.raises(DiskFullError, match=r"losses\.csv needs more room.*losses\.csv was not changed"):
            append_text(table, "1,0.5\n")
    assert table.read_text() == "step,loss\n"
    append_text(table, "1,0.5\n")
    assert table.read_text() == "step,loss\n1,0.5\n"


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EROFS, errno.EACCES, errno.EIO, errno.ENAMETOOLONG])
def test_refusals_of_the_system_are_the_librarys_errors(tmp_path: Path, code: int) -> None:
    target = tmp_path / "a"
    with (
        pytest.raises(WriteError, match=r"a cannot be written \(.*\); a was not changed"),
        atomic_path(target) as work,
    ):
        raise OSError(code, os.strerror(code), str(work))
    with pytest.raises(OSError, match="source") as caught, atomic_path(target):
        raise OSError(code, os.strerror(code), "/some/source")
    assert not isinstance(caught.value, WriteError), "what the caller reads is the caller's"


def test_torch_says_in_its_own_way_that_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        with atomic_path(tmp_path / "a.pt") as work:
            torch.save({"x": torch.ones(4)}, work)
            raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0")

    with pytest.raises(RuntimeError, match="unexpected pos"):
        full()
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0}))
    with pytest.raises(DiskFullError, match="was not changed"):
        full()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_file_within_a_folder_is_told_of_by_the_folders_own_name(tmp_path: Path, code: int) -> None:
    with (
        pytest.raises((DiskFullError, WriteError)) as caught,
        atomic_dir(tmp_path / "model") as work,
        atomic_path(work / "A2B.safetensors") as file,
    ):
        raise OSError(code, os.strerror(code), str(file))
    assert str(tmp_path / "model") in str(caught.value)
    assert "A2B.safetensors was not changed" in str(caught.value)
    assert ".tmp" not in str(caught.value)


def test_nothing_was_changed_is_said_only_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(path: Path) -> None:
        if path == tmp_path:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_sync", failing)
    with pytest.raises(DiskFullError, match="a is written, but may not outlast"), atomic_path(tmp_path / "a") as work:
        work.write_text("new")
    with pytest.raises(DiskFullError, match="b is written, but may not outlast"), atomic_dir(tmp_path / "b") as work:
        (work / "new").write_text("new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
