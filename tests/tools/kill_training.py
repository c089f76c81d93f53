"""Kill a training at random moments, resume it, and compare the end with a training that was left alone.

python -m tests.tools.kill_training --kills 25
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import accelerate  # noqa: F401  # what training imports late, so that forked processes have it already
import torch
import torch._dynamo  # which every optimizer imports

from attn_i2i.files import sha256
from attn_i2i.train import train
from attn_i2i.train.checkpoint import all_of

from ..helpers.pictures import make_pictures

SAVE_EVERY = 3
# Dropout draws from the random numbers of the process, at every step: whoever does not restore them ends elsewhere.
RECIPE = {"width": 4, "blocks": 1, "dropout": 0.5, "discriminator_width": 4, "discriminator_layers": 1, "pool": 3}
POLL_SECONDS = 0.01  # a step takes longer


def start(data: Path, run: Path, steps: int) -> int:
    """Fork a process that trains, resuming what is there; returns its id. It has everything imported already."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        options: dict[str, Any] = {"crop_size": 16, "batch_size": 2, "ema": 0.9, "steps": steps, "device": "cpu"}
        options |= {"save_every": SAVE_EVERY, "sample_every": 7, "workers": 0, "resume": True}
        train("cyclegan", data, run, recipe_options=RECIPE, **options)
        code = 0
    finally:
        os._exit(code)


def finish(child: int) -> int:
    """Wait for the process; its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def fingerprint(run: Path, steps: int) -> dict[str, str]:
    """SHA-256 of the model's files and of what the last checkpoint holds: optimizers, average, pools, random states."""
    digests = {file.name: sha256(file) for file in sorted((run / "model").iterdir())}
    for file in sorted((run / "checkpoints" / f"step-{steps:08d}").glob("*.pt")):
        digest = hashlib.sha256()
        for part in leaves(torch.load(file, weights_only=True)):
            digest.update(part)
        digests[file.name] = digest.hexdigest()
    return digests


def leaves(state: Any) -> Iterator[bytes]:
    """Every value in nested containers: equal contents may be pickled to different bytes."""
    if isinstance(state, torch.Tensor):
        yield state.contiguous().view(-1).view(torch.uint8).numpy().tobytes() if state.numel() else b"empty"
    elif isinstance(state, dict):
        for key, value in state.items():
            yield repr(key).encode()
            yield from leaves(value)
    elif isinstance(state, list | tuple):
        for value in state:
            yield from leaves(value)
    else:
        yield repr(state).encode()


def wait_for_checkpoint(run: Path, child: int) -> None:
    """Until the process has written a checkpoint or has ended: before the first one there is nothing to restore."""
    before = all_of(run)
    while all_of(run) == before and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(POLL_SECONDS)


def kill_until_done(begin: Callable[[], int], run: Path, longest: float, kills: int, moment: random.Random) -> int:
    """Train to the end, killing at most ``kills`` times on the way; returns how often that happened.

    ``begin`` starts the training, or what is left of it. The first kill, and every other one, comes after a checkpoint,
    so that something has to be restored.
    """
    done = 0
    while done < kills:
        child = begin()
        if done % 2 == 0:
            wait_for_checkpoint(run, child)
        time.sleep(moment.uniform(0, longest))
        os.kill(child, signal.SIGKILL)
        status = finish(child)
        if status == 0:
            return done
        if status != -signal.SIGKILL:
            raise SystemExit(f"the training failed by itself with status {status}")
        done += 1
    if status := finish(begin()):
        raise SystemExit(f"the last training failed with status {status}")
    return done


def main() -> None:
    """Exit with 0 where every killed training ended as the one left alone."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--steps", type=int, default=30, help="of each training")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    moment, steps, killed, trainings = random.Random(arguments.seed), arguments.steps, 0, 0
    with tempfile.TemporaryDirectory(prefix="attn_i2i-kills-") as folder:
        data = Path(folder, "data")
        make_pictures(data)
        clock = time.perf_counter()
        if finish(start(data, Path(folder, "alone"), steps)):
            raise SystemExit("the training that was left alone failed")
        seconds = time.perf_counter() - clock
        expected = fingerprint(Path(folder, "alone"), steps)
        while killed < arguments.kills:
            run = Path(folder, f"killed-{trainings}")
            begin = partial(start, data, run, steps)
            killed += kill_until_done(begin, run, seconds / 2, min(5, arguments.kills - killed), moment)
            trainings += 1
            if (ended := fingerprint(run, steps)) != expected:
                raise SystemExit(f"training {trainings} differs after {killed} kills: {ended} != {expected}")
            if left := list(run.rglob(".*")):
                raise SystemExit(f"an interrupted write left {left}")
    print(f"{killed} kills in {trainings} trainings of {steps} steps: every one ended bit-identical", file=sys.stdout)


if __name__ == "__main__":
    main()
