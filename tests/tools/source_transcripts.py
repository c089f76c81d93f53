"""Transcripts of fetching from each kind of source: ``python -m tests.tools.source_transcripts [docs/sources.md]``.

Servers on loopback stand for the sources; the models are small and random, in the formats of published ones. Without a
page the transcripts are printed; with one they take the place of what stands between its two comments.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from ..helpers.fakehub import FakeHub
from ..helpers.fakesources import FakeSources

START, END = "<!-- transcripts: python -m tests.tools.source_transcripts docs/sources.md -->", "<!-- end -->"


class Scene(NamedTuple):
    """What is shown: a heading, a sentence, and commands; ``model`` is fetched, loaded and used."""

    heading: str
    told: str
    model: str
    commands: tuple[str, ...] = ("fetch {} --dry-run", "fetch {}", "load {}", "translate photo.png -o {} -m {}")


class Stage:
    """A fresh home, a photograph, and servers for all kinds of source; runs commands and counts requests."""

    def __init__(self, hub: FakeHub, places: FakeSources, home: Path) -> None:
        self.hub, self.places, self.home = hub, places, home

    def play(self, scene: Scene) -> str:
        """One scene as Markdown."""
        lines = []
        for command in scene.commands:
            line = command.replace("{}", scene.model)
            before = len(self.hub.requests) + len(self.places.requests)
            output = self.shown(run(shlex.split(line)))
            asked = len(self.hub.requests) + len(self.places.requests) - before
            lines += [f"$ attn-i2i {line}", *output.rstrip("\n").splitlines(), f"# {counted(asked)}"]
        body = "\n".join(lines)
        return f"### {scene.heading}\n\n{scene.told}\n\n```console\n{body}\n```\n"

    def shown(self, text: str) -> str:
        """Without what differs from run to run: ports and folders."""
        for address, port in ((self.places.url, 8000), (self.hub.url, 9000)):
            text = text.replace(address, f"http://127.0.0.1:{port}")
        return text.replace(str(self.home), "/home/me/.cache/attn_i2i")


def counted(requests: int) -> str:
    """How many requests a command made."""
    return {0: "no request", 1: "1 request"}.get(requests, f"{requests} requests")


def run(arguments: list[str]) -> str:
    """What the command line prints, errors and warnings too."""
    from attn_i2i.cli import main

    text, before = io.StringIO(), sys.argv
    sys.argv = ["attn-i2i", *arguments]
    try:
        with redirect_stdout(text), redirect_stderr(text):
            main()
    except SystemExit as stop:
        if stop.code:
            text.write(f"# exit code {stop.code}\n")
    finally:
        sys.argv = before
    return text.getvalue()


def transcripts() -> str:
    """All scenes, one behind the other."""
    patch = pytest.MonkeyPatch()
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, FakeHub(redirect=True) as hub, FakeSources() as places:
        home = Path(folder, "home")
        settings = {"ATTN_I2I_HOME": str(home), "HF_HOME": str(Path(folder, "hf")), "HF_ENDPOINT": hub.url}
        settings |= {"ATTN_I2I_PLUGINS": "", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        os.environ.update(settings | {"HF_HUB_DISABLE_XET": "1", "OMP_NUM_THREADS": "1"})
        os.chdir(folder)
        try:
            from ..helpers.commands import picture  # imports wait until the Hub's client has its endpoint
            from ..helpers.sources import stand_in
            from .source_scenes import all_scenes

            stand_in(places, patch)
            picture("photo.png", (96, 64))
            stage = Stage(hub, places, home)
            return "\n".join(map(stage.play, all_scenes(hub, places, Path(folder))))
        finally:
            patch.undo()
            os.chdir(before)


def main() -> None:
    """Print the transcripts, or put them into the page that is named."""
    text = transcripts()
    if len(sys.argv) < 2:
        print(text)
        return
    page = Path(sys.argv[1])
    old = page.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(START)}.*{re.escape(END)}", re.DOTALL)
    if not pattern.search(old):
        sys.exit(f"{page} has no place for transcripts: {START} ... {END}")
    page.write_text(pattern.sub(lambda _: f"{START}\n\n{text}\n{END}", old), encoding="utf-8")


if __name__ == "__main__":
    main()
