"""Where temporary files find no room, one line says so, and how another folder is named."""

from __future__ import annotations

import errno
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from attn_i2i.convert.reader import read_checkpoint
from attn_i2i.convert.reader.sandbox import run_reader
from attn_i2i.evaluate import evaluate
from attn_i2i.evaluate.study import make_study
from attn_i2i.export import export_model
from attn_i2i.files import DiskFullError, WriteError, atomic_path
from attn_i2i.files.temporary import temporary_folder
from attn_i2i.images.stack import StackWriter, read_planes
from attn_i2i.translate.tiles.scratch import ScratchArray

from .helpers.checkpoints import save_legacy
from .helpers.commands import write_model
from .helpers.squares import copied, write_squares


def a_large_map(folder: Path) -> None:
    ScratchArray((1, 4, 4), torch.float32, on_disk=True)


def a_stack(folder: Path) -> None:
    tifffile.imwrite(folder / "a.tif", np.zeros((3, 4, 4), np.uint8), photometric="minisblack")
    StackWriter(folder / "a.tif").add(next(read_planes(folder / "a.tif")))


def a_checkpoint(folder: Path) -> None:
    read_checkpoint(save_legacy(folder / "a.pth", {"x": torch.ones(2)}))


def an_evaluation(folder: Path) -> None:
    squares = write_squares(folder / "squares", "A", "B")
    evaluate([squares / "testB"], squares, measures=["l1"])


def an_export_of_one_file(folder: Path) -> None:
    write_model(folder, "unet", levels=2, width=2)
    export_model(folder, folder / "a.onnx", direction="A2B")


@pytest.mark.parametrize("work", [a_large_map, a_stack, a_checkpoint, an_evaluation, an_export_of_one_file])
def test_whatever_needs_temporary_files_names_their_folder_and_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(WriteError, match=r"gone, which takes temporary files, cannot be written.* TMPDIR"):
        work(tmp_path)


def test_a_machine_without_a_place_for_temporary_files_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(WriteError, match=r"no folder takes temporary files \(No usable .*TMPDIR"), temporary_folder():
        pytest.fail("the block must not run")


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_fills_up_while_the_work_goes_on_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = r"the disk of .*, which takes temporary files, is full: .*TMPDIR"
    with pytest.raises(DiskFullError, match=says), temporary_folder():
        full()
    with pytest.raises(DiskFullError, match=says), temporary_folder() as folder, atomic_path(folder / "a.png"):
        full()
    with pytest.raises(DiskFullError, match=r"full: b\.png"), temporary_folder(), atomic_path(tmp_path / "b.png"):
        full()
    with pytest.raises(PermissionError), temporary_folder():  # a file of the user's, elsewhere
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "a.png"))
    monkeypatch.setattr("attn_i2i.images.stack._reserve", full)
    with pytest.raises(DiskFullError, match=says):
        a_stack(tmp_path)


def test_what_a_reading_process_cannot_put_down_is_no_damage_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(np.arange(6.0)))
    with pytest.raises(FileNotFoundError, match=r"absent/spill"):
        run_reader(tmp_path / "a.pkl", "pickle", tmp_path / "absent" / "spill", memory_limit=2**28, seconds=20)


def test_a_study_needs_the_disk_of_its_own_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squares = write_squares(tmp_path / "squares", "A", "B")
    models = [squares / "testB", copied(squares / "testB", tmp_path / "darker", value=-60)]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    make_study(models, squares, tmp_path / "study")
    assert sorted(path.name for path in (tmp_path / "study").iterdir()) == ["images", "index.html"]
