"""Python processes that start at once: forked from a server that has imported torch and done nothing else.

They stand for fresh interpreters, each with its own environment. A test that is about what an interpreter imports,
or in which order, starts one with ``subprocess`` instead. POSIX only.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import multiprocessing
import os
import runpy
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from .source import ROOT

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, ForkServerProcess

# They import torch, and none of them reads the environment at import, as the Hub client does. Every optimizer imports
# torch's compiler, which takes two seconds of processor time.
PRELOADED = ["accelerate", "torch._dynamo", "attn_i2i.convert", "attn_i2i.train", "attn_i2i.translate", __name__]
PATIENCE = 300.0  # seconds without a word: two processes that wait for each other would do so for half an hour


class Python(NamedTuple):
    """A process that runs: what it prints is read from ``stream``, what it is to read is written to it."""

    process: ForkServerProcess
    stream: TextIO
    errors: Path

    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.is_alive()

    def wait(self) -> int:
        """Its exit status, negative for a signal, once it ended."""
        self.process.join()
        self.stream.close()
        assert self.process.exitcode is not None
        return self.process.exitcode

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        self.wait()


def start(*command: str, errors: Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> Python:
    """As ``python COMMAND``: "-m", a module and its arguments, or "-c", code and its arguments."""
    errors.touch()
    ours, theirs = socket.socketpair()
    with theirs:
        process = _server().Process(target=_be, args=(command, theirs, errors, cwd, dict(env or os.environ)))
        process.start()
    with ours:
        ours.settimeout(PATIENCE)
        return Python(process, ours.makefile("rw", encoding="utf-8"), errors)


def run(*command: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Wait for ``python COMMAND``, see ``start``; returns its exit status and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        running = start(*command, errors=Path(folder, "stderr"), cwd=cwd, env=env)
        try:
            printed = running.stream.read()
            return subprocess.CompletedProcess(command, running.wait(), printed, running.errors.read_text())
        finally:
            running.kill()


def _server() -> ForkServerContext:
    """What starts processes; the server itself starts at the first call."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with contextlib.chdir(ROOT):  # where it finds this package and the tests
        ensure_running()
    return context


def _be(command: tuple[str, ...], stream: socket.socket, errors: Path, cwd: Path, env: dict[str, str]) -> None:
    """Become the process that was asked for."""
    gc.freeze()  # what the server imported is no garbage, and looking at it copies its pages
    with stream, errors.open("wb") as file:
        for own, standard in ((stream, 0), (stream, 1), (file, 2)):
            os.dup2(own.fileno(), standard)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # by lines, as Python's own
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None  # asked anew of this environment
    sys.path[:0] = [str(cwd), *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
    importlib.invalidate_caches()
    kind, what, *arguments = command
    if kind == "-m":
        sys.argv = [what, *arguments]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [kind, *arguments]
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102
