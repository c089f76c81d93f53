"""A run goes on as it began, and takes nothing from its user."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from attn_i2i.recipes import CycleRecipe
from attn_i2i.train import checkpoint, plan, resume
from attn_i2i.types import AttnI2IError, ConfigError, UnreadableFileError

from .helpers.pictures import make_pictures
from .helpers.trainings import run, weights

MULTI = {"width": 4, "blocks": 1, "discriminator_width": 4, "discriminator_layers": 2}


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps; tests copy it."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    run(data, folder, steps=2, seed=3, batch_size=2)
    return folder


def test_a_run_goes_on_by_its_folder_alone(data: Path, tmp_path: Path, trained: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")
    whole = run(data, tmp_path / "whole", steps=4, seed=3, batch_size=2)
    assert plan(None, None, folder, resume=True, steps=4).done == 2
    assert weights(resume(folder, steps=4)) == weights(whole)
    assert resume(folder) == folder / "model"  # which is done, and says so
    with pytest.raises(ConfigError, match="holds no training to continue"):
        resume(tmp_path)
    with pytest.raises(ConfigError, match=r"batch_size=2 \(now batch_size=1\)"):
        resume(folder, batch_size=1)


def test_steps_before_the_last_are_refused(tmp_path: Path, trained: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")
    before = (folder / "run.json").read_bytes()
    for call in (resume, lambda folder, **options: plan(None, None, folder, resume=True, **options)):
        with pytest.raises(ConfigError, match="has 2 steps behind it, and steps=1"):
            call(folder, steps=1)
    assert json.loads((folder / "model/config.json").read_text())["provenance"]["trained"]["steps"] == 2
    assert (folder / "run.json").read_bytes() == before


def swap(data: Path) -> None:
    (data / "trainA").rename(data / "trainC")
    (data / "trainB").rename(data / "trainA")
    (data / "trainC").rename(data / "trainB")


def test_swapped_domains_are_another_run_and_a_mended_picture_is_not(tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_pictures(data)
    for number in (5, 6):  # as many in both, of the same names
        (data / f"trainA/{number}.png").unlink()
    run(data, tmp_path / "run", steps=1)
    swap(data)
    with pytest.raises(ConfigError, match="those in A were in another domain"):
        run(data, tmp_path / "run", steps=2, resume=True)
    swap(data)
    shutil.copy(data / "trainA/1.png", data / "trainA/0.png")
    run(data, tmp_path / "run", steps=2, resume=True)


def test_renamed_and_exchanged_classes_are_another_run(data: Path, tmp_path: Path) -> None:
    classes = tmp_path / "classes"
    for name, side in (("clay", "A"), ("flat", "B")):
        shutil.copytree(data / f"train{side}", classes / "train" / name)
    for number in (5, 6):
        (classes / f"train/clay/{number}.png").unlink()
    options: dict[str, Any] = {"recipe": "stargan", "recipe_options": MULTI, "steps": 1}
    run(classes, tmp_path / "run", **options)
    (classes / "train/clay").rename(classes / "train/dough")
    with pytest.raises(ConfigError, match=r"the domains clay, flat \(now dough, flat\)"):
        run(classes, tmp_path / "run", resume=True, **options)
    (classes / "train/flat").rename(classes / "train/clay")
    (classes / "train/dough").rename(classes / "train/flat")
    with pytest.raises(ConfigError, match="another domain"):
        run(classes, tmp_path / "run", resume=True, **options)


def test_other_attributes_are_another_run_though_their_columns_are_equal(data: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.txt"
    rows = [f"{number}.png {sign} {-sign} {sign}" for number, sign in enumerate((1, -1, 1, -1, 1))]
    table.write_text("\n".join(["Male Young Bald", *rows]))
    options: dict[str, Any] = {"recipe": "stargan", "recipe_options": MULTI, "steps": 1, "attributes": table}
    run(data / "trainB", tmp_path / "run", select=["Male", "Young"], **options)
    with pytest.raises(ConfigError, match=r"select=\['Male', 'Young'\] \(now select=\['Bald', 'Young'\]\)"):
        run(data / "trainB", tmp_path / "run", select=["Bald", "Young"], resume=True, **options)
    assert resume(tmp_path / "run", steps=2).is_dir()


def test_saving_keeps_what_others_put_beside_the_model(data: Path, tmp_path: Path, trained: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")
    mine = folder / "model/samples/a.png"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    (folder / "model/notes.txt").write_text("mine")
    (folder / "model/link").symlink_to("nowhere")
    resume(folder, steps=4, save_every=1)
    assert mine.read_bytes() == b"mine"
    assert (folder / "model/notes.txt").read_text() == "mine"
    assert (folder / "model/link").is_symlink()
    assert json.loads((folder / "model/config.json").read_text())["provenance"]["trained"]["steps"] == 4


def test_an_interrupted_removal_of_a_checkpoint_leaves_no_half(
    tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")

    def killed(path: Path) -> None:
        next(path.glob("*.pt")).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.prune(folder, 1, newest=1)
    assert checkpoint.all_of(folder) == []
    shutil.copytree(trained / "checkpoints", folder / "checkpoints", dirs_exist_ok=True)
    resume(folder, steps=3)
    assert not list((folder / "checkpoints").glob(".*"))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "losses.csv, no numbers": (lambda f: (f / "losses.csv").write_text("step,G\nx,1\n"), r"losses\.csv is damaged"),
    "losses.csv, another table": (lambda f: (f / "losses.csv").write_text("a,b\n1,2\n"), r"losses\.csv is damaged"),
    "losses.csv, no text": (lambda f: (f / "losses.csv").write_bytes(b"step\n\xff\xfe\n"), r"losses\.csv is damaged"),
    "losses.csv, uneven": (lambda f: (f / "losses.csv").write_text("step,G\n1,2,3\n"), r"losses\.csv is damaged"),
    "run.json, no object": (lambda f: (f / "run.json").write_text("[]"), r"run\.json is no record"),
    "run.json, no JSON": (lambda f: (f / "run.json").write_text("{"), r"run\.json cannot be read"),
    "run.json, of another type": (lambda f: edit(f / "run.json", recipe=3), r"run\.json is no record"),
    "run.json, no arguments": (lambda f: edit(f / "run.json", arguments={}), r"run\.json is no record"),
    "run.json, options": (lambda f: edit(f / "run.json", options={"keep": "2"}), "keep='2'"),
    "time.json": (lambda f: (f / "time.json").write_text("{"), r"time\.json cannot be read"),
}


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_the_files_of_a_run_is_named(tmp_path: Path, trained: Path, damage: str) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")
    do, message = DAMAGES[damage]
    do(folder)
    with pytest.raises(AttnI2IError, match=message):
        resume(folder, steps=3)


def test_what_the_system_refuses_is_named(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(UnreadableFileError, match=r"run cannot be used \(Permission denied\)"):
        run(data, tmp_path / "run")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"recipe": 5}, "recipe=5 was given: expected a text"),
        ({"recipe_options": ["width"]}, "recipe_options=.* expected a dictionary"),
        ({"recipe_options": {1: 2}}, "recipe_options=1 was given"),
        ({"recipe_options": {"width": "wide"}}, "width='wide'"),
        ({"start": 3.5}, "start=3.5 was given: expected a text or a path"),
        ({"select": "Male"}, "select='Male' was given: expected a list"),
        ({"resume": "yes"}, "resume='yes'"),
        ({"flip": "no"}, "flip='no' was given: expected True or False"),
        ({"cache": 1}, "cache=1 was given"),
        ({"ema": "0.9"}, "ema='0.9'"),
        ({"ema": True}, "ema=True"),
        ({"device": 3}, "device=3"),
        ({"precision": 32}, "precision=32"),
        ({"steps": "6"}, "steps='6'"),
        ({"keep": None}, "keep=None"),
        ({"seed": 2**80}, "seed=.* at most"),
        ({"lr": 1e-4}, 'recipe_options={"learning_rate": VALUE}'),
        ({"batch": 4}, "Did you mean 'batch_size'"),
    ],
)
def test_arguments_of_another_type_are_named(
    data: Path, tmp_path: Path, arguments: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        run(data, tmp_path / "run", **arguments)
    with pytest.raises(ConfigError, match="data=5 was given"):
        run(5, tmp_path / "run")  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_memory_that_is_not_enough_comes_with_what_takes_less(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from attn_i2i.train import OutOfMemoryError

    messages = (
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
        "CUDA out of memory. Tried",
    )
    for index, error in enumerate([*map(RuntimeError, messages), torch.OutOfMemoryError("x"), MemoryError()]):

        def fails(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(CycleRecipe, "step", fails)
        with pytest.raises(OutOfMemoryError, match='checkpointing=True or precision="bf16"') as told:
            run(data, tmp_path / f"run-{index}", batch_size=4, accumulation=2)
        assert "batch_size=1 and accumulation=8" in str(told.value)
        with pytest.raises(OutOfMemoryError) as told:
            run(data, tmp_path / f"saving-{index}", checkpointing=True)
        assert "checkpointing=" not in str(told.value)
        assert "batch_size=" not in str(told.value)
