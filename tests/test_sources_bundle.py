"""The large TensorFlow release: only what a generator needs, by ranges or out of an archive with wrapped numbers."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from attn_i2i.convert import convert, read_checkpoint
from attn_i2i.hub.sources import FetchError, FirstUseWarning, fetch_model, wrapped_zip
from attn_i2i.hub.sources.bundle import PartialBundle
from attn_i2i.hub.sources.errors import TransientFetchError
from attn_i2i.hub.sources.unpack import opened
from attn_i2i.models.config import read_config

from .helpers.archives import wrapped_zip as write_wrapped
from .helpers.archives import zipped
from .helpers.fakehub import FakeHub
from .helpers.fakesources import FakeSources
from .helpers.hub_worker import Worker
from .helpers.sources import CASES, card, litter, source
from .helpers.tf_bundle import write_bundle

CASE = CASES / "ugatit_tf_light" / "UGATIT.model-1000.index"
INDEX, DATA = "UGATIT.model-1000.index", "UGATIT.model-1000.data-00000-of-00001"
VARIABLES = {"A2B": "generator_B/", "B2A": "generator_A/"}
Weights = dict[str, dict[str, np.ndarray]]
KEPT = {"architecture": "ugatit", "config": {"release": "tensorflow"}, "directions": {"A2B": "a2b", "B2A": "b2a"}}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a release as its training saved them: two thirds are the optimizer's."""
    folder = tmp_path_factory.mktemp("bundle")
    weights = {name: tensor.numpy() for name, tensor in read_checkpoint(CASE).items()}
    weights |= {n.replace("_B/", "_A/", 1): array / 2 for n, array in weights.items() if n.startswith("generator_B/")}
    slots = {f"{name}/Adam{end}": array + 1 for name, array in weights.items() for end in ("", "_1")}
    write_bundle(folder / INDEX.removesuffix(".index"), {**weights, **slots})
    return {name: (folder / name).read_bytes() for name in (INDEX, DATA)}


