"""A training: what it writes, how it stops, how it goes on, and what it warns of."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
import tarfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from attn_i2i import Translation, load
from attn_i2i.builtin.cyclegan.recipe import cyclegan
from attn_i2i.files import DiskFullError, sha256
from attn_i2i.recipes import CycleRecipe
from attn_i2i.train import DivergedError, TrainingWarning, TrainOptions, checkpoint, plan, train
from attn_i2i.train.engine import Engine, evaluating, make_accelerator
from attn_i2i.train.monitor import AFTER_DIVERGING, Averages, _append
from attn_i2i.train.options import parse_assignments
from attn_i2i.train.preview import Preview
from attn_i2i.types import ConfigError, ShapeError, UnknownNameError, UnreadableFileError

from .kill_training import make_pictures

ROOT = Path(__file__).parents[1]
SMALL = {"width": 4, "blocks": 1, "discriminator_width": 4, "discriminator_layers": 1, "pool": 2}
ENGINE: dict[str, Any] = {"crop_size": 16, "workers": 0, "device": "cpu", "sample_every": 0}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of small pictures."""
    folder = tmp_path_factory.mktemp("data")
    make_pictures(folder)
    return folder


def run(data: Path, folder: Path, recipe: str = "cyclegan", **options: Any) -> Path:
    """Train a small recipe for a few steps."""
    options = {"recipe_options": SMALL, "steps": 6, "save_every": 2} | ENGINE | options
    return train(recipe, data, folder, **options)


def weights(model: Path) -> dict[str, str]:
    return {file.name: sha256(file) for file in sorted(model.glob("*.safetensors"))}


