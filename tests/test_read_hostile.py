"""Nothing in a file runs, whatever it asks for, and no file makes its reader take more than it may."""

from __future__ import annotations

import io
import pickle
import resource
import tarfile
import tempfile
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from attn_i2i.convert.reader import sandbox
from attn_i2i.convert.reader.read import read_checkpoint
from attn_i2i.types import AttnI2IError, UnreadableFileError
from tests.helpers.attacks import attacks, text
from tests.helpers.checkpoints import save_old_tar, save_zip

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2)


CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda payload: payload if payload[0] == 0x80 else b"\x80\x02" + payload,
    "legacy main": lambda payload: MAGIC + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + payload,
    "legacy first": lambda payload: MAGIC + payload,
    "zip": lambda payload: _zip({"archive/data.pkl": payload}),
}


def _zip(entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def read_bytes(folder: Path, content: bytes, **limits: float) -> dict[str, torch.Tensor]:
    path = folder / "hostile.pth"
    path.write_bytes(content)
    return read_checkpoint(path, **limits)  # type: ignore[arg-type]


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_attack_runs(container: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for payload in attacks(canary).values():
        with pytest.raises(AttnI2IError) as caught:
            read_bytes(tmp_path, CONTAINERS[container](payload))
        assert "\n" not in str(caught.value)
        assert not canary.exists()


@pytest.mark.parametrize("name", ["reduce", "eval", "exec", "inst", "obj", "stack global", "getattr", "copyreg", "map"])
def test_the_attacks_would_work_on_the_standard_unpickler(name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    payload = attacks(canary)[name]
    try:
        pickle.loads(payload)
    except TypeError:
        assert name == "copyreg"  # eval is no class; the call is refused after the look-up
        return
    assert canary.exists()


def test_weights_beside_an_attack_are_read_and_the_attack_is_not(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Attack:
        def __reduce__(self) -> tuple[object, ...]:
            return eval, (f"open({str(canary)!r}, 'w').close()",)

    path = save_zip(tmp_path / "a.pth", {"x": torch.ones(2), "extra": Attack()})
    assert list(read_checkpoint(path)) == ["x"]
    assert not canary.exists()


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, (5,), (1,)),
        (4, (1,), (1,)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
        (0, (2, 2), (3, 2)),
        (0, (-1,), (1,)),
        (0, (2**40, 2**40), (0, 0)),
        (0, (2**40,), (0,)),
        (0, (2**62,), (2**62,)),
        (0, (True,), (1,)),
        (0, (2, 2), (1,)),
        (0.0, (2,), (1,)),
        (0, ("2",), (1,)),
        (0, (1,) * 65, (1,) * 65),
    ],
)
def test_a_tensor_outside_its_storage_is_refused(offset: int, size: tuple, stride: tuple, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            storage = torch.ones(4)._typed_storage()
            return torch._utils._rebuild_tensor_v2, (storage, offset, size, stride, False, OrderedDict())

    path = save_zip(tmp_path / "a.pth", {"x": Hostile()})
    with pytest.raises(UnreadableFileError, match=r"'x'.*impossible|more than 8 times"):
        read_checkpoint(path)


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    bomb = _zip({"a/data.pkl": b"\x80\x02}.", "a/data/0": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(UnreadableFileError, match="expand"):
        read_bytes(tmp_path, bomb)


def test_overlapping_and_repeated_entries_are_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/data/0", bytes(64))
        archive.filelist[1].header_offset = archive.filelist[0].header_offset
    with pytest.raises(UnreadableFileError, match="overlapping"):
        read_bytes(tmp_path, stream.getvalue())
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
    with pytest.raises(UnreadableFileError, match="repeated"):
        read_bytes(tmp_path, stream.getvalue())


@pytest.mark.parametrize("repeated", ["pickle", "./pickle", "storages", "other"])
def test_repeated_entries_of_an_old_tar_are_refused(repeated: str, tmp_path: Path) -> None:
    path = save_old_tar(tmp_path / "old.pth", {"x": torch.ones(2)})
    with tarfile.open(path, "a") as archive:
        for _ in range(1 + (repeated == "other")):
            archive.addfile(tarfile.TarInfo(repeated))
    with pytest.raises(UnreadableFileError, match=r"old\.pth is not readable: .*repeated entries[^\n]*$"):
        read_checkpoint(path)


def test_a_file_that_asks_for_memory_is_stopped(tmp_path: Path) -> None:
    dictionaries = b"\x80\x02](" + b"}" * 200_000 + b"e."
    for limit, message in ((2**30, "no tensor"), (32 * 2**20, "more memory")):
        with pytest.raises(UnreadableFileError, match=message):
            read_bytes(tmp_path, dictionaries, memory_limit=limit)


def test_a_large_file_gets_the_memory_that_its_size_takes(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(5 * 2**20)}, tmp_path / "large.pth")
    assert read_checkpoint(tmp_path / "large.pth", memory_limit=80 * 2**20)["w"].shape == (5 * 2**20,)


def test_copies_of_what_a_file_holds_once_are_counted(tmp_path: Path) -> None:
    copies = b"\x80\x02](" + text("x" * 2**20) + b"q\x00" + b"c_codecs\nencode\nh\x00\x85R" * 2000 + b"e."
    with pytest.raises(UnreadableFileError, match="copies the same values again"):
        read_bytes(tmp_path, copies)


def test_a_file_that_takes_for_ever_is_stopped(tmp_path: Path) -> None:
    opcodes = b"\x80\x02" + b"K\x010" * 3_000_000 + b"N."
    started = time.monotonic()
    with pytest.raises(UnreadableFileError, match=r"1 seconds|did not survive"):
        read_bytes(tmp_path, opcodes, seconds=1)
    assert time.monotonic() - started < 60


def tensor(size: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """The pickle of a view of the storage "0"."""

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(b"\x8a\x09" + value.to_bytes(9, "little") for value in values) + b"t"

    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\x00tQ"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00" + numbers(size) + numbers(stride) + b"\x89}tR"


def shared(start: bytes, step: bytes, levels: int) -> bytes:
    """Values that hold the one before twice: a few bytes, exponentially many paths."""
    return start + b"q\x00" + b"".join(step.replace(b"?", bytes([i])) + b"q" + bytes([i + 1]) for i in range(levels))


SMALL_BOMBS = {
    "lists that share a tensor": (shared(b"]" + tensor((0,), (1,)) + b"a", b"](h?h?e", 24), "more than"),
    "dictionaries that share a tensor": (
        shared(b"]" + tensor((0,), (1,)) + b"a", b"}(" + text("a" * 20) + b"h?" + text("b") + b"h?u", 24), "more than"
    ),
    "an error that shows them": (shared(b")", b"h?h?\x86", 30) + b"Q", "an unknown reference"),
    "strides beyond 64 bits": (b"]" + tensor((0, 2**61, 2**61), (1, 1, 1)) + b"a", "too large"),
    "copies of a list": (
        b"](" + b"K\x01" * 9000 + b"eq\x00cbuiltins\nlist\nq\x01" + b"h\x01h\x00\x85R0" * 5000, "copies the same"
    ),
    "copies of an array": (
        b"cnumpy\ndtype\n" + text("f4") + b"\x85Rq\x01cnumpy.core.multiarray\n_reconstruct\n)R"
        + b"(K\x01(K\x04th\x01\x89" + text("x" * 9000) + b"tq\x02b" + b"h\x02b" * 9000, "copies the same"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL_BOMBS)
def test_a_small_file_takes_its_reader_a_moment(name: str, tmp_path: Path) -> None:
    payload, message = SMALL_BOMBS[name]
    started = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with pytest.raises(UnreadableFileError, match=message):
        read_bytes(tmp_path, _zip({"a/data.pkl": b"\x80\x02" + payload + b".", "a/data/0": b""}))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - started < 2


def test_strides_that_no_element_needs_do_not_matter(tmp_path: Path) -> None:
    payload = b"\x80\x02}" + text("x") + tensor((1, 1), (2**61, 2**61)) + b"s."
    (read,) = read_bytes(tmp_path, _zip({"a/data.pkl": payload, "a/data/0": bytes(4)})).values()
    assert read.tolist() == [[0.0]]
    assert read.stride() == (1, 1)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"(" * 50_000 + b"t" * 50_000 + b".", "nested deeper|no tensor"),
        (b"]" * 50_000 + b"a" * 49_999 + b".", "nested deeper"),
        (b"]q\x00" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(60)) + b".", "no tensor"),
        (b"}r\xff\xff\xff\xff.", "no tensor"),
        (b"}(]]u.", "no tensor"),
        (b"\x82\x01.", "instruction EXT1"),
        (b"\x97.", "instruction NEXT_BUFFER"),
        (b"\x8b\xff\xff\xff\x7f1.", "broken pickle"),
        (b"T\xff\xff\xff\x7f1.", "broken pickle"),
        (b"h\x07.", "broken pickle"),
        (b"t.", "mark is missing"),
        (b"X\x03\0\0\0key", "broken pickle"),
    ],
)
def test_pickles_that_make_no_sense_are_one_clear_line(payload: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=message):
        read_bytes(tmp_path, b"\x80\x02" + payload)


def test_a_reader_that_dies_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_zip(tmp_path / "a.pth", {"x": torch.ones(2)})
    monkeypatch.setattr(sandbox.sys, "executable", "/bin/false")
    with pytest.raises(UnreadableFileError, match="did not survive"):
        read_checkpoint(path)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with pytest.raises(UnreadableFileError):
        read_bytes(tmp_path, b"\x80\x02cposix\nsystem\n.")
    read_checkpoint(save_zip(tmp_path / "a.pth", {"x": torch.ones(2)}))
    assert not list((tmp_path / "temporary").iterdir())
