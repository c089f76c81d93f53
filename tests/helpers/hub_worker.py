"""A process with its own Hub endpoint and home, which finds and publishes models as it is told.

The Hub client reads its environment at import, so a test cannot give it a new endpoint in its own process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from .processes import start


class Answer(NamedTuple):
    """What a call returned, or the type and text of its error, and how long it took."""

    value: Any
    error: str
    message: str
    seconds: float


class Worker:
    """Runs calls in its process one after another; ``home`` holds all that it may write to, ``zoo`` its model store."""

    def __init__(self, endpoint: str, home: Path, **environment: str) -> None:
        self.home = home
        self.zoo = home / "zoo"
        inherited = {name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "HF_TOKEN")}
        own = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home / "hf")}
        own |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "ATTN_I2I_PLUGINS": "", "TMPDIR": str(home)}
        home.mkdir(parents=True, exist_ok=True)
        self.process = start(
            "-m", "tests.helpers.hub_worker", errors=home / "stderr", env=inherited | own | environment
        )

    def ask(self, call: str, *arguments: Any, **options: Any) -> None:
        """Start a call of "module:function" with JSON arguments."""
        self.process.stream.write(json.dumps([str(self.zoo), call, arguments, options]) + "\n")
        self.process.stream.flush()

    def answer(self) -> Answer:
        """Wait for the call that was started first."""
        line = self.process.stream.readline()
        assert line, (self.home / "stderr").read_text()
        return Answer(*json.loads(line))

    def __call__(self, call: str, *arguments: Any, **options: Any) -> Answer:
        self.ask(call, *arguments, **options)
        return self.answer()

    def find(self, name: str, **options: Any) -> Answer:
        return self("tests.helpers.hub_worker:folder_of", name, **options)

    def close(self) -> None:
        self.process.kill()


def add_card(path: str) -> None:
    """Register the card at ``path`` as a plugin would."""
    from attn_i2i.models.card import read_card
    from attn_i2i.plugins import zoo

    card = read_card(Path(path))
    zoo().cards.add(card.name, card)


def folder_of(name: str, **options: Any) -> Path:
    """Where a model is found."""
    from attn_i2i.hub import find_model

    return find_model(name, **options).folder


def main() -> None:
    """Answer one call a line."""
    from pkgutil import resolve_name

    from huggingface_hub import HfApi, hf_hub_download  # noqa: F401  # their import is no part of a call's time

    from attn_i2i.hub import client

    client.PAUSES = (0.01, 0.01)
    if "ATTN_I2I_TEST_PATIENCE" in os.environ:  # the client itself waits for seconds
        time.sleep = lambda _: None
    replies = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        os.environ["ATTN_I2I_HOME"], call, arguments, options = json.loads(line)
        start = time.monotonic()
        try:
            answer = Answer(str(resolve_name(call)(*arguments, **options)), "", "", 0)
        except Exception as error:
            answer = Answer(None, type(error).__name__, str(error), 0)
        replies.write(json.dumps(answer._replace(seconds=time.monotonic() - start)) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
