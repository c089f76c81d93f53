"""What is not the model it should be is refused by every reader, and told from what it is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from attn_i2i import load
from attn_i2i.evaluate.subjects import open_subjects
from attn_i2i.files import TargetExistsError
from attn_i2i.hub import find_model, publish
from attn_i2i.models import build_discriminators, build_generator, create, create_discriminator, read_config
from attn_i2i.models.checksums import SUMS, ChecksumError, check_beside, digest_of, write_sums
from attn_i2i.models.config import DiscriminatorConfig, ModelConfig
from attn_i2i.models.directory import save_model
from attn_i2i.types import AttnI2IError, ConfigError, ModelError, UnknownNameError

from .helpers.commands import Run, picture

SMALL = {"width": 4, "blocks": 1}
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
PAGE = b"\n<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of both directions with discriminators."""
    folder = tmp_path / "model"
    kept = DiscriminatorConfig("patchgan", {"width": 4}, ["B"])
    config = ModelConfig("cyclegan", SMALL, ["A2B", "B2A"], discriminators=kept)
    weights = create("cyclegan", **SMALL).state_dict()
    save_model(
        folder, config, {"A2B": weights, "B2A": weights}, {"B": create_discriminator("patchgan", width=4).state_dict()}
    )
    return folder


def flip(path: Path, where: float = 0.9) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * where)] ^= 1
    path.write_bytes(data)


READERS: dict[str, Callable[[Path], object]] = {
    "A2B.safetensors": load,
    "B2A.safetensors": lambda folder: build_generator(folder, read_config(folder), "B2A"),
    "discriminators.safetensors": lambda folder: build_discriminators(folder, read_config(folder)),
    "config.json": read_config,
}


@pytest.mark.parametrize("name", READERS)
def test_a_flipped_bit_is_refused_by_who_reads_the_file(model: Path, name: str) -> None:
    READERS[name](model)
    flip(model / name)
    with pytest.raises(ChecksumError, match=rf"{name} has the SHA-256 .*changed or damaged after SHA256SUMS"):
        READERS[name](model)


def test_a_flipped_bit_stops_translating_and_loading(run: Run, model: Path) -> None:
    flip(model / "A2B.safetensors")
    picture("a.png")
    code, _, err = run("translate", "a.png", "-o", "out", "-m", model)
    assert code == 1
    assert "A2B.safetensors has the SHA-256" in err
    assert run("load", model)[0] == 1
    assert not Path("out").exists()


def test_a_bit_that_flips_after_loading_is_noticed_when_the_file_is_opened(model: Path) -> None:
    translator = load(model, device="cpu")
    flip(model / "A2B.safetensors")
    with pytest.raises(ChecksumError):
        _ = translator.generator


@pytest.mark.parametrize(
    ("name", "content", "advice"),
    [
        ("A2B.onnx", b"x", "Export the model again"),
        ("A2B.xml", b"<?xml x", "Export the model again"),
        ("A2B.pt2", b"PK\x03\x04", "Export the model again"),
        ("A2B.safetensors", b"PK\x03\x04", "convert it"),
    ],
)
def test_the_advice_fits_the_file_that_is_damaged(tmp_path: Path, name: str, content: bytes, advice: str) -> None:
    (tmp_path / name).write_bytes(content + b"more")
    write_sums(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ChecksumError, match=advice) as caught:
        check_beside(tmp_path / name)
    assert ("sha256sum" in str(caught.value)) == ("convert" in str(caught.value)) == (advice == "convert it")
    (tmp_path / SUMS).write_text("nothing")
    with pytest.raises(ChecksumError, match="xport the model again" if "xport" in advice else "get the folder again"):
        check_beside(tmp_path / name)


def test_weights_beside_an_exported_graph_are_held_against_their_sum(tmp_path: Path) -> None:
    for name in ("A2B.xml", "A2B.bin"):
        (tmp_path / name).write_text(name)
    write_sums(tmp_path)
    check_beside(tmp_path / "A2B.xml")
    (tmp_path / "A2B.bin").write_text("other")
    with pytest.raises(ChecksumError, match=r"A2B\.bin has the SHA-256 .*Export the model again"):
        check_beside(tmp_path / "A2B.xml")


