"""Cards whose files lie on loopback, for tests of fetching."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from attn_i2i.hub.sources import FetchError, bring, download, drive, fetch_model, index, kinds
from attn_i2i.models.card import Card
from attn_i2i.models.places import model_store
from attn_i2i.models.source import Source
from attn_i2i.plugins import zoo

from .fakesources import FakeSources
from .source import ROOT

CASES = ROOT / "tests" / "cases"
CHECKPOINT = (CASES / "cyclegan" / "latest_net_G_A.pth").read_bytes()
"""A small CycleGAN generator, in the format of the published ones."""
FILE = "model.pth"
PARTS = [f"{FILE}.part", f"{FILE}.part.json"]
_numbers = itertools.count()


def stand_in(places: FakeSources, patch: pytest.MonkeyPatch) -> None:
    """Let one server on loopback stand for Zenodo, Dropbox, Google Drive and the package index; waits are short."""
    for module in (download, bring):
        patch.setattr(module, "PAUSES", (0.0, 0.0))
    patch.setattr(kinds, "ZENODO", places.url)
    patch.setattr(kinds, "DROPBOX_HOSTS", ("localhost",))
    patch.setattr(drive, "DRIVE", places.url)
    patch.setattr(drive, "DRIVE_HOSTS", ("127.0.0.1",))
    patch.setenv("PIP_INDEX_URL", f"{places.url}/simple")
    index.index_url.cache_clear()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def source(kind: str, address: str, *, sums: Mapping[str, bytes] | None = None, **options: Any) -> Source:
    """A source; ``sums`` are contents whose SHA-256 its card knows."""
    known = {name: digest(content) for name, content in (sums or {}).items()}
    return Source(kind, address, sha256=known, evidence="a test", **options)  # type: ignore[arg-type]


def card(*sources: Source, **options: Any) -> Card:
    """A card of a small CycleGAN under a name that no other test has."""
    told = {"architecture": "cyclegan", "directions": {"A2B": "a2b"}, "config": {"blocks": 9}, **options}
    return Card(f"model-{next(_numbers)}", summary="A model", task="a2b", sources=sources, **told)


def litter() -> list[str]:
    """What lies in the store beside models and notes: parts of downloads."""
    return sorted(path.name for path in (model_store() / ".parts").rglob("*") if path.is_file() and path.name[0] != ".")


def mirrored(name: str, folder: str | None = None) -> str:
    """What a worker says of a model that it mirrored."""
    from attn_i2i.hub.mirror import mirror_model

    return mirror_model(name, "me", cards=Path(folder) if folder else None, accept_license=True).told


def served(places: FakeSources, body: bytes = CHECKPOINT, **options: object) -> Card:
    """A card whose file is pinned to CHECKPOINT, and served as the options say."""
    return card(source("http", places.put(f"/{FILE}", body, **options), sums={FILE: CHECKPOINT}, size=len(CHECKPOINT)))


def assert_refused(one: Card) -> str:
    """What the user is told; it must end in what the user can do."""
    with pytest.raises(FetchError) as caught:
        fetch_model(one)
    text = str(caught.value)
    assert text.endswith(f"By hand: get the file at {one.sources[0].page}, then: {one.convert_command}")
    assert "\n" not in text
    assert not (model_store() / one.name).exists()
    return text


def bare(places: FakeSources, **options: object) -> Source:
    """A file at a plain address whose hash is known."""
    return source("http", places.put(f"/{FILE}", CHECKPOINT, **options), sums={FILE: CHECKPOINT}, size=len(CHECKPOINT))


def registered(one: Card) -> str:
    """The name of a card that is in the zoo now."""
    zoo().cards.add(one.name, one)
    return one.name