@pytest.fixture(scope="module")
def expected(bundle: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """What ``convert`` makes of the whole release."""
    folder = tmp_path_factory.mktemp("whole")
    for name, content in bundle.items():
        (folder / name).write_bytes(content)
    convert(folder / INDEX, folder / "model")
    folder = folder / "model"
    return {name: {k: t.numpy() for k, t in load_file(folder / f"{name}.safetensors").items()} for name in VARIABLES}


def assert_same(folder: Path, wanted: Weights) -> None:
    for name, tensors in wanted.items():
        stored = load_file(folder / f"{name}.safetensors")
        assert stored.keys() == tensors.keys()
        assert all(np.array_equal(stored[key].numpy(), tensor) for key, tensor in tensors.items())


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Starts a process that may fetch from a Hub."""
    workers: list[Worker] = []

    def start(hub: FakeHub, **environment: str) -> Worker:
        workers.append(Worker(hub.url, tmp_path / f"home-{len(workers)}", ATTN_I2I_FETCH="", **environment))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


def written(worker: Worker, text: str) -> str:
    """A card that the worker knows; its name."""
    path = worker.home / f"card-{random.Random(text).randrange(10**6)}.toml"
    path.write_text(text)
    added = worker("tests.helpers.hub_worker:add_card", str(path))
    assert not added.error, added.message
    return path.stem


CARD = """
summary = "A model"
architecture = "ugatit"
task = "a2b"
licence = "MIT"
directions = {{ A2B = "a2b", B2A = "b2a" }}
config = {{ release = "tensorflow" }}
[[sources]]
kind = "hub"
address = "me/mirror"
revision = "{revision}"
files = ["deep/{index}", "deep/{data}"]
variables = {{ A2B = "generator_B/", B2A = "generator_A/" }}
"""


def test_only_the_generators_are_asked_for(
    bundle: dict[str, bytes], expected: Weights, away: Callable[..., Worker]
) -> None:
    with FakeHub(redirect=True) as hub:
        commit = hub.put("me/mirror", {f"deep/{name}": content for name, content in bundle.items()}, access="private")
        worker = away(hub, HF_TOKEN=hub.token)
        name = written(worker, CARD.format(revision=commit, index=INDEX, data=DATA))
        hub.fault("/elsewhere/", "drop", times=2)
        done = worker.find(name, fetch=True)
        assert not done.error, done.message
        folder = worker.zoo / name
        assert_same(folder, expected)
        assert sum(end + 1 - start for start, end in hub.ranges) < 0.9 * len(bundle[DATA])
        assert not hub.leaked, "no token where the bytes are"
        told = read_config(folder).provenance["fetched"]
        assert (told["revision"], told["repo_type"]) == (commit, "model")
        before = len(hub.requests)
        assert not worker.find(name).error
        assert len(hub.requests) == before


def test_bytes_that_fail_the_bundles_checksum_are_refused_and_asked_anew(
    bundle: dict[str, bytes], away: Callable[..., Worker]
) -> None:
    with FakeHub() as hub:
        hub.put("me/mirror", {f"deep/{name}": content for name, content in bundle.items()})
        worker = away(hub)
        name = written(worker, CARD.format(revision="abcdef1", index=INDEX, data=DATA))
        hub.fault(DATA, "corrupt")
        failed = worker.find(name, fetch=True)
        assert failed.error == "FetchError"
        assert "fails the bundle's CRC-32C" in failed.message
        assert not (worker.zoo / name).exists()
        hub.ranges.clear()
        assert not worker.find(name, fetch=True).error
        assert "its card was written for abcdef1" in (worker.home / "stderr").read_text()


def test_a_space_gives_the_authors_file(away: Callable[..., Worker]) -> None:
    with FakeHub(redirect=True) as hub:
        content = (CASES / "cyclegan" / "latest_net_G_A.pth").read_bytes()
        commit = hub.put("me/space", {"deep/latest_net_G.pth": content})
        worker = away(hub, HF_TOKEN=hub.token)
        text = CARD.partition("[[")[0].format().replace('"ugatit"', '"cyclegan"').replace(', B2A = "b2a"', "")
        text = text.replace('release = "tensorflow"', "blocks = 9")
        text += f'[[sources]]\nkind = "hub"\naddress = "me/space"\nrepo_type = "space"\nrevision = "{commit}"\n'
        name = written(worker, text + f'files = ["deep/latest_net_G.pth"]\nsize = {len(content)}\n')
        done = worker.find(name)  # pinned by its commit, and small: unasked
        assert not done.error, done.message
        assert any(path.startswith("/spaces/me/space/resolve/") for _, path in hub.requests)
        assert read_config(worker.zoo / name).provenance["fetched"]["repo_type"] == "space"
        gone_up = worker("tests.helpers.sources:mirrored", name)
        assert f"published as me/{name}" in gone_up.value, "what was fetched can be mirrored"
        assert not worker.find(f"hf-hub:me/{name}").error


@pytest.mark.parametrize("wrap", [2**12, 2**14])
def test_an_archive_with_wrapped_numbers_is_read_through(
    bundle: dict[str, bytes], places: FakeSources, monkeypatch: pytest.MonkeyPatch, expected: Weights, wrap: int
) -> None:
    monkeypatch.setattr(wrapped_zip, "WRAP", wrap)
    inner = {f"checkpoint/x/{name}": content for name, content in bundle.items()}
    files = {"checkpoint/": b"", **inner, "__MACOSX/checkpoint/x/._UGATIT.model-1.index": b"x", "readme": b"end"}
    assert sum(map(len, files.values())) > 2 * wrap
    places.form("0123456789", "release.zip", write_wrapped(files, wrap))
    members = ("*/UGATIT.model-*.index", "*/UGATIT.model-*.data-00000-of-00001")
    one = source("drive", "0123456789", files=("release.zip",), members=members, variables=VARIABLES)
    with pytest.warns(FirstUseWarning):
        folder = fetch_model(card(one, **KEPT), fetch=True)
    assert_same(folder, expected)
    assert litter() == []


def test_a_bundle_in_an_ordinary_archive_is_read_the_same_way(
    bundle: dict[str, bytes], places: FakeSources, expected: Weights
) -> None:
    body = zipped(bundle)
    options = {"members": ("*.index", "*.data-*"), "sums": {"all.zip": body}, "variables": {"B2A": "generator_A/"}}
    one = source("dropbox", places.put("/all.zip", body), **options)
    only = {**KEPT, "directions": {"B2A": "b2a"}}
    folder = fetch_model(card(one, **only), fetch=True)
    assert_same(folder, {"B2A": expected["B2A"]})
    assert not (folder / "A2B.safetensors").exists()


def damaged(body: bytes, place: int) -> bytes:
    return body[:place] + bytes([body[place] ^ 0x55]) + body[place + 1 :]


def test_a_damaged_archive_with_wrapped_numbers_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(wrapped_zip, "WRAP", 2**12)
    noise = random.Random(0).randbytes(9000)
    whole = write_wrapped({"first": b"small", "large": noise, "last": noise[:3000]}, 2**12)
    path = tmp_path / "release.zip"
    path.write_bytes(whole)
    with opened(path) as archive:
        assert b"".join(archive.chunks("large")) == noise
        assert b"".join(archive.chunks("last")) == noise[:3000]
        assert archive.sizes() == {"first": 5, "large": 9000, "last": 3000}
    for body in (
        damaged(whole, 5000),
        whole[: len(whole) // 2],
        whole[:-40],
        damaged(whole, whole.index(b"PK\3\4", 9)),
    ):
        path.write_bytes(body)
        with pytest.raises(FetchError), opened(path) as archive:
            b"".join(archive.chunks("large"))


def test_members_may_have_comments_and_extra_fields() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("first", "last"):
            member = zipfile.ZipInfo(name)
            member.comment, member.extra = b"of this member", b"\x99\x99\x02\x00ab"
            archive.writestr(member, name * 9)
    read = wrapped_zip.WrappedZip(stream)
    assert {name: b"".join(read.chunks(name)) for name in read.sizes()} == {"first": b"first" * 9, "last": b"last" * 9}


def test_what_is_there_already_is_not_asked_for(bundle: dict[str, bytes], tmp_path: Path) -> None:
    index, data = tmp_path / INDEX, bundle[DATA]
    index.write_bytes(bundle[INDEX])
    first = PartialBundle(tmp_path / "part", index, len(data), ["generator_A/"])
    runs = first.missing()
    assert runs
    for run in runs:
        list(first.fill(run, [data[run.start : run.end]]))
    again = PartialBundle(tmp_path / "part", index, len(data), ["generator_A/"])
    assert again.missing() == []
    (run,) = PartialBundle(tmp_path / "new", index, len(data), ["generator_A/"]).missing()
    broken = PartialBundle(tmp_path / "new", index, len(data), ["generator_A/"])
    with pytest.raises(TransientFetchError, match="broke off after 5000 bytes"):
        list(broken.fill(run, [data[run.start : run.start + 5000]]))
    later = PartialBundle(tmp_path / "new", index, len(data), ["generator_A/"])
    (rest,) = later.missing()
    place = later.reached(rest)
    assert rest.start <= place == run.start + 5000 or rest.start > run.start
    list(later.fill(rest, [data[place : rest.end]]))
    assert later.missing() == []
    variable = again.variables[3]
    content = bytearray((tmp_path / "part").read_bytes())
    content[-again.size + variable.target] ^= 1
    (tmp_path / "part").write_bytes(content)
    (run,) = PartialBundle(tmp_path / "part", index, len(data), ["generator_A/"]).missing()
    assert run.variables == (variable,)


def test_an_index_that_is_none_is_told(bundle: dict[str, bytes], tmp_path: Path) -> None:
    index = tmp_path / INDEX
    index.write_bytes(b"<html>")
    with pytest.raises(FetchError, match="not the index of a TensorFlow bundle"):
        PartialBundle(tmp_path / "part", index, 10**9, ["generator_A/"])
    index.write_bytes(bundle[INDEX])
    with pytest.raises(FetchError, match="no variable that starts with nothing/"):
        PartialBundle(tmp_path / "part", index, len(bundle[DATA]), ["nothing/"])
    with pytest.raises(FetchError, match="reaches beyond its data file"):
        PartialBundle(tmp_path / "part", index, 1000, ["generator_A/"])
