"""Models on the tests' Hub, and what a worker has made of them."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from pathlib import Path

from attn_i2i.hub import publish

from .hub_worker import Answer, Worker

WEIGHTS = "A2B.safetensors"
numbers = itertools.count()


def model_files(size: int = 200_000, **config: object) -> dict[str, bytes]:
    """The files of a model; its weights are noise, since nothing here looks into them."""
    settings = {"format": 1, "architecture": "cyclegan", "config": {}, "directions": ["A2B"], **config}
    noise = random.Random(next(numbers)).randbytes(size)
    return {"config.json": json.dumps(settings).encode(), WEIGHTS: noise, "README.md": b"# A model\n"}


def outside(worker: Worker) -> list[str]:
    """Everything beside the worker's home."""
    return sorted(str(p) for p in worker.home.parent.rglob("*") if worker.home not in (p, *p.parents))


def stored(worker: Worker) -> list[Path]:
    """Folders that the worker would load from: those with a final name."""
    return [path for path in worker.zoo.glob(".hub/*/*") if len(path.name) == 40]


def assert_holds(answer: Answer, files: dict[str, bytes]) -> Path:
    assert not answer.error, f"{answer.error}: {answer.message}"
    folder = Path(answer.value)
    for name in ("config.json", WEIGHTS):
        assert (folder / name).read_bytes() == files[name]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    return folder


def card_for(worker: Worker, repo: str, commit: str, files: dict[str, bytes], **top: str) -> str:
    """Register a card with these weights in the worker; its name."""
    name = repo.partition("/")[2]
    sums = "\n".join(f'"{file}" = "{hashlib.sha256(data).hexdigest()}"' for file, data in files.items())
    lines = {"summary": "A model", "architecture": "cyclegan", "task": "a2b", **top}
    path = worker.home / f"{name}.toml"
    path.write_text(
        "\n".join(f'{key} = "{value}"' for key, value in lines.items())
        + f'\n[directions]\nA2B = "a2b"\n[weights]\nrepo = "{repo}"\nrevision = "{commit}"\n[weights.sha256]\n{sums}\n'
    )
    added = worker("tests.helpers.hub_worker:add_card", str(path))
    assert not added.error, added.message
    return name


def published(directory: str, repo: str, **options: str) -> str:
    """What the worker runs: the lines for a zoo card."""
    return publish(directory, repo, **options).card_lines()  # type: ignore[arg-type]
