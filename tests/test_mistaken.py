"""A file of weights that is a pointer, a page, an answer or a half is named for that, whatever its ending."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
import torch

import attn_i2i
from attn_i2i.convert import convert
from attn_i2i.evaluate.features import find_extractor
from attn_i2i.models import read_config
from attn_i2i.models.mistaken import kind_of, refuse_mistaken
from attn_i2i.types import AttnI2IError, ModelError

from .helpers.commands import Run

ENDINGS = (
    *(".pth", ".pt", ".ckpt", ".h5", ".npz", ".onnx", ".bin", ".tar.gz", ".safetensors", ".pkl", ".index"),
    *(".xml", ".zip", ".tar"),
)
CONTENTS = {
    "pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "Git LFS pointer",
        "git lfs pull",
    ),
    "page": (b"<!DOCTYPE html>\n<html><title>404</title>", "a web page", "download it again|open it in a browser"),
    "nothing": (b"", "empty", "get it again|download it again"),
    "json": (b'{"message": "Not Found"}', "Not Found", "by (its address|the address of the file)"),
    "xml": (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied', "AccessDenied", "the address|its address"),
    "text": ("Zugriff verweigert: gelöscht".encode(), "Zugriff verweigert", "its address|the weights themselves"),
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_what_stands_in_for_weights_is_named_with_the_next_step(tmp_path: Path, ending: str, content: str) -> None:
    data, what, step = CONTENTS[content]
    path = tmp_path / f"model{ending}"
    path.write_bytes(data)
    for use in (lambda: attn_i2i.load(path), lambda: convert(path, tmp_path / "out")):
        with pytest.raises(AttnI2IError, match=rf"{what}.*({step})") as caught:
            use()
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["net.pth", "net.pt", "net.onnx", "net.safetensors"])
def test_a_network_of_features_too(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(CONTENTS["pointer"][0])
    with pytest.raises(ModelError, match="Git LFS pointer"):
        find_extractor(str(tmp_path / name))


def test_the_weights_beside_a_graph_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "A2B.xml").write_text('<?xml version="1.0"?>\n<net name="g" version="11">')
    (tmp_path / "A2B.bin").write_bytes(CONTENTS["pointer"][0])
    with pytest.raises(ModelError, match=r"A2B\.bin is a Git LFS pointer"):
        attn_i2i.load(tmp_path / "A2B.xml")


def test_half_a_checkpoint_is_damaged_and_a_whole_one_is_what_it_is(tmp_path: Path) -> None:
    stream = io.BytesIO()
    torch.save({"x": torch.ones(64)}, stream)
    for ending in (".pth", ".pt", ".ckpt", ".bin", ".npz"):
        path = tmp_path / f"half{ending}"
        path.write_bytes(stream.getvalue()[: len(stream.getvalue()) // 2])
        with pytest.raises(AttnI2IError, match=r"damaged or cut off.*download it again"):
            convert(path, tmp_path / "out")
    (tmp_path / "whole.pth").write_bytes(stream.getvalue())
    refuse_mistaken(tmp_path / "whole.pth")
    with zipfile.ZipFile(tmp_path / "folder.zip", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ModelError, match=r"folder\.zip is a zip archive: unpack it first"):
        attn_i2i.load(tmp_path / "folder.zip")


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("old.pkl", b"(dp0\nS'weight'\n"),
        ("older.pkl", b"ccollections\nOrderedDict\n"),
        ("graph.xml", b'<?xml version="1.0"?>\n<net name="x">'),
        ("config.json", b'{"architecture": "cyclegan"}'),
        ("a.safetensors", (80).to_bytes(8, "little") + b'{"x":{}}'),
        ("a.bin", bytes(600)),
    ],
)
def test_what_is_as_its_name_says_is_not_mistaken(tmp_path: Path, name: str, head: bytes) -> None:
    (tmp_path / name).write_bytes(head)
    assert kind_of(tmp_path / name) is None


@pytest.mark.parametrize("content", ["pointer", "page"])
def test_other_files_of_data_too(run: Run, model: Path, content: str) -> None:
    data, what, _ = CONTENTS[content]
    Path("data").mkdir()
    for name in ("data/trainA-0.tar", "data/trainB-0.tar", "clip.mp4", "table.csv", "net.pth"):
        Path(name).write_bytes(data)
    for name, command in {
        "data/trainA-0.tar": ("train", "cyclegan", "--data", "data", "-o", "run", "--steps", 1),
        "clip.mp4": ("translate", "clip.mp4", "-o", "out", "-m", model),
        "net.pth": ("train", "cyclegan", "--data", "data", "-o", "run", "--steps", 1, "--from", "net.pth"),
        "table.csv": ("train", "stargan", "--data", "data", "-o", "run", "--attributes", "table.csv", "--select", "a"),
    }.items():
        code, _, err = run(*command)
        assert code == 1
        assert re.search(rf"{name} is ({what}|a {what})", err), err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("my graphs", "my graphs holds exported graphs such as A2B.pt2, .*: name the model"),
        ("my graphs/A2B.bin", "holds the weights of my graphs/A2B.xml: name that file"),
        ("my graphs/other.bin", r"\(attn-i2i convert 'my graphs/other.bin' -o DIR\)"),
        ("my nets", r"\(attn-i2i convert 'my nets' -o DIR\)"),
    ],
)
def test_what_lies_in_place_of_a_model_leads_to_one(
    given: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("my graphs/A2B.pt2", "my graphs/A2B.xml", "my graphs/A2B.bin", "my graphs/other.bin", "my nets/a.pth"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"\x80\x02 some bytes of a program")
    with pytest.raises(ModelError, match=says):
        read_config(Path(given))