def test_what_the_sums_do_not_name_is_not_loaded(model: Path) -> None:
    sums = (model / SUMS).read_text().splitlines(keepends=True)
    (model / SUMS).write_text("".join(line for line in sums if "B2A" not in line))
    with pytest.raises(ChecksumError, match=r"Nothing says what .*B2A"):
        load(model)
    (model / SUMS).unlink()
    load(model)


def test_a_file_is_hashed_once_while_it_stays(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = model / "A2B.safetensors"
    hashed: list[Path] = []
    real = __import__("attn_i2i.files", fromlist=["sha256"]).sha256
    monkeypatch.setattr("attn_i2i.models.checksums.sha256", lambda each: hashed.append(each) or real(each))
    first = digest_of(path)
    assert digest_of(path) == first
    assert len(hashed) == 2, "so young a file may change again within a tick of the clock"
    monkeypatch.setattr("attn_i2i.models.checksums.time", type("Later", (), {"time": lambda: time.time() + 9}))
    assert digest_of(path) == digest_of(path) == first
    assert len(hashed) == 3
    flip(path)
    os.utime(path, ns=(0, 0))
    assert digest_of(path) != first


@pytest.mark.parametrize("sums", [True, False])
@pytest.mark.parametrize("name", ["A2B.safetensors", "config.json"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (POINTER, "is a Git LFS pointer, not the file itself: run git lfs pull"),
        (PAGE, "is a web page, not the file itself: download it again"),
        (b"", "is empty: the download or the copy broke off"),
        (b"PK\x03\x04rest", "is a PyTorch checkpoint under another name: convert it"),
        (b"\x1f\x8b\x08\x00", "is compressed: unpack it first"),
    ],
)
def test_what_lies_in_a_files_place_is_named(model: Path, name: str, content: bytes, says: str, sums: bool) -> None:
    (model / name).write_bytes(content)
    if not sums:
        (model / SUMS).unlink()
    with pytest.raises(ModelError, match=says) as caught:
        _ = load(model, device="cpu").generator
    assert str(model / name) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b'{\n  "error": "denied"}', b"Access denied", b'{"detail":\t"gone"}\r\n'])
def test_a_text_in_the_place_of_weights_is_named(model: Path, content: bytes) -> None:
    (model / "A2B.safetensors").write_bytes(content)
    (model / SUMS).unlink()
    with pytest.raises(ModelError, match=r"is a text, not the file itself \('.*'\): get the file again"):
        _ = load(model, device="cpu").generator


@pytest.mark.parametrize("name", ["A2B.safetensors", "config.json", SUMS])
def test_a_pipe_is_not_waited_for(model: Path, name: str) -> None:
    (model / name).unlink()
    os.mkfifo(model / name)
    with pytest.raises(ModelError):
        _ = load(model, device="cpu").generator


