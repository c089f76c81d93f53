"""Training pictures in shards: each is shown once an epoch, and none is a bomb."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from attn_i2i.train.data.loading import Encoded, Positions, read_resized
from attn_i2i.train.data.shards import find_shards
from attn_i2i.train.loop import open_loader, steps_per_epoch
from attn_i2i.train.options import TrainOptions
from attn_i2i.types import ConfigError, UnreadableFileError

from .helpers import processes
from .helpers.pictures import noise_picture as picture


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Four shards a domain, of three pictures each, every picture of its own colour."""
    for side in "AB":
        for number in range(4):
            with tarfile.open(tmp_path / f"train{side}-{number}.tar", "w") as tar:
                for index in range(3):
                    name = f"{number}{index}.png"
                    tar.add(picture(tmp_path / name, 60 * number + 20 * index), name)
    return tmp_path


@pytest.mark.parametrize("workers", [0, 2])
def test_shards_show_every_picture_once_an_epoch_and_resume_where_they_were(shards: Path, workers: int) -> None:
    found = find_shards(shards)
    assert found is not None
    options = TrainOptions(crop_size=8, batch_size=2, workers=workers)
    assert steps_per_epoch(found, options, processes=1) == 6

    def colours(first: int, last: int) -> list[int]:
        return [
            int(v)
            for b in open_loader(found, options, Positions(2, first, last), pin=False)
            for v in b["A"][:, 0, 0, 0]
        ]

    whole = colours(0, 6)
    assert sorted(whole) == sorted(60 * number + 20 * index for number in range(4) for index in range(3))
    assert whole[6:] == colours(3, 6)
    assert whole != colours(6, 12)


def test_too_few_shards_for_the_readers_are_an_error(shards: Path) -> None:
    found = find_shards(shards)
    assert found is not None
    options = TrainOptions(crop_size=8, workers=5)
    with pytest.raises(ConfigError, match="4 shards cannot feed 5 readers"):
        open_loader(found, options, Positions(1, 0, 1), pin=False)
    four = TrainOptions(crop_size=8, workers=0)
    assert open_loader(found, four, Positions(1, 0, 1, rank=0, processes=4), pin=False) is not None
    with pytest.raises(ConfigError, match="4 shards cannot feed 10 readers"):
        open_loader(found, options, Positions(1, 0, 1, rank=0, processes=2), pin=False)


READ_ALL = """
import os, pathlib, sys
from attn_i2i.train.data.loading import Encoded, read_resized
for name in sys.argv[1:]:
    if os.fork() == 0:  # where Pillow has opened nothing
        read_resized(Encoded("x", pathlib.Path(name).read_bytes()), 8)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(f"{name} was not read")
"""


def test_shards_may_hold_what_folders_may(tmp_path: Path) -> None:
    paths = []
    for suffix, mode in (("bmp", "RGB"), ("tif", "RGB"), ("gif", "P"), ("webp", "RGBA")):
        paths.append(tmp_path / f"x.{suffix}")
        Image.new(mode, (9, 8), 40 if mode == "P" else "gray").save(paths[-1])
    done = processes.run("-c", READ_ALL, *map(str, paths))
    assert done.returncode == 0, done.stderr
    for path in paths:
        assert torch.equal(read_resized(str(path), 8), read_resized(Encoded("x", path.read_bytes()), 8))


def test_what_is_wrong_with_a_shard_is_said_in_one_line(shards: Path) -> None:
    (shards / "broken.png").write_bytes(b"no picture")
    with tarfile.open(shards / "trainA-0.tar", "w") as tar:
        tar.add(shards / "broken.png", "broken.png")
    found = find_shards(shards)
    assert found is not None
    with pytest.raises(UnreadableFileError, match=r"trainA-0\.tar: the sample broken is no picture"):
        found.shown(1, 8)
    with tarfile.open(shards / "trainA-0.tar", "w"):
        pass
    with pytest.raises(UnreadableFileError, match=r"trainA-0\.tar holds no pictures"):
        found.shown(1, 8)
    with tarfile.open(shards / "trainA-0.tar", "w") as tar:
        for _ in range(2):
            tar.add(shards / "broken.png", "0.png")
    with pytest.raises(UnreadableFileError, match=r"trainA-0\.tar cannot be read as a tar file \(0\.png: duplicate"):
        found.shown(1, 8)
    whole = (shards / "trainA-1.tar").read_bytes()
    (shards / "trainA-0.tar").write_bytes(whole[:700])
    with pytest.raises(UnreadableFileError, match=r"trainA-0\.tar cannot be read as a tar file \([^(]*$"):
        found.shown(3, 8)


BOMB = 2 << 30


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
}


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_a_compressed_shard_is_refused_before_it_is_a_bomb(shards: Path, kind: str) -> None:
    shard = shards / "trainA-0.tar"
    shard.write_bytes(COMPRESSIONS[kind](shard.read_bytes()))
    found = find_shards(shards)
    assert found is not None
    for read in (found.count, lambda: found.shown(1, 8)):
        with pytest.raises(UnreadableFileError, match=rf"trainA-0\.tar is compressed \({kind}\): unpack it"):
            read()
    for shard in shards.glob("trainA-*.tar"):
        shard.rename(shard.with_suffix(".tar.gz"))
    with pytest.raises(UnreadableFileError, match=r"trainA-0\.tar\.gz is compressed: unpack it"):
        find_shards(shards)


def test_a_picture_in_a_shard_that_is_larger_than_any_is_not_read(shards: Path) -> None:
    """Its tar file takes no place on the disk, and would take two gigabytes in memory."""
    member = tarfile.TarInfo("huge.png")
    member.size = BOMB
    with (shards / "trainA-0.tar").open("wb") as stream:
        stream.write(member.tobuf())
        stream.truncate(BOMB + 10240)
    found = find_shards(shards)
    assert found is not None
    with pytest.raises(UnreadableFileError, match=r"trainA-0\.tar: huge\.png has 2,147,483,648 bytes"):
        found.shown(1, 8)


@pytest.mark.parametrize(
    "kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE], ids=["GNU", "pax", "all"]
)
def test_a_header_larger_than_any_name_is_not_read(shards: Path, kind: bytes) -> None:
    """Python's tarfile reads long names whole: this file takes no place on the disk either."""
    member = tarfile.TarInfo("long")
    member.size, member.type = BOMB, kind
    with (shards / "trainA-0.tar").open("wb") as stream:
        stream.write(member.tobuf(tarfile.GNU_FORMAT))
        stream.truncate(BOMB + 10240)
    found = find_shards(shards)
    assert found is not None
    for read in (found.count, lambda: found.shown(1, 8)):
        with pytest.raises(UnreadableFileError, match=r"trainA-0\.tar cannot .*a header of 2,147,483,648 bytes"):
            read()


def test_headers_without_end_are_damage(shards: Path) -> None:
    member = tarfile.TarInfo("long")
    member.size, member.type = 4, tarfile.GNUTYPE_LONGNAME
    (shards / "trainA-0.tar").write_bytes((member.tobuf(tarfile.GNU_FORMAT) + b"name".ljust(512, b"\0")) * 2000)
    found = find_shards(shards)
    assert found is not None
    for read in (found.count, lambda: found.shown(1, 8)):
        with pytest.raises(UnreadableFileError, match=r"trainA-0\.tar cannot be read as a tar file"):
            read()
