"""Names find models: a directory, the package, the model store, a plugin; what is absent says how to get it."""

from __future__ import annotations

import errno
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import attn_i2i
from attn_i2i.files import DiskFullError
from attn_i2i.hookspecs import hookimpl
from attn_i2i.hub import HubError, LicenceError, find_model
from attn_i2i.hub.errors import explained
from attn_i2i.hub.reach import address, unreachable
from attn_i2i.models.build import create
from attn_i2i.models.cards import cards, list_models
from attn_i2i.models.checksums import SUMS, ChecksumError
from attn_i2i.models.config import ModelConfig
from attn_i2i.models.directory import save_model
from attn_i2i.models.places import target_for
from attn_i2i.plugins import manager
from attn_i2i.types import ConfigError, ModelError, UnknownNameError

SMALL = {"width": 4, "blocks": 1}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def small_model(folder: Path, licence: str | None = None) -> Path:
    weights = create("attentiongan2", **SMALL).state_dict()
    config = ModelConfig("attentiongan2", SMALL, ["A2B", "B2A"], licence=licence)
    save_model(folder, config, dict.fromkeys(config.directions, weights))
    return folder


def test_a_directory_is_itself(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "attentiongan2-horse2zebra")
    assert find_model(folder) == find_model(str(folder)) == (folder, None)
    with pytest.raises(ConfigError, match="is a folder: leave it out"):
        find_model(folder, revision="main")


def test_a_model_of_the_local_zoo_is_loaded_by_its_name() -> None:
    folder = small_model(target_for("my-model"))
    assert find_model("my-model") == (folder, None)
    assert attn_i2i.load("my-model", device="cpu").directions == ["A2B", "B2A"]
    assert "my-model" in list_models(installed=True)
    assert list_models("my-*", architecture="attentiongan2") == ["my-model"]


def test_a_zoo_name_brings_its_card() -> None:
    small_model(target_for("attentiongan2-horse2zebra"))
    translator = attn_i2i.load("attentiongan2-horse2zebra", direction="zebra2horse", device="cpu", accept_license=True)
    assert translator.directions == ["B2A"]
    assert translator.card == cards()["attentiongan2-horse2zebra"]


def test_the_licence_of_the_card_counts_whatever_the_model_says() -> None:
    small_model(target_for("attentiongan2-horse2zebra"), licence="MIT")
    with pytest.raises(LicenceError, match=r"CC-BY-NC-SA-4\.0.*accept_license=True"):
        find_model("attentiongan2-horse2zebra")
    find_model("attentiongan2-horse2zebra", accept_license=True)
    find_model("attentiongan2-horse2zebra")


@pytest.mark.parametrize("name", ["A2B.safetensors", "config.json"])
def test_one_changed_byte_is_noticed(name: str) -> None:
    folder = small_model(target_for("my-model"))
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ChecksumError, match=f"{name} has the SHA-256 .*convert it again"):
        attn_i2i.load("my-model")


@pytest.mark.parametrize("content", [b"other", b"PK\x03\x04", b"<!doctype html>"])
def test_a_damaged_model_of_a_card_is_fetched_again(content: bytes) -> None:
    folder = small_model(target_for("cyclegan-modern2vintage"))
    (folder / "A2B.safetensors").write_bytes(content)
    with pytest.raises(ChecksumError) as caught:
        attn_i2i.load("cyclegan-modern2vintage")
    told = str(caught.value)
    assert f"remove {folder} and fetch it again (attn-i2i fetch cyclegan-modern2vintage), or convert" in told
    assert not re.search(r"convert it \(|download it|by the address", told), "advice for a user's own folder"


