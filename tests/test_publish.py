"""A model goes up in one commit, with nothing but itself, and comes back the same by its Hub name."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from attn_i2i import create
from attn_i2i.hub import HubError, publish
from attn_i2i.hub.publish import gather
from attn_i2i.hub.uploads import Uploads
from attn_i2i.models.build import create_discriminator
from attn_i2i.models.cards import get_card
from attn_i2i.models.checksums import write_sums
from attn_i2i.models.config import DiscriminatorConfig, ModelConfig, read_config
from attn_i2i.models.directory import save_model
from attn_i2i.models.readme import model_card
from attn_i2i.types import ConfigError, ModelError

from .helpers.commands import Run
from .helpers.fakehub import FakeHub
from .helpers.hub_worker import Worker

SMALL = {"width": 4, "blocks": 1}


@pytest.fixture(scope="module")
def worker(hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    running = Worker(hub.url, tmp_path_factory.mktemp("publish") / "home", HF_TOKEN=hub.token)
    yield running
    running.close()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save(tmp_path / "model", licence="MIT")


def save(folder: Path, licence: str | None, scale: float = 1.0) -> Path:
    """A small model with discriminators, beside things that are nobody's business."""
    weights = {key: scale * tensor for key, tensor in create("attentiongan2", **SMALL).state_dict().items()}
    discriminator = create_discriminator("patchgan", width=4).state_dict()
    kept = DiscriminatorConfig("patchgan", {"width": 4}, ["A", "B"])
    config = ModelConfig("attentiongan2", SMALL, ["A2B", "B2A"], discriminators=kept, licence=licence)
    save_model(folder, config, dict.fromkeys(config.directions, weights), dict.fromkeys("AB", discriminator))
    (folder / "notes.txt").write_text("private")
    (folder / "optimizer.pt").write_bytes(b"pickle")
    (folder / "samples").mkdir()
    Image.new("RGB", (8, 8)).save(folder / "samples" / "one.png")
    (folder / "samples" / "list.txt").write_text("private")
    return folder


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


def names(listing: str) -> list[str]:
    return [line.split()[0] for line in listing.splitlines()[1:] if "left out" not in line]


def listed(folder: Path) -> str:
    """What publishing would send, by the list that it shows; nothing is sent."""
    shown: list[str] = []
    with pytest.raises(HubError, match="Nothing was sent to me/model"):
        publish(folder, "me/model", confirm=lambda listing: shown.append(listing) is not None)
    return shown[0]


def test_what_goes_up_and_what_stays_is_listed_before(model: Path) -> None:
    listing = listed(model)
    assert listing.startswith("to me/model:\n")
    assert names(listing) == [
        "config.json", "A2B.safetensors", "B2A.safetensors", "discriminators.safetensors", "samples/one.png",
        "README.md",
    ]  # fmt: skip
    for left in (
        "notes.txt: not part of a model",
        "optimizer.pt: not part",
        "samples/list.txt: no picture by its name",
    ):
        assert f"left out: {left}" in listing


def test_no_link_is_followed(model: Path, tmp_path: Path) -> None:
    key = tmp_path / "id_ed25519"
    key.write_text("PRIVATE KEY")
    Image.new("RGB", (8, 8), "red").save(tmp_path / "private.png")
    (model / "README.md").unlink()
    (model / "README.md").symlink_to(key)
    (model / "samples" / "a.png").symlink_to(key)
    (model / "samples" / "b.png").symlink_to(tmp_path / "private.png")
    os.mkfifo(model / "samples" / "c.png")
    (model / "samples" / "d.png").mkdir()
    uploads = uploads_of(model)
    assert [name for name in uploads.contents if name.startswith("samples")] == ["samples/one.png"]
    assert b"PRIVATE KEY" not in b"".join(
        content for content in uploads.contents.values() if isinstance(content, bytes)
    )
    for name in ("README.md of the folder", "samples/a.png", "samples/b.png"):
        assert "a symbolic link" in uploads.left_out[name]
    assert all(f"samples/{name}.png" in uploads.left_out for name in "cd")
    shutil.rmtree(model / "samples")
    (model / "samples").symlink_to(tmp_path)
    assert uploads_of(model).left_out["samples"] == "a symbolic link"


def uploads_of(model: Path) -> Uploads:
    uploads = Uploads()
    gather(model, "me/model", read_config(model), uploads)
    uploads.close()
    return uploads


