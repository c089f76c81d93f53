"""Folders are exchanged in one step, and what a killed process leaves is mended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from attn_i2i import load
from attn_i2i.convert import join
from attn_i2i.evaluate.subjects import open_subjects
from attn_i2i.export.opening import exported_files
from attn_i2i.files import atomic_dir, swapping
from attn_i2i.files.swapping import exchange, mend, remove
from attn_i2i.models.config import read_config
from attn_i2i.models.mistaken import no_model_folder
from attn_i2i.train.start import locate
from attn_i2i.types import AttnI2IError

from .helpers.commands import Run, picture, write_model
from .helpers.source import ROOT

PROGRAM = """
import os, signal, sys
from pathlib import Path
from attn_i2i.files import swapping, whole as files
target, moment = Path(sys.argv[1]), sys.argv[2]
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if moment == "between the renames":
    swapping.exchange = lambda *_: False
    rename = Path.rename
    def killing(self, other):
        if self.name.endswith(".tmp"):
            die()
        return rename(self, other)
    Path.rename = killing
if moment == "before the old one is removed":
    files.remove = swapping.remove = die
with files.atomic_dir(target, force=True) as work:
    (work / "new").write_text("new")
    if moment == "while writing":
        die()
    if moment == "asked":
        print("ready", flush=True)
        sys.stdin.readline()
