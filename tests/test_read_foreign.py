"""What is no checkpoint, or not a whole one, gets one line: what was found and what to do."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from attn_i2i.convert.reader import read
from attn_i2i.convert.reader.read import checkpoint_files, read_checkpoint
from attn_i2i.convert.reader.tensor_index import TOO_MANY
from attn_i2i.types import UnreadableFileError
from tests.helpers.checkpoints import save_each, save_zip
from tests.helpers.tf_bundle import write_bundle

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
FOREIGN = {
    "empty": (b"", "an empty file; download it again"),
    "html": (b"\xef\xbb\xbf\n<!DOCTYPE html><html><title>Google Drive</title>", "web page.*the download link"),
    "xhtml": (b'<?xml version="1.0"?>\n<html lang="en">', "web page.*the download link"),
    "lfs": (LFS, "Git LFS pointer.*git lfs pull"),
    "json": (
        json.dumps({"error": "quota exceeded"}).encode(),
        "server answered.*quota exceeded.*download it again",
    ),
    "json of a model": (b'{"architecture": "cyclegan"}', "JSON.*give the weights"),
    "xml": (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied', "what a server answered.*AccessDenied"),
    "text": ("Zugriff verweigert: Datei gelöscht".encode(), "text.*download may have failed"),
    "gzip": (gzip.compress(b"weights"), "gzip archive.*unpack it first"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5"),
    "npy": (b"\x93NUMPY\x01\0" + bytes(50), "NumPy"),
    "graph": (b"\x0a\x1a\x0a\x05input\x12\x0bPlaceholder" + bytes(50), "frozen TensorFlow graph"),
    "meta": (b"\x0a\xd8\x32\x12\xaa\x2f\x0a\x0b\x0a\x03Add" + bytes(50), r"\.meta.*give the \.index"),
    "saved model": (b"\x08\x01\x12\xe0\x12\x0a\x90" + bytes(50), "SavedModel.*variables.index"),
    "onnx": (b"\x08\x07\x12\x07pytorch\x1a\x031.9" + bytes(50), "ONNX"),
    "tflite": (b"\x1c\0\0\0TFL3" + bytes(50), "TensorFlow Lite"),
    "noise": (bytes(range(200, 256)) * 9, "no known checkpoint format"),
}


def error(path: Path) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", FOREIGN)
def test_other_files_are_recognised_by_their_content(kind: str, tmp_path: Path) -> None:
    content, message = FOREIGN[kind]
    path = tmp_path / "latest_net_G.pth"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=f"^[^\\n]*{message}[^\\n]*$"):
        read_checkpoint(path)


def test_a_missing_file_a_folder_and_a_pipe_are_named(tmp_path: Path) -> None:
    assert "does not exist" in error(tmp_path / "absent.pth")
    (tmp_path / "folder").mkdir()
    assert error(tmp_path / "folder").startswith(f"{tmp_path / 'folder'} is a folder; give")
    os.mkfifo(tmp_path / "pipe")
    assert error(tmp_path / "pipe").startswith(f"{tmp_path / 'pipe'} is not an ordinary file; copy")


def test_a_name_with_a_line_break_stays_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a\nb.pth"
    path.write_bytes(b"")
    with pytest.raises(UnreadableFileError) as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_other_archives_are_to_be_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "celeba.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("200000-G.ckpt", b"weights")
    assert "unpack it first" in error(path)
    assert "200000-G.ckpt" in error(path)


@pytest.mark.parametrize("kind", ["zip", "legacy", "tar", "pickle", "tensorflow", "snappy", "safetensors"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.8])
def test_truncated_files_are_refused(kind: str, share: float, tmp_path: Path) -> None:
    path = save_each(tmp_path)[kind]
    content = path.read_bytes()
    path.write_bytes(content[: max(1, int(share * len(content)))])
    assert path.name in error(path)


@pytest.mark.parametrize("bound", ["MAX_TENSORS", "MAX_NAMES"])
def test_more_tensors_or_names_than_any_model_has_are_refused(
    bound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found out about a file takes a time that grows with its names."""
    path = tmp_path / "a.safetensors"
    save_file({name: torch.ones(1) for name in "abc"}, path)
    monkeypatch.setattr(read, bound, 3)
    assert len(read_checkpoint(path)) == 3
    monkeypatch.setattr(read, bound, 2)
    assert error(path) == f"{path} is not readable: found {TOO_MANY}."


def test_sources_are_files_folders_and_tensorflow_prefixes(tmp_path: Path) -> None:
    first = save_zip(tmp_path / "latest_net_G_A.pth", {"x": torch.ones(1)})
    second = save_zip(tmp_path / "latest_net_G_B.pth", {"x": torch.ones(1)})
    unnamed = save_zip(tmp_path / "weights", {"x": torch.ones(1)})
    (tmp_path / "readme.txt").write_text("notes")
    assert checkpoint_files(first) == [first]
    assert checkpoint_files(tmp_path) == [first, second, unnamed]
    index = write_bundle(tmp_path / "tf.model-1", {"a": np.ones(2, np.float32)})
    data = tmp_path / "tf.model-1.data-00000-of-00001"
    for source in (index, data, tmp_path / "tf.model-1", tmp_path):
        assert checkpoint_files(source) == [index]


def test_of_several_bundles_the_checkpoint_file_names_the_one(tmp_path: Path) -> None:
    first = write_bundle(tmp_path / "m-1", {"a": np.ones(2, np.float32)})
    second = write_bundle(tmp_path / "m-2", {"a": np.ones(2, np.float32)})
    with pytest.raises(UnreadableFileError, match=r"several.*m-1\.index, m-2\.index"):
        checkpoint_files(tmp_path)
    note = tmp_path / "checkpoint"
    note.write_text('model_checkpoint_path: "/home/author/run/m-2"\nall_model_checkpoint_paths: "m-1"\n')
    assert checkpoint_files(tmp_path) == checkpoint_files(note) == [second]
    note.write_text('model_checkpoint_path: "m-1"\n')
    assert checkpoint_files(tmp_path) == [first]


def test_sources_without_weights_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="does not exist"):
        checkpoint_files(tmp_path / "absent")
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(UnreadableFileError, match=r"no checkpoint, only notes\.txt"):
        checkpoint_files(tmp_path)
    data = tmp_path / "m.data-00000-of-00001"
    data.write_bytes(bytes(8))
    for source in (data, tmp_path, tmp_path / "m"):
        with pytest.raises(UnreadableFileError, match=r"without its m\.index"):
            checkpoint_files(source)
