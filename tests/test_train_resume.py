"""How a training stops, what it leaves, and how it goes on."""

from __future__ import annotations

import errno
import re
import shutil
import signal
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from attn_i2i.files import DiskFullError
from attn_i2i.recipes import CycleRecipe
from attn_i2i.train import DivergedError, TrainingWarning, checkpoint
from attn_i2i.types import ConfigError, UnreadableFileError

from .helpers import processes
from .helpers.trainings import SMALL, run, weights


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_first_and_the_run_continues_exactly(
    data: Path,
    tmp_path: Path,
    number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = run(data, tmp_path / "whole", ema=0.5, accumulation=2)
    step, calls = CycleRecipe.step, []

    def interrupted(self: CycleRecipe, batch: Any, update: Any) -> Any:
        if not batch["A"].is_meta:  # a step of the training, not the one that is rehearsed
            calls.append(None)
        if len(calls) == 5:
            signal.raise_signal(number)
        return step(self, batch, update)

    with monkeypatch.context() as patched:
        patched.setattr(CycleRecipe, "step", interrupted)
        with pytest.raises((SystemExit, KeyboardInterrupt)) as stopped:
            run(data, tmp_path / "cut", ema=0.5, accumulation=2)
    assert capsys.readouterr().err.endswith("after step 3: saved; start it again with resume=True to go on\n")
    if number == signal.SIGTERM:
        assert isinstance(stopped.value, SystemExit)
        assert stopped.value.code == 143
    assert signal.getsignal(number) not in (None, signal.SIG_IGN)
    assert [one.name for one in checkpoint.all_of(tmp_path / "cut")][-1] == "step-00000003"
    with pytest.raises(ConfigError, match="resume=True"):
        run(data, tmp_path / "cut", ema=0.5, accumulation=2)
    assert weights(run(data, tmp_path / "cut", ema=0.5, accumulation=2, resume=True)) == weights(whole)


def test_resuming_another_run_is_refused(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "run", steps=2)
    with pytest.raises(ConfigError, match="seed"):
        run(data, tmp_path / "run", seed=1, resume=True)
    with pytest.raises(ConfigError, match="pool"):
        run(data, tmp_path / "run", recipe_options=SMALL | {"pool": 9}, resume=True)
    other = shutil.copytree(data, tmp_path / "other")
    (other / "trainA/0.png").unlink()
    with pytest.raises(ConfigError, match="other pictures"):
        run(other, tmp_path / "run", resume=True)
    options = {"flip": False, "epoch_size": 5}
    with pytest.raises(
        ConfigError, match=r"no epoch_size \(now epoch_size=5\), flip=True \(now flip=False\), .*\"pool\": 9"
    ):
        run(data, tmp_path / "run", recipe_options=SMALL | {"pool": 9}, resume=True, **options)


@pytest.mark.filterwarnings("ignore:bfloat16 is slower")
def test_a_resumed_run_may_change_what_a_diverged_one_is_told_to(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(data, tmp_path / "run", steps=2, precision="bf16", save_every=1)
    with monkeypatch.context() as patched:
        patched.setattr(CycleRecipe, "step", lambda *_: {"G": torch.tensor(float("nan"))})
        with pytest.raises(DivergedError) as told:
            run(data, tmp_path / "run", steps=4, resume=True)
    options = re.search(r"resume=True, precision='(\w+)'", str(told.value))
    assert options is not None
    run(data, tmp_path / "run", steps=3, precision=options[1], resume=True)
    assert checkpoint.steps_done(tmp_path / "run") == 3


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    "taken", ["model/mine.txt", "checkpoints/step-00000002/shared.pt", "losses.csv", "time.json", "run.json"]
)
def test_a_folder_that_no_run_made_is_left_as_it_is(data: Path, tmp_path: Path, taken: str, resume: bool) -> None:
    mine = tmp_path / "folder" / taken
    mine.parent.mkdir(parents=True)
    mine.write_text("{}")
    with pytest.raises(ConfigError, match="choose another folder"):
        run(data, tmp_path / "folder", resume=resume)
    assert [one for one in (tmp_path / "folder").rglob("*") if one.is_file()] == [mine]
    with pytest.raises(ConfigError, match="is a file"):
        run(data, mine, resume=resume)


def test_a_model_without_its_checkpoints_is_not_trained_over(data: Path, tmp_path: Path) -> None:
    model = run(data, tmp_path / "run", steps=1)
    shutil.rmtree(tmp_path / "run/checkpoints")
    before = weights(model)
    with pytest.raises(ConfigError, match="start=MODEL"):
        run(data, tmp_path / "run", steps=2, resume=True)
    assert weights(model) == before


def test_only_what_a_killed_run_left_is_swept(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    mine = [folder / name for name in (".notes.tmp", ".draft.0123abcd.tmp", "sub/.model.0123abcd.old", ".model.old")]
    left = [folder / name for name in (".model.0123abcd.tmp", ".run.json.0123abcd.tmp")]
    for file in mine + left:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("text")
    run(data, folder, steps=1)
    assert all(file.exists() for file in mine)
    later = folder / "checkpoints/.step-00000001.0123abcd.old"
    later.mkdir()
    run(data, folder, steps=2, resume=True)
    assert not any(file.exists() for file in [later, *left])


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_run_that_meets_a_corrupt_picture_saves_first(data: Path, tmp_path: Path, accumulation: int) -> None:
    options = {"steps": 7, "save_every": 100, "accumulation": accumulation}  # by 2: within the second step
    whole = run(data, tmp_path / "whole", **options)
    mended = shutil.copytree(data, tmp_path / "data")
    broken = mended / "trainA/6.png"  # of the last place: not looked at before the first step
    kept = broken.read_bytes()
    broken.write_bytes(b"no picture")
    with pytest.raises(UnreadableFileError, match=r"6\.png"):
        run(mended, tmp_path / "cut", **options)
    assert len(checkpoint.all_of(tmp_path / "cut")) == 1
    broken.write_bytes(kept)
    assert weights(run(mended, tmp_path / "cut", resume=True, **options)) == weights(whole)


def test_a_full_disk_keeps_the_old_checkpoint_and_counts_the_missing_bytes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(data, tmp_path / "run", steps=2)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 1000, 1000))
    with pytest.raises(DiskFullError, match=r"needs \d+ more bytes.*resume=True the training then goes on from step 2"):
        run(data, tmp_path / "run", resume=True)
    with pytest.raises(DiskFullError, match="goes on from its beginning, because there is no checkpoint"):
        run(data, tmp_path / "fresh", steps=1)
    assert [one.name for one in checkpoint.all_of(tmp_path / "run")] == ["step-00000002"]
    monkeypatch.undo()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DiskFullError):
        run(data, tmp_path / "run", resume=True)
    assert [one.name for one in (tmp_path / "run/checkpoints").iterdir()] == ["step-00000002"]


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "shared": lambda folder: flip_a_bit(folder / "shared.pt"),
    "own": lambda folder: flip_a_bit(folder / "process-0000.pt"),
    "cut": lambda folder: (folder / "shared.pt").write_bytes((folder / "shared.pt").read_bytes()[:5000]),
    "missing": lambda folder: (folder / "process-0000.pt").unlink(),
    "sums missing": lambda folder: (folder / "SHA256SUMS").unlink(),
    "sums": lambda folder: (folder / "SHA256SUMS").write_text("abc"),
    "half removed": lambda folder: [file.unlink() for file in folder.iterdir()],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_older_one_is_continued(
    data: Path, tmp_path: Path, damage: str, stopped: Path
) -> None:
    whole, folder = stopped / "whole", tmp_path / "run"
    shutil.copytree(stopped / "run", folder)
    DAMAGES[damage](folder / "checkpoints/step-00000004")
    with pytest.warns(TrainingWarning, match=r"step-00000004 cannot be used .* older step-00000002") as told:
        model = run(data, folder, resume=True, keep=1, save_every=1, steps=6)
    assert weights(model) == weights(whole / "model")
    assert [one.name for one in checkpoint.all_of(folder)] == ["step-00000006"]
    DAMAGES[damage](folder / "checkpoints/step-00000006")
    with pytest.raises(UnreadableFileError, match=r"no whole checkpoint .* Begin another run") as caught:
        run(data, folder, resume=True, steps=7)
    for text in (*map(str, told), str(caught.value)):
        assert not re.search(r"convert|save the model|under another name|get it again", text), "advice for models"


@pytest.fixture(scope="module")
def stopped(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of four steps with two checkpoints, ``run``, and one of six, ``whole``."""
    folder = tmp_path_factory.mktemp("stopped")
    run(data, folder / "whole")
    run(data, folder / "run", steps=4)
    return folder


@pytest.mark.slow
def test_killed_trainings_end_bit_identical() -> None:
    done = processes.run("-m", "tests.tools.kill_training", "--kills", "2", "--steps", "15")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bit-identical" in done.stdout