def test_weights_that_are_a_link_are_refused(model: Path, tmp_path: Path) -> None:
    shutil.move(model / "A2B.safetensors", tmp_path / "elsewhere")
    (model / "A2B.safetensors").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(
        ModelError, match=r"A2B.safetensors is a symbolic link, and what lies elsewhere is not published"
    ):
        publish(model, "me/model", confirm=lambda _: False)


def test_pictures_go_up_without_their_metadata(model: Path) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "SECRET place", 6  # a description; turned by a quarter
    wide = Image.new("RGB", (16, 8), "red")
    text = PngInfo()
    text.add_text("Comment", "SECRET prompt")
    folder = model / "samples"
    wide.save(folder / "a.jpg", exif=exif, comment=b"SECRET comment", icc_profile=b"SECRET profile")
    wide.save(folder / "b.png", exif=exif, pnginfo=text)
    wide.save(folder / "c.webp", exif=exif, xmp=b"SECRET xmp")
    Image.new("RGBA", (8, 8), (255, 0, 0, 9)).save(folder / "d.png")
    with (folder / "d.png").open("ab") as stream:
        stream.write(b"SECRET behind the picture")
    (folder / "e.png").write_bytes(b"SECRET and no picture")
    uploads = uploads_of(model)
    assert uploads.left_out["samples/e.png"] == "cannot be read as a picture"
    for name in ("a.jpg", "b.png", "c.webp", "d.png"):
        content = uploads.contents[f"samples/{name}"]
        assert isinstance(content, bytes)
        assert b"SECRET" not in content
        with Image.open(io.BytesIO(content)) as shown:
            assert shown.size == ((8, 8) if name == "d.png" else (8, 16)), "turned as the metadata asked"
            assert not shown.getexif()
            assert shown.convert("RGBA").getpixel((4, 4))[3] == (9 if name == "d.png" else 255)  # type: ignore[index]


def test_a_bomb_of_a_picture_is_left_out(model: Path) -> None:
    Image.new("1", (9900, 9900)).save(model / "samples" / "bomb.png")
    assert uploads_of(model).left_out["samples/bomb.png"]


def test_paths_of_this_machine_stay_here(tmp_path: Path) -> None:
    folder = save(tmp_path / "model", "MIT")
    config = read_config(folder)
    origin = {
        "trained": {
            "started_from": "/home/me/secret/run",
            "options": {"data": ["~/faces", "C:\\me\\x", "rel/x"], "n": 1},
        }
    }
    (folder / "config.json").write_text(replace(config, provenance=origin).to_json())
    write_sums(folder)
    sent = uploads_of(folder).contents["config.json"]
    assert isinstance(sent, bytes)
    trained = json.loads(sent)["provenance"]["trained"]
    assert trained == {"started_from": "run", "options": {"data": ["faces", "x", "rel/x"], "n": 1}}


def test_a_readme_that_is_no_utf8_is_named(model: Path) -> None:
    (model / "README.md").write_bytes("Fröhlich".encode("latin-1"))
    with pytest.raises(ModelError, match=r"README\.md is not UTF-8: save it as UTF-8"):
        publish(model, "me/model")


@pytest.mark.parametrize(
    "provenance",
    [
        {"source_files": ["a"]}, {"source_files": {"a": 1}}, {"verified": 1}, {"verified": {"file": "a"}},
        {"left_out": 5}, {"assumed": "text"}, {"suppliers": []},
        {"verified": {"file": "a", "outputs": ["y"], "float64_error": "small", "float32_error": 0}},
    ],
    ids=str,
)  # fmt: skip
def test_an_odd_origin_is_named(model: Path, provenance: object) -> None:
    raw = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(raw | {"provenance": provenance}))
    write_sums(model)
    with pytest.raises(ModelError, match=r"config\.json: provenance is .*, expected an object"):
        publish(model, "me/model")


@pytest.mark.parametrize(
    "options", [{"directory": 5}, {"repo": None}, {"repo": 5}, {"licence": 5}, {"private": "yes"}], ids=str
)
def test_options_of_another_type_are_named(model: Path, options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        publish(**{"directory": model, "repo": "me/model", **options})  # type: ignore[arg-type]


def test_the_command_asks_first(run: Run, model: Path) -> None:
    code, out, err = run("publish", model, "me/model")
    assert code == 2
    assert "A2B.safetensors" in out
    assert "add --yes" in " ".join(err.split())
    assert run("publish", model, "me/model", "--yes")[0] == 1, "no Hub is there"
