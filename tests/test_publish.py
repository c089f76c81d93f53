"""A model goes up in one commit, with nothing but itself, and comes back the same by its Hub name."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from attn_i2i.hub import HubError, publish
from attn_i2i.models.cards import get_card
from attn_i2i.models.config import ModelConfig
from attn_i2i.models.directory import save_model
from attn_i2i.models.readme import model_card
from attn_i2i.types import ModelError

from .helpers.commands import Run
from .helpers.fakehub import FakeHub
from .helpers.hub_worker import Worker
from .helpers.publishing import SMALL, save


@pytest.fixture(scope="module")
def worker(hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    running = Worker(hub.url, tmp_path_factory.mktemp("publish") / "home", HF_TOKEN=hub.token)
    yield running
    running.close()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save(tmp_path / "model", licence="MIT")


def test_a_model_goes_up_in_one_commit_and_comes_back(hub: FakeHub, worker: Worker, model: Path) -> None:
    done = worker("tests.helpers.hub_models:published", str(model), "tester/model")
    assert not done.error, done.message
    assert hub.count("POST", "/api/models/tester/model/commit/main") == 1
    commit, files = hub.repos["tester/model"].branches["main"], hub.files("tester/model")
    assert sorted(files) == [
        ".gitattributes", "A2B.safetensors", "B2A.safetensors", "README.md", "config.json",
        "discriminators.safetensors", "samples/one.png",
    ]  # fmt: skip
    readme = files["README.md"].decode()
    assert readme.startswith("---\nlicense: mit\nlibrary_name: attn-i2i\npipeline_tag: image-to-image\ntags:\n")
    assert 'load("hf-hub:tester/model")' in readme
    assert "![one](samples/one.png)" in readme
    card = tomllib.loads(done.value)["weights"]
    assert (card["repo"], card["revision"]) == ("tester/model", commit)
    assert card["sha256"] == {
        name: hashlib.sha256(files[name]).hexdigest() for name in files if name.endswith((".json", ".safetensors"))
    }
    found = worker.find(f"hf-hub:tester/model@{commit}")
    assert not found.error, found.message
    for name in ("A2B.safetensors", "discriminators.safetensors", "config.json"):
        assert Path(found.value, name).read_bytes() == (model / name).read_bytes()
    assert worker("attn_i2i:load", f"hf-hub:tester/model@{commit}", device="cpu").value.startswith("Translator(")


@pytest.mark.parametrize("licence", [None, "unstated"])
def test_no_licence_no_publication(hub: FakeHub, worker: Worker, tmp_path: Path, licence: str | None) -> None:
    folder = save(tmp_path / "model", licence)
    refused = worker("attn_i2i.hub:publish", str(folder), "tester/unlicensed")
    assert refused.error == "LicenceError"
    assert "licence=NAME" in refused.message
    assert "tester/unlicensed" not in hub.repos
    done = worker("attn_i2i.hub:publish", str(folder), f"tester/licensed-{licence}", licence="CC0-1.0")
    assert not done.error, done.message
    files = hub.files(f"tester/licensed-{licence}")
    assert b'"licence": "CC0-1.0"' in files["config.json"]
    assert b"license: cc0-1.0" in files["README.md"]


def test_a_licence_is_not_changed_on_the_way(worker: Worker, model: Path) -> None:
    refused = worker("attn_i2i.hub:publish", str(model), "tester/relicensed", licence="CC0-1.0")
    assert refused.error == "LicenceError"
    assert "under MIT" in refused.message


def test_what_is_damaged_stays_here(hub: FakeHub, worker: Worker, tmp_path: Path) -> None:
    changed = save(tmp_path / "changed", "MIT")
    (changed / "A2B.safetensors").write_bytes((changed / "A2B.safetensors").read_bytes()[:-1] + b"x")
    assert worker("attn_i2i.hub:publish", str(changed), "tester/damaged").error == "ChecksumError"
    endless = save(tmp_path / "endless", "MIT", scale=float("inf"))
    refused = worker("attn_i2i.hub:publish", str(endless), "tester/damaged")
    assert "not finite" in refused.message
    misfit = tmp_path / "misfit"
    save_model(misfit, ModelConfig("attentiongan2", SMALL, ["A2B"], licence="MIT"), {"A2B": {"x": torch.zeros(1)}})
    refused = worker("attn_i2i.hub:publish", str(misfit), "tester/damaged")
    assert "do not fit" in refused.message
    assert worker("attn_i2i.hub:publish", str(tmp_path), "tester/damaged").error == "ChecksumError"
    assert "tester/damaged" not in hub.repos


def test_who_may_not_publish_is_told(hub: FakeHub, model: Path, tmp_path: Path) -> None:
    stranger = Worker(hub.url, tmp_path / "home")
    try:
        refused = stranger("attn_i2i.hub:publish", str(model), "tester/forbidden")
        assert refused.error == "HubError"
        assert "log in with hf auth login" in refused.message
        refused = stranger("attn_i2i.hub:publish", str(model), "no-owner/or/what")
        assert "expected owner/name" in refused.message
    finally:
        stranger.close()


@pytest.mark.parametrize("repo", ["model", "tester/", "tester/a/b", "tester/a b"])
def test_a_repository_is_named_by_owner_and_name(tmp_path: Path, repo: str) -> None:
    """Told before the folder is looked at, let alone the Hub."""
    with pytest.raises(HubError, match="expected owner/name"):
        publish(tmp_path / "nothing", repo)


def test_a_card_written_by_hand_keeps_its_words(hub: FakeHub, worker: Worker, model: Path) -> None:
    (model / "README.md").write_text("---\nlicense: other\n---\n\n# My words\n")
    assert not worker("attn_i2i.hub:publish", str(model), "tester/by-hand").error
    readme = hub.files("tester/by-hand")["README.md"].decode()
    assert "license: mit" in readme
    assert readme.endswith("# My words\n")
    assert "license: other" not in readme


@pytest.mark.parametrize(
    ("licence", "line"),
    [
        ("CC-BY-NC-SA-4.0", "license: cc-by-nc-sa-4.0\n"),
        (None, "license: unknown\n"),
        ("unstated", "license: unknown\n"),
        ("Ask the authors: a@b", "license: other\nlicense_name: ask-the-authors-a-b\n"),
        ("mit\nlicense: cc0-1.0", "license: other\nlicense_name: mit-license-cc0-1.0\n"),
    ],
)
def test_the_hub_understands_the_licence(licence: str | None, line: str) -> None:
    text = model_card("owner/name", ModelConfig("cyclegan", {}, ["A2B"], licence=licence))
    assert text.split("\n---\n")[0].count("license:") == 1
    assert text.startswith(f"---\n{line}library_name:")


def test_a_model_card_tells_what_the_zoo_knows() -> None:
    card = get_card("attentiongan2-horse2zebra")
    text = model_card(card.name, ModelConfig("attentiongan2", {}, ["A2B", "B2A"], licence=card.licence), card)
    for part in ("`B2A` (zebra2horse)", "Intended use", "| A2B | FID | 68.55 |", card.paper, card.licence_note):
        assert part in text


def test_the_command_asks_first(run: Run, model: Path) -> None:
    code, out, err = run("publish", model, "me/model")
    assert code == 2
    assert "A2B.safetensors" in out
    assert "add --yes" in " ".join(err.split())
    assert run("publish", model, "me/model", "--yes")[0] == 1, "no Hub is there"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere does not exist: name a model folder"):
        publish(tmp_path / "nowhere", "me/model")
