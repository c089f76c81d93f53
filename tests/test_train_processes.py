"""Two processes train as one does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attn_i2i.train.data.loading import Order

from .helpers.pictures import PICTURES, make_pictures
from .helpers.tiny_training import TinyRecipe, trained
from .helpers.two_processes import two_processes


@pytest.mark.slow
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
    assert "interrupted after step 1: saved; start it again with --resume to go on\n" in stopped.stderr
    saved = tmp_path / "run/checkpoints/step-00000001"
    assert sorted(file.name for file in saved.iterdir()) == [
        "SHA256SUMS",
        "process-0000.pt",
        "process-0001.pt",
        "shared.pt",
    ]
    broken.write_bytes(kept)
    resumed = two_processes(*command, "--resume")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    assert (tmp_path / "run/checkpoints/step-00000003").is_dir()


@pytest.mark.slow
def test_two_processes_end_where_one_does(tmp_path: Path) -> None:
    out = tmp_path / "two.pt"
    done = two_processes("tests.helpers.tiny_training", str(out))
    assert done.returncode == 0, done.stderr[-3000:]
    both = torch.load(out, weights_only=True)
    _, alone = trained(batch_size=4)
    assert both[0].keys() == alone.keys()
    for name, tensor in alone.items():
        assert torch.equal(both[0][name], both[1][name]), name
        assert torch.allclose(both[0][name], tensor, atol=1e-6), name
    untouched = TinyRecipe().networks.state_dict()
    assert not any(torch.allclose(alone[name], tensor, atol=1e-6) for name, tensor in untouched.items())
