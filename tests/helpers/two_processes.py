"""Two processes under torchrun that start at once; run by its path, this file is one of them."""

from __future__ import annotations

import runpy
import subprocess
import sys
import tempfile

# Forked, since the launcher is: a spawned process imports torch again, which takes longer than what it is to do.
LAUNCHER = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2", "--start-method", "fork", "--run-path"]


def two_processes(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m MODULE ARGUMENTS`` twice under torchrun, which prints what each writes."""
    from .processes import run

    with tempfile.TemporaryDirectory() as logs:
        return run("-m", *LAUNCHER, "--tee", "3", "--log-dir", logs, __file__, module, *arguments)


if __name__ == "__main__":
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