def test_what_nothing_vouches_for_is_not_loaded() -> None:
    folder = small_model(target_for("my-model"))
    sums = (folder / SUMS).read_text().splitlines(keepends=True)
    for text, message in (
        ("".join(line for line in sums if "A2B" not in line), "Nothing says what .*A2B"),
        ("", "damaged"),
        ("not a sum\n", "damaged"),
    ):
        (folder / SUMS).write_text(text)
        with pytest.raises(ChecksumError, match=message):
            find_model("my-model")
    (folder / SUMS).unlink()
    with pytest.raises(ChecksumError, match="has no SHA256SUMS"):
        find_model("my-model")
    (folder / SUMS).write_text("".join(sums))
    (folder / "B2A.safetensors").unlink()
    with pytest.raises(ModelError, match=r"B2A.safetensors is missing"):
        find_model("my-model")


def test_what_is_absent_says_the_two_ways_forward() -> None:
    with pytest.raises(HubError) as caught:
        find_model("ugatit-selfie2anime")
    text = str(caught.value)
    assert "drive.google.com" in text
    assert "attn-i2i convert UGATIT.model-*.index --as ugatit-selfie2anime" in text
    assert "\n" not in text
    with pytest.raises(HubError, match=r"links to its file are broken; .* hf-hub:owner/repo") as caught:
        find_model("attentiongan2-maps", accept_license=True)
    assert "attn-i2i convert latest_net_G_A.pth" in str(caught.value)


def test_an_unknown_name_is_told_apart() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'ugatit-selfie2anime'"):
        find_model("ugatit-selfie2anim")
    small_model(target_for("my-model"))
    with pytest.raises(ConfigError, match="leave it out"):
        find_model("my-model", revision="main")
    with pytest.raises(ConfigError, match="two revisions"):
        find_model("hf-hub:acme/model@one", revision="two")


class Mirror:
    """A plugin that answers for the Hub from a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, str, str | None]] = []

    @hookimpl
    def fetch_file(self, repo: str, filename: str, revision: str | None) -> Path | None:
        self.asked.append((repo, filename, revision))
        return self.folder / filename if repo == "acme/mirrored" else None


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    plugin = Mirror(small_model(tmp_path / "mirror"))
    manager().register(plugin, "mirror")
    yield plugin
    manager().unregister(name="mirror")


@pytest.mark.parametrize("revision", [None, "c" * 40])
def test_a_plugin_answers_before_the_hub(mirror: Mirror, revision: str | None) -> None:
    folder = find_model("hf-hub:acme/mirrored", revision=revision).folder
    assert ("acme/mirrored", "A2B.safetensors", revision) in mirror.asked
    assert (folder / "A2B.safetensors").read_bytes() == (mirror.folder / "A2B.safetensors").read_bytes()
    assert attn_i2i.load(folder, device="cpu").directions == ["A2B", "B2A"]
    asked = len(mirror.asked)
    assert find_model("hf-hub:acme/mirrored", revision=revision) == (folder, None)
    assert (len(mirror.asked) == asked) == (revision is not None), "a commit is stored, a branch is asked for again"


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        (errno.ENOSPC, DiskFullError, "is full: make room"),
        (errno.EDQUOT, DiskFullError, "is full: make room"),
        (errno.EACCES, HubError, "may not be written to"),
        (errno.EROFS, HubError, "may not be written to"),
        (errno.ECONNRESET, HubError, "broke off"),
    ],
)
def test_the_disk_speaks_plainly(tmp_path: Path, code: int, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message), explained("acme/model", tmp_path):
        raise OSError(code, "as the system says it")


def test_a_fault_of_ours_is_not_explained_away() -> None:
    with pytest.raises(ZeroDivisionError), explained("acme/model"):
        _ = 1 // 0


def test_a_host_that_never_answers_costs_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def silent(*_: object, **__: object) -> None:
        ended.wait(60)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    assert unreachable("hub.example", 443, seconds=0.2) == "no answer"
    ended.set()


def test_the_proxy_is_what_must_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert address("https://hub.example") == ("hub.example", 443)
    assert address("http://127.0.0.1:9") == ("127.0.0.1", 9)
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    assert address("https://hub.example") == ("proxy.example", 3128)
    monkeypatch.setenv("no_proxy", "hub.example")
    assert address("https://hub.example") == ("hub.example", 443)