"""


EXCHANGING = ("ext2/ext3", "tmpfs", "xfs", "btrfs")  # those of Linux that can, as GNU stat calls them


def file_system(folder: Path) -> str:
    """What Linux calls the file system of a folder; empty elsewhere."""
    if sys.platform != "linux":
        return ""
    answer = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True, check=True)
    return answer.stdout.strip()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed(target: Path, moment: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(target), moment], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL


def old(target: Path) -> Path:
    target.mkdir()
    (target / "old").write_text("old")
    return target


def write(target: Path, content: str) -> None:
    with atomic_dir(target, force=True) as work:
        (work / content).write_text(content)


@pytest.mark.parametrize("moment", ["while writing", "between the renames", "before the old one is removed"])
def test_a_kill_at_any_moment_is_mended_by_the_next_write(tmp_path: Path, moment: str) -> None:
    target = old(tmp_path / "model")
    killed(target, moment)
    assert len(names(tmp_path)) >= 2 - (moment == "between the renames")
    write(target, "third")
    assert names(tmp_path) == ["model"]
    assert names(target) == ["third"]


def test_a_translation_removes_what_a_killed_one_left(run: Run, model: Path, tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    left, other = tmp_path / "out/.a.png.0123abcd.tmp", tmp_path / "out/.b.png.0123abcd.tmp"
    for path in (left, other):
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    assert run("translate", tmp_path / "a.png", "-o", tmp_path / "out", "-m", model)[0] == 0
    assert names(tmp_path / "out") == [other.name, "a.png"]


def test_a_model_that_was_moved_aside_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path))
    target = tmp_path / "model"
    target.mkdir()
    write_model(target, "cyclegan", width=4, blocks=1)
    expected = read_config(target)
    for name in (target, str(target)):
        killed(target, "between the renames")
        assert not target.exists()
        assert load(name, device="cpu").config == expected


@pytest.mark.parametrize("name", ["x" * 120, "\N{HIRAGANA LETTER A}" * 40])
def test_a_long_name_is_mended_too_and_only_its_own_leftovers(tmp_path: Path, name: str) -> None:
    target, other = old(tmp_path / name), old(tmp_path / (name + "2"))
    for folder in (target, other):
        killed(folder, "between the renames")
    assert mend(target)
    assert names(target) == ["old"]
    assert not other.exists()
    write(other, "new")
    write(target, "new")
    assert names(tmp_path) == sorted([target.name, other.name])


@pytest.mark.parametrize(("command", "more"), [("show", []), ("publish", ["me/model"])])
def test_commands_mend_what_they_are_given(run: Run, tmp_path: Path, command: str, more: list[str]) -> None:
    target = tmp_path / "model"
    target.mkdir()
    write_model(target, "cyclegan", width=4, blocks=1)
    target.rename(tmp_path / ".model.0123abcd.old")
    run(command, target, *more)
    assert (target / "config.json").is_file()


def in_a_run(model: Path) -> Path:
    (model.parent / "run.json").write_text("{}")
    return model.parent


@pytest.mark.parametrize(
    "use",
    [
        lambda model: exported_files(model),
        lambda model: locate(model),
        lambda model: locate(in_a_run(model)),
        lambda model: no_model_folder(in_a_run(model)),
        lambda model: open_subjects([in_a_run(model)]),
        lambda model: join([model, model.parent], model.parent / "out"),
    ],
    ids=["exported", "start", "start-run", "run", "evaluate-run", "join"],
)
def test_every_way_to_a_model_finds_the_one_that_was_moved_aside(tmp_path: Path, use: Callable[[Path], object]) -> None:
    target = tmp_path / "model"
    target.mkdir()
    write_model(target, "cyclegan", width=4, blocks=1)
    target.rename(tmp_path / ".model.0123abcd.old")
    with suppress(AttnI2IError):
        use(target)
    assert (target / "config.json").is_file()


def test_with_exchange_there_is_always_a_folder(tmp_path: Path) -> None:
    target = old(tmp_path / "model")
    if not exchange(target, old(tmp_path / "other")):
        assert file_system(tmp_path) not in EXCHANGING
        pytest.skip("this file system cannot exchange two names")
    killed(target, "before the old one is removed")
    assert names(target) == ["new"]


def test_without_exchange_the_folder_is_replaced_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swapping, "_exchange_call", lambda: None)
    target = old(tmp_path / "model")
    write(target, "new")
    assert (names(tmp_path), names(target)) == (["model"], ["new"])


def test_what_a_living_process_writes_is_left_alone(tmp_path: Path) -> None:
    target = old(tmp_path / "model")
    command = [sys.executable, "-c", PROGRAM, str(target), "asked"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        write(target, "mine")
        assert len(names(tmp_path)) == 2
        other.communicate("go\n")
        assert other.returncode == 0
    assert (names(tmp_path), names(target)) == (["model"], ["new"])


def test_other_names_are_nobodys_leftovers(tmp_path: Path) -> None:
    keep = [".model.12345678.tmp.txt", ".models.12345678.tmp", ".model.1234567.old", "model.12345678.tmp"]
    for name in keep:
        (tmp_path / name).mkdir()
    (tmp_path / ".model.12345678.tmp").symlink_to(tmp_path / keep[0])
    young = tmp_path / ".model.aaaaaaaa.tmp"
    young.write_text("a writer may have replaced it")
    aged = tmp_path / ".model.bbbbbbbb.tmp"
    aged.write_text("nobody's")
    os.utime(aged, (time.time() - 3600,) * 2)
    write(tmp_path / "model", "new")
    assert names(tmp_path) == sorted([*keep, ".model.12345678.tmp", young.name, "model"])
    assert not mend(tmp_path / "absent")


def test_a_pipe_named_as_a_leftover_does_not_make_a_write_wait(tmp_path: Path) -> None:
    pipe = tmp_path / ".model.cccccccc.tmp"
    os.mkfifo(pipe)
    writer = threading.Thread(target=write, args=(tmp_path / "model", "new"), daemon=True)
    writer.start()
    writer.join(5)
    waits = writer.is_alive()
    if waits:  # the other end of the pipe, so that the thread ends
        os.close(os.open(pipe, os.O_RDWR))
        writer.join(5)
    assert not waits
    assert names(tmp_path / "model") == ["new"]


def test_a_link_to_a_folder_is_replaced_not_followed(tmp_path: Path) -> None:
    victim = old(tmp_path / "victim")
    (tmp_path / "model").symlink_to(victim)
    write(tmp_path / "model", "new")
    assert names(victim) == ["old"]
    assert names(tmp_path) == ["model", "victim"]
    remove(tmp_path / "absent")
