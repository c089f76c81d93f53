"""The command line with plugins of its own, in a process that starts at once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from . import processes


def forked_cli(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``attn-i2i`` with the plugins that are installed in ``site``; POSIX only.

    Not forked from the tests' own process: autograd does not work in a fork of one that has used a GPU's threads.
    """
    return processes.run("-m", "attn_i2i.cli", *arguments, cwd=Path.cwd(), env={**os.environ, "PYTHONPATH": str(site)})
