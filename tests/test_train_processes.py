"""Two processes train as one does; run as a module under torchrun, this file is one of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from attn_i2i.interfaces import Update
from attn_i2i.train import Engine, TrainOptions
from attn_i2i.train.data import Order
from attn_i2i.train.engine import make_accelerator

from .kill_training import PICTURES, make_pictures

ROOT = Path(__file__).parents[1]
STEPS, ACCUMULATION = 3, 2


class TinyRecipe:
    """Two updates on a shared forward pass; plain SGD, so that gradients show in the weights unscaled."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.networks = nn.ModuleDict({"G_A2B": nn.Conv2d(3, 3, 3, padding=1), "D_B": nn.Conv2d(3, 1, 3)})
        self.options: dict[str, Any] = {}

    def optimizers(self) -> dict[str, Optimizer]:
        """One for each network."""
        return {name: SGD(self.networks[key].parameters(), 0.05) for name, key in (("G", "G_A2B"), ("D", "D_B"))}

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]:
        """The generator first; its loss also reaches the discriminator's weights, which must not keep it."""
        fake = self.networks["G_A2B"](batch["A"])
        generator = (self.networks["D_B"](fake) - 1).square().mean() + (fake - batch["A"]).abs().mean()
        update("G", generator)
        judge = (
            self.networks["D_B"](fake.detach()).square().mean() + (self.networks["D_B"](batch["A"]) - 1).square().mean()
        )
        update("D", judge)
        return {"G": generator.detach(), "D": judge.detach()}

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """Constant."""
        return 0.05

    def on_epoch(self, epoch: int) -> None:
        """Nothing."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing."""


def trained(batch_size: int) -> tuple[Engine, dict[str, Tensor]]:
    """Train on a fixed stream of pictures, this process's share of each step."""
    options = TrainOptions(device="cpu", accumulation=ACCUMULATION, batch_size=batch_size, ema=0.5)
    accelerator = make_accelerator(options)
    recipe = TinyRecipe()
    if accelerator.process_index:  # the first process's weights must win
        nn.init.zeros_(recipe.networks["G_A2B"].weight)
    engine = Engine(recipe, accelerator, options)
    source = torch.Generator().manual_seed(1)
    for _ in range(STEPS * ACCUMULATION):
        everything = torch.rand(4, 3, 8, 8, generator=source)
        start = accelerator.process_index * batch_size
        engine.micro_step({"A": everything[start : start + batch_size]})
    return engine, {
        **recipe.networks.state_dict(),
        **{f"ema.{k}": v for k, v in engine.generators.state_dict().items()},
    }


def two_processes(*module: str) -> subprocess.CompletedProcess[str]:
    """Run a module with arguments as two processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", *module]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def test_a_picture_that_one_process_cannot_read_stops_both_saved(tmp_path: Path) -> None:
    make_pictures(tmp_path / "data")
    broken = tmp_path / "data/trainA/6.png"  # of the last place: not looked at before the first step
    kept = broken.read_bytes()
    broken.write_bytes(b"no picture")
    # The second process meets it in the second step, whose pictures are those of the positions 4 to 7.
    seed = next(seed for seed in range(99) if Order(PICTURES, seed, 0)[5] == PICTURES - 1)
    command = ["attn_i2i.cli", "train", "cyclegan", "--data", str(tmp_path / "data"), "-o", str(tmp_path / "run")]
    command += ["--steps", "3", "--accumulation", "2", "--crop-size", "16", "--device", "cpu", "--workers", "0"]
    command += ["--seed", str(seed)]
    for option in ("width=4", "blocks=1", "discriminator_width=4", "discriminator_layers=1"):
        command += ["--set", option]
    stopped = two_processes(*command)
    assert stopped.returncode == 1
    assert f"error: {broken} is no picture" in stopped.stderr
    assert "interrupted after step 1: saved; continue with --resume" in stopped.stderr
    saved = tmp_path / "run/checkpoints/step-00000001"
    assert sorted(file.name for file in saved.iterdir()) == ["process-0000.pt", "process-0001.pt", "shared.pt"]
    broken.write_bytes(kept)
    resumed = two_processes(*command, "--resume")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    assert (tmp_path / "run/checkpoints/step-00000003").is_dir()


def test_two_processes_end_where_one_does(tmp_path: Path) -> None:
    out = tmp_path / "two.pt"
    done = two_processes("tests.test_train_processes", str(out))
    assert done.returncode == 0, done.stderr[-3000:]
    both = torch.load(out, weights_only=True)
    _, alone = trained(batch_size=4)
    assert both[0].keys() == alone.keys()
    for name, tensor in alone.items():
        assert torch.equal(both[0][name], both[1][name]), name
        assert torch.allclose(both[0][name], tensor, atol=1e-6), name
    untouched = TinyRecipe().networks.state_dict()
    assert not any(torch.allclose(alone[name], tensor, atol=1e-6) for name, tensor in untouched.items())


def main() -> None:
    """Be one of the processes; the first writes the weights of all."""
    _, weights = trained(batch_size=2)
    everyones: list[Any] = [None, None]
    torch.distributed.all_gather_object(everyones, weights)
    if torch.distributed.get_rank() == 0:
        torch.save(everyones, sys.argv[1])
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
