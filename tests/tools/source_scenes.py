"""What ``source_transcripts`` shows: for each kind of source its files, its card, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attn_i2i.convert import convert, read_checkpoint
from attn_i2i.files import sha256
from attn_i2i.models.card import Card, Weights
from attn_i2i.models.source import Source
from attn_i2i.plugins import zoo

from ..helpers.archives import zipped
from ..helpers.fakehub import FakeHub
from ..helpers.fakesources import DRIVE_QUOTA, FakeSources
from ..helpers.sources import CASES, CHECKPOINT, source
from ..helpers.tf_bundle import write_bundle
from .source_transcripts import Scene

NET = "latest_net_G.pth"
TF_INDEX, TF_DATA = "UGATIT.model-1000.index", "UGATIT.model-1000.data-00000-of-00001"


def register(name: str, *sources: Source, **options: Any) -> None:
    """Put the card of a small CycleGAN into the zoo; ``options`` are its other fields."""
    told = {"architecture": "cyclegan", "directions": {"A2B": "a2b"}, "config": {"blocks": 9}, "licence": "MIT"}
    zoo().cards.add(name, Card(name, summary="A model", task="a2b", sources=sources, **{**told, **options}))


def all_scenes(hub: FakeHub, places: FakeSources, folder: Path) -> Iterator[Scene]:
    """The scenes in the order of trust, then what is refused."""
    yield own_format(hub, folder)
    yield space(hub)
    yield bundle(hub, folder)
    yield from web_scenes(places)
    yield from refusals(places)


def own_format(hub: FakeHub, folder: Path) -> Scene:
    (folder / NET).write_bytes(CHECKPOINT)
    convert(folder / NET, folder / "converted", licence="MIT")
    files = {path.name: path.read_bytes() for path in (folder / "converted").iterdir()}
    commit = hub.put("me/own-format", files)
    sums = {path.name: sha256(path) for path in (folder / "converted").iterdir() if path.suffix != ".md"}
    register("own-format", weights=Weights({n: d for n, d in sums.items() if "." in n}, "me/own-format", commit))
    return Scene("The Hub, in this library's format", "Each file is held against the card's SHA-256.", "own-format")


def space(hub: FakeHub) -> Scene:
    commit = hub.put("me/space", {f"checkpoints/{NET}": CHECKPOINT})
    place = {"repo_type": "space", "revision": commit, "files": (f"checkpoints/{NET}",), "size": len(CHECKPOINT)}
    register("authors-file", Source("hub", "me/space", **place))
    told = "A Hub space at a pinned commit. The Hub's redirect leads to where its large files are; no token goes along."
    return Scene("The Hub, with the authors' file", told, "authors-file")


def bundle(hub: FakeHub, folder: Path) -> Scene:
    weights = {n: t.numpy() for n, t in read_checkpoint(CASES / "ugatit_tf_light" / TF_INDEX).items()}
    slots = {f"{name}/Adam{end}": array for name, array in weights.items() for end in ("", "_1")}
    write_bundle(folder / TF_INDEX.removesuffix(".index"), {**weights, **slots})
    commit = hub.put("me/bundle", {f"deep/{name}": (folder / name).read_bytes() for name in (TF_INDEX, TF_DATA)})
    options = {"files": (f"deep/{TF_INDEX}", f"deep/{TF_DATA}"), "variables": {"A2B": "generator_B/"}}
    one = Source("hub", "me/bundle", revision=commit, about=(folder / TF_DATA).stat().st_size, **options)
    register("tf-bundle", one, architecture="ugatit", config={"release": "tensorflow"})
    told = "A miniature of the large U-GAT-IT: only the generator's variables are requested, by ranges."
    commands = ("fetch {}", "load {}", "translate photo.png -o {} -m {}")
    return Scene("The Hub, with a TensorFlow bundle", told, "tf-bundle", commands)


def web_scenes(places: FakeSources) -> Iterator[Scene]:
    body = zipped({f"selfie2anime/{NET}": CHECKPOINT, f"anime2selfie/{NET}": b"another"})
    places.record("6329717", {"models.zip": body})
    options = {"files": ("models.zip",), "members": (f"selfie2anime/{NET}",), "size": len(body)}
    register("from-zenodo", source("zenodo", "6329717", **options))
    yield Scene("Zenodo", "Size and MD5 are the record's own.", "from-zenodo")
    address = places.put("/pretrained_models/from-web.pth", CHECKPOINT, drops=[50_000])
    register("from-web", source("http", address, sums={"from-web.pth": CHECKPOINT}, size=len(CHECKPOINT)))
    told = "Plain http, so a hash on the card is required. The connection broke off once, and was gone on with."
    yield Scene("A web address", told, "from-web")
    places.put("/content", zipped({"200000-G.pth": CHECKPOINT}))
    places.redirect("/s/7e966qq0nlxwte4/pack.zip?dl=1", f"{places.other}/content")
    address = f"{places.url}/s/7e966qq0nlxwte4/pack.zip?dl=0"
    register("from-dropbox", source("dropbox", address, members=("*-G.pth",), about=1_000_000))
    told = (
        "Dropbox sends its visitors to content hosts of its own. Nobody states a hash: the first download is trusted."
    )
    yield Scene("Dropbox", told, "from-dropbox")
    yield wheel(places)
    places.form("19xQK2onIy-3S5W5K", "pack.zip", zipped({"net.pth": CHECKPOINT}))
    drive = {"files": ("pack.zip",), "members": ("net.pth",), "about": 1_000_000}
    register("from-drive", source("drive", "19xQK2onIy-3S5W5K", **drive))
    yield Scene("Google Drive", "The form that warns of large files is answered.", "from-drive")


def wheel(places: FakeSources) -> Scene:
    body, name = zipped({"vintage/resources/net.pth": CHECKPOINT}), "vintage-1.0-py3-none-any.whl"
    places.project("vintage", name, body)
    options = {"files": (name,), "members": ("vintage/resources/net.pth",), "size": len(body)}
    register("from-wheel", source("index", "vintage==1.0", sums={name: body}, **options))
    return Scene("A wheel of a package index", "The wheel is unpacked as an archive; nothing in it runs.", "from-wheel")


def refusals(places: FakeSources) -> Iterator[Scene]:
    places.put("/unpinned.pth", CHECKPOINT)
    register("unpinned", source("http", f"{places.url}/unpinned.pth", size=len(CHECKPOINT)))
    told = "Nobody states a hash, and the way is open."
    yield Scene("Refused: plain http without a hash", told, "unpinned", ("fetch {} --dry-run", "fetch {}"))
    places.put("/uc?export=download&id=quota-quota", DRIVE_QUOTA.encode(), ranges=False)
    register("too-often", source("drive", "quota-quota", files=("net.pth",), about=1_000_000))
    yield Scene("Refused: Drive's quota page", "Its own words tell what it is.", "too-often", ("fetch {}",))
