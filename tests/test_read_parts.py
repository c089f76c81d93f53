"""The parts of the readers, each alone: views of storages, records, instructions, element types."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from attn_i2i.convert.reader import inert, rebuild, tensor_index, torch_legacy
from attn_i2i.convert.reader.flatten import flatten
from attn_i2i.convert.reader.inert import Global, PickleMachine
from attn_i2i.convert.reader.read import read_checkpoint
from attn_i2i.convert.reader.stream import ViewStream
from attn_i2i.convert.reader.tensor_index import ITEM_SIZES, DamagedError, Storage, TensorIndex, TensorRef
from attn_i2i.convert.reader.tensorflow import _entries, _fields
from attn_i2i.types import UnreadableFileError
from tests.helpers.tf_bundle import write_bundle


def loaded(pickle: bytes) -> object:
    return PickleMachine(rebuild.build, rebuild.set_state, lambda saved: saved).load(io.BytesIO(pickle))


def index_of(tensor: TensorRef, file_size: int = 1000) -> list[object]:
    index = TensorIndex(file_size)
    index.add("w", tensor)
    return list(index.tensors["w"])


@pytest.mark.parametrize("name", ITEM_SIZES)
def test_elements_are_as_long_as_torchs(name: str) -> None:
    assert ITEM_SIZES[name] == getattr(torch, name).itemsize


@pytest.mark.parametrize(("start", "size"), [(0, 8), (2, 6), (8, 0)])
def test_a_view_may_reach_the_end_of_a_storage(start: int, size: int) -> None:
    view = Storage("uint8", 0, 10, 8, data=bytes(range(8))).part(start, size, "uint8")
    assert (view.start, view.size, view.data) == (10 + start, size, bytes(range(start, start + size)))


@pytest.mark.parametrize(("start", "size"), [(-1, 2), (0, -1), (0, 9), (4, 5), (9, 0)])
def test_a_view_may_not_reach_beyond_it(start: int, size: int) -> None:
    with pytest.raises(DamagedError, match=f"bytes {start} to {start + size} of a storage with 8"):
        Storage("uint8", size=8).part(start, size, "uint8")


def test_a_tensor_may_reach_the_last_element_and_no_other() -> None:
    storage = Storage("float32", size=24)
    assert index_of(TensorRef(storage, 2, (2, 2), (2, 1)))[3:] == [[2, 2], [2, 1]]
    with pytest.raises(DamagedError, match="reaches element 6 of a storage with 6"):
        index_of(TensorRef(storage, 3, (2, 2), (2, 1)))


def test_tensors_may_be_some_times_as_large_as_their_file_together() -> None:
    index, storage = TensorIndex(1), Storage("uint8", size=1)
    index.add("fits", TensorRef(storage, 0, (2**16 + 8,), (0,)))
    with pytest.raises(DamagedError, match="more than 8 times the size of the file"):
        index.add("more", TensorRef(storage, 0, (1,), (0,)))


@pytest.mark.parametrize("bound", ["MAX_TENSORS", "MAX_NAMES"])
def test_tensors_and_characters_of_names_are_counted(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_index, bound, 2)
    index, tensor = TensorIndex(1000), TensorRef(Storage("uint8", size=1), 0, (1,), (1,))
    for name in "ab":
        index.add(name, tensor)
    with pytest.raises(DamagedError, match=r"more than .*; give a file that holds the weights of one model"):
        index.add("c", tensor)


def test_a_block_may_be_empty() -> None:
    assert list(_entries(struct.pack("<I", 0))) == []
    assert list(_entries(struct.pack("<II", 0, 1))) == []
    with pytest.raises(DamagedError, match="more restart points than bytes"):
        list(_entries(struct.pack("<II", 0, 2)))


@pytest.mark.parametrize(
    ("data", "fields"), [(b"\x0a\x02ab\x10\x07", [(1, b"ab"), (2, 7)]), (b"\x0dabcd", [(1, b"abcd")])]
)
def test_a_record_has_its_fields(data: bytes, fields: list[object]) -> None:
    assert list(_fields(data)) == fields


@pytest.mark.parametrize("data", [b"\x10\x07\x0a\x03ab", b"\x0dabc", b"\x09abcdefg"])
def test_a_record_that_is_cut_off_is_damage(data: bytes) -> None:
    with pytest.raises(DamagedError, match="cut off"):
        list(_fields(data))


@pytest.mark.parametrize(
    "name",
    ["float32", "float64", "int32", "uint8", "int16", "int8", "complex64", "int64", "bool", "uint16", "complex128",
     "float16", "uint32", "uint64"],
)  # fmt: skip
def test_every_element_type_of_tensorflow_is_read(name: str, tmp_path: Path) -> None:
    array = np.array([[0, 1], [1, 0]]).astype(name)
    tensors = read_checkpoint(write_bundle(tmp_path / "m-1", {"w": array}))
    assert torch.equal(tensors["w"], torch.from_numpy(array))


@pytest.mark.parametrize(
    ("pickle", "value"),
    [
        (b"K\x01K\x022\x86.", (2, 2)),  # duplicates the top
        (b"K\x01K\x020\x85.", (1,)),  # drops it
        (b"](K\x01K\x021K\x03a.", [3]),  # drops to the mark
    ],
)
def test_instructions_move_the_stack(pickle: bytes, value: object) -> None:
    assert loaded(pickle) == value


def test_constructors_may_copy_a_share_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inert, "MAX_COPIES", 0)
    copies = b"(" + b"X\x20\0\0\0" + b"x" * 32 + b"q\x00" + b"c_codecs\nencode\nh\x00\x85R" * 40 + b"t."
    assert len(loaded(copies)) == 41  # type: ignore[arg-type]  # 1,280 bytes from 1,000: less than 16 times
    many = b"(" + b"X\x00\x04\0\0" + b"x" * 1024 + b"q\x00" + b"c_codecs\nencode\nh\x00\x85R" * 100 + b"t."
    with pytest.raises(DamagedError, match="copies the same values again"):
        loaded(many)


@pytest.mark.parametrize("protocol", [5, 6])
def test_protocols_up_to_five_are_known(protocol: int) -> None:
    pickle = bytes([0x80, protocol]) + b"K\x01."
    if protocol > 5:
        with pytest.raises(DamagedError, match="protocol 6"):
            loaded(pickle)
    else:
        assert loaded(pickle) == 1


@pytest.mark.parametrize("name", ["FloatStorage", "_UntypedStorage", "BFloat16Storage"])
def test_storages_are_torchs_own(name: str) -> None:
    rebuild.storage_dtype(Global("torch.cuda", name))
    for stranger in (Global("torchy", name), Global("nottorch.torch", name), name):
        with pytest.raises(DamagedError):
            rebuild.storage_dtype(stranger)


@pytest.mark.parametrize(("content", "made"), [(b"ab", b"ab"), ("ÿa", b"\xffa"), (3, b"")])
def test_byte_arrays_hold_what_they_were_made_of(content: object, made: bytes) -> None:
    assert rebuild.build(Global("builtins", "bytearray"), (content,)) == made


def test_a_subclass_of_tensors_is_its_plain_tensor() -> None:
    inner, wrapped = Global("builtins", "bytearray"), Global("torch._tensor", "_rebuild_from_type_v2")
    assert rebuild.build(wrapped, (inner, None, (b"ab",), None)) == b"ab"
    for arguments in ((inner, None, [b"ab"], None), ("bytearray", None, (b"ab",), None)):
        with pytest.raises(DamagedError, match="a tensor subclass without its tensor"):
            rebuild.build(wrapped, arguments)


def test_a_storage_behind_its_length_ends_where_the_file_may() -> None:
    stream = io.BytesIO(struct.pack("<q", 2) + bytes(8))
    storage = torch_legacy._sized_storage(stream, 100, "float32")
    assert (storage.start, storage.size, stream.tell()) == (108, 8, 16)
    with pytest.raises(DamagedError, match="2 numbers with 7 bytes left"):
        torch_legacy._sized_storage(io.BytesIO(struct.pack("<q", 2) + bytes(7)), 100, "float32")


def test_a_window_reads_as_a_file_does() -> None:
    content = b"one\ntwo\nthree"
    window, file = ViewStream(content), io.BytesIO(content)
    for name, *arguments in (
        ("read", 2), ("readline",), ("readline",), ("tell",), ("seek", 1), ("seek", 2, 1), ("read", 0), ("read", 3),
        ("seek", -4, 2), ("read",), ("read",), ("seek", 0), ("read", None), ("seek", 100), ("read", 1), ("seek", 5),
        ("read", -1), ("seek", 8), ("readline",), ("readline",),
    ):  # fmt: skip
        assert getattr(window, name)(*arguments) == getattr(file, name)(*arguments), (name, arguments)


def test_containers_are_walked_in_depth() -> None:
    tensor = TensorRef(Storage("uint8", size=1), 0, (1,))
    assert dict(flatten({"a": [tensor, (tensor, {"b": tensor})]})).keys() == {"a.0", "a.1.0", "a.1.1.b"}


def test_a_dimension_of_one_is_held_to_the_storage_too() -> None:
    with pytest.raises(DamagedError, match="reaches element 6 of a storage with 6"):
        index_of(TensorRef(Storage("float32", size=24), 6, (1,), (1,)))


def test_quantised_storages_are_called_that() -> None:
    with pytest.raises(DamagedError, match=r"quantised numbers .*QInt8Storage"):
        rebuild.storage_dtype(Global("torch", "QInt8Storage"))
    with pytest.raises(DamagedError, match="unknown storage type"):
        rebuild.storage_dtype(Global("torch", "OddStorage"))


def test_an_entry_that_begins_inside_another_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        inner = b"PK\3\4" + struct.pack("<5H3L2H", 20, 0, 0, 0, 0, 0, 8, 8, 8, 0) + b"a/data/1" + bytes(8)
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/data/0", bytes(16) + inner)
        archive.writestr("a/data/1", bytes(8))
        whole = archive.filelist[1]
        archive.filelist[2].header_offset = whole.header_offset + 30 + len("a/data/0") + 16
        archive.filelist[2].CRC = 0
    (tmp_path / "nested.pth").write_bytes(stream.getvalue())
    with pytest.raises(UnreadableFileError, match="overlapping"):
        read_checkpoint(tmp_path / "nested.pth")


def test_a_whole_module_of_an_old_file_gives_its_weights(tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(2, 2))
    torch.save(module, tmp_path / "module.pth", _use_new_zipfile_serialization=False)
    loaded_state = read_checkpoint(tmp_path / "module.pth")
    assert {key: tensor.tolist() for key, tensor in loaded_state.items()} == {
        key: tensor.tolist() for key, tensor in module.state_dict().items()
    }