def test_what_is_no_model_says_what_it_is_and_the_next_step(tmp_path: Path, model: Path) -> None:
    run = tmp_path / "run"
    (run / "model").mkdir(parents=True)
    (run / "run.json").write_text("{}")
    with pytest.raises(ModelError, match="training run that has written no model yet"):
        load(run)
    (run / "model" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=rf"folder of a training run .*its model is {run / 'model'}"):
        load(run)
    (run / "checkpoints" / "step-2").mkdir(parents=True)
    (run / "checkpoints" / "step-2" / "shared.pt").touch()
    for part in ("run.json", "checkpoints", "checkpoints/step-2", "checkpoints/step-2/shared.pt"):
        with pytest.raises(ModelError, match=rf"part of the training run {run}; what a run makes is {run / 'model'}\."):
            load(run / part)
    for folder in (run / "checkpoints", run / "checkpoints" / "step-2"):
        for use in (lambda path: publish(path, "me/model"), lambda path: open_subjects([path])):
            with pytest.raises(ModelError, match=rf"part of the training run {run}; what a run makes is"):
                use(folder)
    with pytest.raises(ModelError, match=rf"folder of models, not one .*name one of them \({model}\)"):
        load(tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "latest_net_G.pth").write_bytes(b"\x80\x02")
    with pytest.raises(ModelError, match=r"holds checkpoints such as latest_net_G.pth.*convert them first"):
        load(tmp_path / "weights")
    with pytest.raises(ModelError, match="convert it first"):
        load(tmp_path / "weights" / "latest_net_G.pth")
    (tmp_path / "weights" / "A2B.onnx").write_bytes(b"\x08\x07")
    with pytest.raises(ModelError, match=r"A2B.onnx is a graph for other runtimes.*: name the model that it was"):
        find_model(tmp_path / "weights" / "A2B.onnx")
    with pytest.raises(
        ModelError, match=rf"is a file of the model folder {model}: name the folder, with direction='A2B'"
    ):
        load(model / "A2B.safetensors")
    with pytest.raises(ModelError, match=rf"is a file of the model folder {model}: name the folder\."):
        load(model / "config.json")


def test_a_pipe_or_a_broken_link_is_no_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "link").symlink_to("nowhere")
    for name, says in (("pipe.json", "is neither a folder nor a regular file"), ("link", "is a link to nothing")):
        with pytest.raises(UnknownNameError, match=f"{name} {says}: name a model folder"):
            load(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("./nowhere", r"There is no folder ./nowhere \(looked for in "),
        ("./Model", r"Did you mean 'model'\?"),
        ("../nowhere/deep/er", "There is no folder"),
        ("/no/where", "There is no folder /no/where"),
        ("acme/cats2dogs", r"named with hf-hub: before it \(hf-hub:acme/cats2dogs\)"),
        ("acme/cats2dogs@v1", r"\(hf-hub:acme/cats2dogs@v1\)"),
        ("https://huggingface.co/acme/cats2dogs/tree/main", r"the model's name is hf-hub:acme/cats2dogs\."),
        ("https://github.com/acme/cats2dogs", "is an address, not a model's name: get the file or the repository"),
        ("ftp://x.org/netG.pth", "is an address, not a model's name"),
        ("", "is empty"),
        ("CYCLEGAN-horse2zebra", "Did you mean 'cyclegan-horse2zebra'"),
    ],
)
def test_a_name_of_nothing_says_what_it_could_be(
    model: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.chdir(model.parent)
    with pytest.raises(UnknownNameError, match=says) as caught:
        load(name)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_model_does_not_hide_the_zoos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cyclegan-flat2clay").mkdir()
    translator = load("cyclegan-flat2clay", device="cpu")
    assert translator.card is not None
    assert translator.card.name == "cyclegan-flat2clay"


@pytest.mark.parametrize(
    "options",
    [
        {"name": 5}, {"name": None}, {"name": b"x"}, {"direction": 3}, {"revision": 5}, {"compile": "yes"},
        {"accept_license": 1}, {"device": 3.5}, {"device": "gpu"}, {"dtype": "int8"}, {"dtype": 0}, {"dtype": []},
    ],
    ids=str,
)  # fmt: skip
def test_options_of_another_type_are_named(model: Path, options: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(**{"name": model, **options})  # type: ignore[arg-type]
    assert next(iter(options)) in str(caught.value)


def test_every_error_is_the_librarys_own(model: Path) -> None:
    (model / "A2B.safetensors").unlink()
    (model / "A2B.safetensors").mkdir()
    with pytest.raises(AttnI2IError):
        load(model)


def test_a_folder_that_is_no_model_is_never_replaced_by_one(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"mine")
    with pytest.raises(TargetExistsError, match="is not a model folder, so force=True does not replace it"):
        save_model(tmp_path, ModelConfig("cyclegan", {}, ["A2B"]), {"A2B": {}}, force=True)
    assert (tmp_path / "photo.png").read_bytes() == b"mine"