def test_the_result_is_a_model_and_everything_else_is_beside_it(data: Path, tmp_path: Path) -> None:
    options = {"sample_every": 3, "log_every": 2, "tensorboard": True}
    model = run(data, tmp_path / "run", "attentiongan2", recipe_options=SMALL | {"masks": 3}, **options)
    translated = load(str(model), direction="B2A")(Image.new("RGB", (24, 20)))
    assert translated.image.shape == (3, 20, 24)
    assert translated.foreground is not None
    origin = json.loads((model / "config.json").read_text())["provenance"]["trained"]
    assert (origin["recipe"], origin["steps"], origin["options"]["masks"]) == ("attentiongan2", 6, 3)
    assert [one.name for one in checkpoint.all_of(tmp_path / "run")] == ["step-00000004", "step-00000006"]
    rows = (tmp_path / "run/losses.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["step", "2", "4", "6"]
    assert {"cycle_A", "D_B", "learning_rate"} < set(rows[0].split(","))
    assert len(list((tmp_path / "run/samples").iterdir())) == 2
    assert list((tmp_path / "run/tensorboard").iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_first_and_the_run_continues_exactly(
    data: Path, tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(data, tmp_path / "whole", ema=0.5, accumulation=2)
    step, calls = CycleRecipe.step, []

    def interrupted(self: CycleRecipe, *given: Any) -> Any:
        calls.append(None)
        if len(calls) == 5:
            signal.raise_signal(number)
        return step(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(CycleRecipe, "step", interrupted)
        with pytest.raises((SystemExit, KeyboardInterrupt)) as stopped:
            run(data, tmp_path / "cut", ema=0.5, accumulation=2)
    if number == signal.SIGTERM:
        assert isinstance(stopped.value, SystemExit)
        assert stopped.value.code == 143
    assert signal.getsignal(number) not in (None, signal.SIG_IGN)
    assert [one.name for one in checkpoint.all_of(tmp_path / "cut")][-1] == "step-00000003"
    with pytest.raises(ConfigError, match="--resume"):
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
    with pytest.raises(ConfigError, match=r"epoch_size=None \(now 5\), flip=True \(now False\), pool=2 \(now 9\):"):
        run(data, tmp_path / "run", recipe_options=SMALL | {"pool": 9}, resume=True, **options)


@pytest.mark.filterwarnings("ignore:bfloat16 is slower")
def test_a_resumed_run_may_change_what_a_diverged_one_is_told_to(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "run", steps=1, precision="bf16")
    run(data, tmp_path / "run", steps=2, precision="fp32", resume=True)
    assert "--precision fp32" in AFTER_DIVERGING


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("taken", ["model/mine.txt", "checkpoints/step-00000002/shared.pt", "losses.csv", "run.json"])
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
    with pytest.raises(ConfigError, match="--from"):
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


def test_options_that_would_do_nothing_are_refused(data: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.txt"
    table.write_text("Bald\n")
    for options in ({"select": ["Bald"]}, {"attributes": table}, {"attributes": table, "select": ["Bald"]}):
        with pytest.raises(ConfigError, match="attributes"):
            run(data, tmp_path / "run", **options)
    for side in "AB":
        with tarfile.open(tmp_path / f"train{side}-0.tar", "w") as tar:
            tar.add(data / f"train{side}/0.png", "0.png")
    with pytest.raises(ConfigError, match="--cache"):
        run(tmp_path, tmp_path / "run", cache=True)


def test_a_full_disk_keeps_the_old_checkpoint_and_counts_the_missing_bytes(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(data, tmp_path / "run", steps=2)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 1000, 1000))
    with pytest.raises(DiskFullError, match=r"needs \d+ more bytes"):
        run(data, tmp_path / "run", resume=True)
    assert [one.name for one in checkpoint.all_of(tmp_path / "run")] == ["step-00000002"]
    monkeypatch.undo()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DiskFullError):
        run(data, tmp_path / "run", resume=True)
    assert [one.name for one in (tmp_path / "run/checkpoints").iterdir()] == ["step-00000002"]


def test_a_damaged_checkpoint_is_named(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "run", steps=2)
    shared = tmp_path / "run/checkpoints/step-00000002/shared.pt"
    shared.write_bytes(shared.read_bytes()[:5000])
    with pytest.raises(UnreadableFileError, match="continue from an older one"):
        run(data, tmp_path / "run", resume=True)


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


def test_memory_savers_change_no_weights(data: Path, tmp_path: Path) -> None:
    plain = run(data, tmp_path / "plain", steps=2, recipe_options=SMALL)
    recomputed = run(data, tmp_path / "recomputed", steps=2, checkpointing=True, cache=True)
    assert weights(plain) == weights(recomputed)


@pytest.mark.filterwarnings("ignore:bfloat16 is slower")
def test_bf16_trains_float32_weights(data: Path, tmp_path: Path) -> None:
    model = run(data, tmp_path / "run", "attentiongan2", steps=2, precision="bf16", recipe_options=SMALL)
    assert load(str(model), direction="A2B")(Image.new("RGB", (16, 16))).image.isfinite().all()


def test_updates_leave_nothing_behind_in_other_networks() -> None:
    from .test_train_processes import TinyRecipe

    recipe = TinyRecipe()
    options = TrainOptions(device="cpu", accumulation=2)
    engine = Engine(recipe, make_accelerator(options), options)
    before = {name: tensor.clone() for name, tensor in recipe.networks.state_dict().items()}
    loss = recipe.networks["D_B"](recipe.networks["G_A2B"](torch.rand(1, 3, 8, 8))).mean()
    engine.update("G", loss)
    assert all(parameter.grad is None for parameter in recipe.networks["D_B"].parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in recipe.networks.state_dict().items())
    pending = engine.pending()
    assert pending["G"]["gathered"] == 1
    engine.load_pending(pending)
    assert all(parameter.grad is not None for parameter in recipe.networks["G_A2B"].parameters())


def test_discriminators_may_learn_at_a_rate_of_their_own() -> None:
    recipe = cyclegan(**SMALL, discriminator_rate=4.0, learning_rate=0.001)
    options = TrainOptions(device="cpu")
    engine = Engine(recipe, make_accelerator(options), options)
    assert {name: o.param_groups[0]["lr"] for name, o in engine.optimizers.items()} == {"G": 0.001, "D": 0.004}
    engine.set_learning_rate(0.0005)
    assert {name: o.param_groups[0]["lr"] for name, o in engine.optimizers.items()} == {"G": 0.0005, "D": 0.002}


def test_losses_that_come_now_and_then_get_columns_too(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    _append(path, {"step": 1, "D": 0.5})
    _append(path, {"step": 2, "D": 0.25, "G": 1.0})
    _append(path, {"step": 3, "D": 0.125})
    assert path.read_text().splitlines() == ["step,D,G", "1,0.5,", "2,0.25,1.0", "3,0.125,"]


def test_means_are_over_the_steps_a_term_had() -> None:
    averages = Averages()
    averages.add({"D": torch.tensor(1.0), "G": torch.tensor(4.0)})
    averages.add({"D": torch.tensor(3.0)})
    assert averages.read(2) == {"D": 2.0, "G": 4.0}
    assert averages.read(3) == {}


class Constant(nn.Module):
    """A generator whose mask is one value everywhere."""

    def __init__(self, mask: float) -> None:
        super().__init__()
        self.mask = mask

    def forward(self, image: torch.Tensor, domain: torch.Tensor | None = None) -> Translation:
        mask = torch.full_like(image[:, :1], self.mask)
        contents = -image.unsqueeze(1)
        return Translation(mask * contents[:, 0] + (1 - mask) * image, mask, contents)


@pytest.mark.parametrize(("mask", "complaints"), [(0.0, ["all zero", "the identity"]), (1.0, ["all one"]), (0.5, [])])
def test_useless_masks_are_warned_of_once(mask: float, complaints: list[str], recwarn: pytest.WarningsRecorder) -> None:
    networks = nn.ModuleDict({"G_A2B": Constant(mask), "G_B2A": Constant(mask)})
    preview = Preview({side: torch.rand(2, 3, 8, 8) for side in "AB"})
    for step in (1, 2):
        preview.guard(preview.look(networks), step)
    assert [one.category for one in recwarn] == [TrainingWarning] * len(complaints)
    assert all(complaint in str(one.message) for complaint, one in zip(complaints, recwarn, strict=True))


def test_looking_leaves_the_networks_as_they_were() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout())
    network[1].eval()
    with evaluating(network):
        assert not network[0].training
        assert not torch.is_grad_enabled()
    assert network[0].training
    assert not network[1].training


@pytest.mark.slow
def test_killed_trainings_end_bit_identical() -> None:
    command = [sys.executable, "-m", "tests.kill_training", "--kills", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bit-identical" in done.stdout
