"""What of a model folder goes up, and what stays here."""

from __future__ import annotations

import io
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from attn_i2i.hub import HubError, publish
from attn_i2i.hub.publish import gather
from attn_i2i.hub.uploads import Uploads
from attn_i2i.models.checksums import write_sums
from attn_i2i.models.config import read_config
from attn_i2i.types import ConfigError, ModelError

from .helpers.publishing import save


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save(tmp_path / "model", licence="MIT")


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
    Image.new("1", (4097, 4096)).save(model / "samples" / "large.png")
    assert uploads_of(model).left_out["samples/large.png"] == "has more than 16777216 pixels"


def test_a_choice_of_pictures_goes_up_and_hidden_ones_stay(model: Path) -> None:
    for name in (".hidden.png", *(f"x{number:02}.png" for number in range(12))):
        Image.new("L", (4, 4)).save(model / "samples" / name)
    uploads = uploads_of(model)
    assert uploads.left_out["samples/.hidden.png"] == "no picture by its name"
    assert uploads.left_out["samples/x11.png"] == "more than 12 pictures"
    assert len([name for name in uploads.contents if name.startswith("samples/")]) == 12


def test_paths_of_this_machine_stay_here(tmp_path: Path) -> None:
    folder = save(tmp_path / "model", "MIT")
    config = read_config(folder)
    origin = {
        "trained": {
            "started_from": "/home/me/secret/run",
            "sums": {"/home/me/secret/netG.pth": "file:///home/me/netG.pth"},
            "options": {"data": ["~/faces", "C:\\me\\x", "rel/x"], "n": 1},
        }
    }
    (folder / "config.json").write_text(replace(config, provenance=origin).to_json())
    write_sums(folder)
    sent = uploads_of(folder).contents["config.json"]
    assert isinstance(sent, bytes)
    trained = json.loads(sent)["provenance"]["trained"]
    assert trained.pop("sums") == {"netG.pth": "netG.pth"}
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
