"""The command line in a process of its own that starts at once: it has imported what this one has."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import NoReturn

from attn_i2i.cli import main
from attn_i2i.plugins import _manager


def forked_cli(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``attn-i2i`` with the plugins that are installed in ``site``; POSIX only."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of xdist's thread, which does not matter
            process = os.fork()
        if process == 0:
            _run(site, arguments, out, err)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        return subprocess.CompletedProcess(arguments, status, out.read_text(), err.read_text())


def _run(site: Path, arguments: tuple[str, ...], out: Path, err: Path) -> NoReturn:
    status = 70  # none of the command line's own
    try:
        sys.stdout, sys.stderr = out.open("w"), err.open("w")
        warnings.resetwarnings()
        warnings.simplefilter("ignore", DeprecationWarning)  # as an interpreter starts
        sys.path.insert(0, str(site))
        importlib.invalidate_caches()
        _manager.manager.cache_clear()
        sys.argv = ["attn-i2i", *arguments]
        main()
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 70
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
