"""The zoo's cards with small files in place of the published ones: every source as its card names it, on loopback."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from attn_i2i.convert import read_checkpoint
from attn_i2i.models import source as source_fields
from attn_i2i.models.card import Card, read_card
from attn_i2i.models.source import Source
from attn_i2i.plugins import zoo

from .archives import tarred, zipped
from .clones import MM, MM_PATCH
from .fakehub import FakeHub
from .fakesources import FakeSources
from .published import patch, resnet, spread
from .sources import CASES, stand_in
from .tf_bundle import write_bundle

TRAINED = {
    "attentiongan2": "attentiongan_scheme2/latest_net_G_A.pth",
    "attentiongan1-multidomain": "attentiongan_multidomain/200000-G.ckpt",
    "ugatit": "ugatit_light/selfie2anime_params_latest.pt",
}
"""Files of the tests' cases in the format of what is published, by architecture."""


def files_of(card: Card, source: Source) -> dict[str, bytes]:
    """What lies at a source once everything is unpacked, small: by the names that the card gives."""
    if source.variables:
        return dict(zip(source.members or source.names, _bundle(), strict=True))
    return {name: _network(card, source, name) for name in source.members or source.names}


def _network(card: Card, source: Source, name: str) -> bytes:
    if card.architecture == "stargan":
        return (CASES / "train_stargan" / f"0-{'D' if '-D.' in name else 'G'}.ckpt").read_bytes()
    if card.architecture == "ugatit":
        state = read_checkpoint(CASES / TRAINED["ugatit"])
        back = {n.replace("genA2B", "genB2A", 1): t.clone() for n, t in state.items() if n.startswith("genA2B.")}
        return _saved(
            {part: _part(state | back, part) for part in dict.fromkeys(n.partition(".")[0] for n in state | back)}
        )
    if card.architecture in TRAINED:
        return (CASES / TRAINED[card.architecture]).read_bytes()
    if len(card.directions) == 2:
        here = [name.partition(".")[2] for name in source.networks if name.startswith("generators.")]
        return _mmagic(*(here or (name.rpartition("2")[2] for name in card.directions.values())))
    if "cut-" in card.name:
        return _saved(_generator(down="blur", up="blur"))
    return _saved(_generator(norm="affine", name="block") if card.config.get("norm") else _generator())


def _part(state: Mapping[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    return {key.removeprefix(f"{name}."): tensor for key, tensor in state.items() if key.startswith(f"{name}.")}


@cache
def _generator(**options: Any) -> torch.nn.Module:
    return spread(resnet(blocks=1, width=2, **options))


def _mmagic(*domains: str) -> bytes:
    parts = {"generators": MM(_generator().state_dict()), "discriminators": MM_PATCH(spread(patch()).state_dict())}
    networks = {f"{role}.{name}.{k}": t for role, state in parts.items() for name in domains for k, t in state.items()}
    return _saved({"meta": {"epoch": 1}, "state_dict": networks})


def _saved(value: object) -> bytes:
    stream = io.BytesIO()
    torch.save(value.state_dict() if isinstance(value, torch.nn.Module) else value, stream)
    return stream.getvalue()


@cache
def _bundle() -> tuple[bytes, bytes]:
    """The index and the data of U-GAT-IT's release, both directions and an optimizer's slots."""
    weights = {n: t.numpy() for n, t in read_checkpoint(CASES / "ugatit_tf_light" / "UGATIT.model-1000.index").items()}
    weights |= {n.replace("_B/", "_A/", 1): array / 2 for n, array in weights.items() if n.startswith("generator_B/")}
    with tempfile.TemporaryDirectory() as folder:
        index = write_bundle(Path(folder, "model-1"), weights | {f"{n}/Adam": a for n, a in weights.items()})
        return index.read_bytes(), index.with_name("model-1.data-00000-of-00001").read_bytes()


def served(card: Card, source: Source, places: FakeSources, hub: FakeHub) -> Source:
    """``source`` of ``card`` on loopback, with hashes and sizes of what is served; alive, whatever the card says."""
    inner = {name.replace("*", "x"): body for name, body in files_of(card, source).items()}
    name = source.names[-1]
    body = inner.get(name) or (tarred(inner) if ".tar" in name else zipped(inner))
    address, revision = _put(f"{card.name}-{source.kind}", source, {name: body} | inner, places, hub)
    known = {n for n in source.sha256 if n in (name, *inner)} or ({name} if source.open_way else set())
    whole = source.kind == "http"  # what comes over https there comes over http here, where a whole hash is needed
    digits = 64 if whole else min(map(len, source.sha256.values()), default=64)
    sums = {n: hashlib.sha256(b).hexdigest()[:digits] for n, b in ({name: body} | inner).items() if n in known}
    size = len(body) if source.size else None
    told = {"address": address, "revision": revision, "sha256": sums, "evidence": "a test", "size": size}
    return replace(source, state="unchecked", **told)  # type: ignore[arg-type]


def _put(
    place: str, source: Source, files: Mapping[str, bytes], places: FakeSources, hub: FakeHub
) -> tuple[str, str | None]:
    """Serve files as this kind of source does; address and revision for the card."""
    name = source.names[-1]
    body = files[name]
    if source.kind == "hub":
        commit = hub.put(f"them/{place}", files)
        return f"them/{place}", commit if source.pinned else commit[:7]
    if source.kind == "zenodo":
        number = str(int(hashlib.sha256(place.encode()).hexdigest()[:8], 16))
        places.record(number, {name: body})
        return number, None
    if source.kind == "index":
        places.project(source.address.partition("==")[0], name, body)
        return source.address, None
    if source.kind == "drive":
        places.form(source.address, name, body)
        return source.address, None
    address = places.put(f"/{place}/{name}", body)
    if source.kind == "dropbox":
        return places.redirect(f"/s/{place}/{name}?dl=1", f"{places.other}/{place}/{name}")[:-1] + "0", None
    return address, None


def play(url: str, folder: str) -> None:
    """In a worker: the places are the server at ``url``, and the zoo is the cards of ``folder`` as they are now."""
    patches = pytest.MonkeyPatch()
    stand_in(SimpleNamespace(url=url), patches)  # type: ignore[arg-type]
    patches.setitem(source_fields._ADDRESSES, "dropbox", (r"http\S+", "an address"))
    patches.setattr(zoo().cards, "_entries", {})
    for path in sorted(Path(folder).glob("*.toml")):
        zoo().cards.add(path.stem, read_card(path))


def as_somebody_else(change: Mapping[str, Any], arguments: list[str]) -> str:
    """In a worker: what a command prints with another token, without one, or offline."""
    from tests.tools.source_transcripts import run

    with pytest.MonkeyPatch.context() as patches:
        if "token" in change:
            patches.delenv("HF_TOKEN")
        if token := change.get("token"):
            patches.setenv("HF_TOKEN", token)
        patches.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", "offline" in change)
        return run(arguments)


def written(card: Card, sources: list[Source], licence: str) -> str:
    """The text of a card with these sources alone; the configuration is left to what the small files hold."""
    named = {"name": None, "config": None, "figures": None, "weights": None, "sources": None, "licence": licence}
    top = {**vars(card), **named, "domains": (card.domains or ())[:5]}
    lines = [f"{key} = {_toml(value)}" for key, value in top.items() if value]
    for source in sources:
        lines += ["[[sources]]", *(f"{key} = {_toml(value)}" for key, value in vars(source).items() if value)]
    return "\n".join([*lines, ""])


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{json.dumps(key)} = {_toml(each)}' for key, each in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
