"""TensorFlow 1 bundles are read without TensorFlow, and their checksums are verified."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from attn_i2i.convert.reader.crc32c import crc32c, crc32c_array
from attn_i2i.convert.reader.read import read_checkpoint
from attn_i2i.convert.reader.tensor_index import DamagedError
from attn_i2i.convert.reader.tensorflow import snappy
from attn_i2i.types import UnreadableFileError
from tests.helpers.tf_bundle import snappy_compressed, write_bundle, write_table


def variables() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    arrays = {f"Model/g_A/c{i}/Conv/weights": random.standard_normal((3, 3, 2, i), np.float32) for i in range(1, 40)}
    return arrays | {
        "beta1_power": np.array(0.5, np.float32),
        "global_step": np.array(7),
        "on": np.ones(2, bool),
    }


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("compress", [False, True])
def test_every_variable_reads_back_under_its_own_name(shards: int, compress: bool, tmp_path: Path) -> None:
    expected = variables()
    found = read_checkpoint(write_bundle(tmp_path / "m-1", expected, shards=shards, compress=compress))
    assert list(found) == sorted(expected)
    assert all(torch.equal(found[name], torch.from_numpy(array)) for name, array in expected.items())


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    index = write_bundle(tmp_path / "m-1", variables(), shards=3)
    (tmp_path / "m-1.data-00001-of-00003").unlink()
    with pytest.raises(UnreadableFileError, match=r"without 1 of its 3 data files.*m-1\.data-00001-of-00003"):
        read_checkpoint(index)


def test_a_cut_or_flipped_data_file_is_noticed(tmp_path: Path) -> None:
    index = write_bundle(tmp_path / "m-1", {"w": np.arange(3000, dtype=np.float32)})
    data = tmp_path / "m-1.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    data.write_bytes(content[:-1])
    with pytest.raises(UnreadableFileError, match="beyond its data file"):
        read_checkpoint(index)
    content[5000] ^= 1
    data.write_bytes(content)
    with pytest.raises(UnreadableFileError, match="'w' failing its checksum"):
        read_checkpoint(index)


def test_a_flipped_index_is_noticed(tmp_path: Path) -> None:
    index = write_bundle(tmp_path / "m-1", variables())
    content = bytearray(index.read_bytes())
    content[100] ^= 1
    index.write_bytes(content)
    with pytest.raises(UnreadableFileError, match="checksum"):
        read_checkpoint(index)


def test_data_given_for_the_index_says_so(tmp_path: Path) -> None:
    write_bundle(tmp_path / "m-1", {"w": np.random.default_rng(0).random(90)})
    with pytest.raises(UnreadableFileError, match=r"give the \.index"):
        read_checkpoint(tmp_path / "m-1.data-00000-of-00001")


def test_what_cannot_be_read_right_is_refused(tmp_path: Path) -> None:
    array = {"big/w": np.ones(4, np.float32)}
    with pytest.raises(UnreadableFileError, match="big-endian"):
        read_checkpoint(write_bundle(tmp_path / "a", array, big_endian=True))
    with pytest.raises(UnreadableFileError, match=r"in pieces.*'big/w'"):
        read_checkpoint(write_bundle(tmp_path / "b", array, partitioned=["big/w"]))
    old = tmp_path / "model.ckpt"
    old.write_bytes(write_table([(b"", b"\x0a\x02\x08\x01"), (b"\0w", b"\x12\x00")]))
    with pytest.raises(UnreadableFileError, match=r"old single-file kind \(V1\)"):
        read_checkpoint(old)


def test_the_checksum_is_the_one_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # the check value that catalogues of checksums list
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, appendix B.4


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, 70_001, 4 * 2**20 - 1, 4 * 2**20, 4 * 2**20 + 3])
def test_the_fast_checksum_agrees_with_the_plain_one(size: int) -> None:
    data = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    assert crc32c_array(data) == crc32c(data.tobytes())


@pytest.mark.parametrize("data", [b"", b"a", b"abcd" * 100, b"x" * 5000, bytes(range(256)) * 9])
def test_snappy_is_undone(data: bytes) -> None:
    assert snappy(snappy_compressed(data)) == data


def test_a_compressed_block_may_say_that_it_is_as_large_as_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attn_i2i.convert.reader.tensorflow.MAX_BLOCK", 100)
    assert snappy(snappy_compressed(bytes(100))) == bytes(100)
    with pytest.raises(DamagedError, match="expands to 101 bytes"):
        snappy(snappy_compressed(bytes(101)))


@pytest.mark.parametrize("data", [b"", b"\x05\x00a", b"\x04\x05\x09", b"\xff\xff\xff\xff\x0f\x00a", b"\x01\x00ab"])
def test_broken_snappy_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedError):
        snappy(data)
