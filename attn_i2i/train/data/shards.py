"""Training pictures streamed from WebDataset shards: tar files read from front to back, for data too large for files.

``trainA-*.tar`` and ``trainB-*.tar``, each sample one picture. Every process and worker reads whole shards of its own
through a shuffling buffer, in an order that follows from the seed. A resumed run reads past what it has seen without
decoding it.
"""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from ...convert.tars import BoundedTarInfo
from ...images.foreign import HEAD_BYTES, stand_in
from ...images.formats import SUFFIXES
from ...images.opening import MAX_PIXELS
from ...types import AttnI2IError, ConfigError, UnreadableFileError
from ..options import TrainOptions
from .archives import archives_of, ending_of
from .folders import A_AND_B
from .identity import identity
from .loading import Batch, Positions, augmented, batches_ahead, cropped, ignore_signals, read_shown
from .reading import RGB_BYTES, Encoded, Reading, Size, read_resized

# Samples that are shuffled among each other, each reader's own: 100 MB of JPEGs of 100 kB.
BUFFER = 1000
# Bytes of one encoded picture: those of the largest that is read, not compressed at all.
LARGEST = 3 * MAX_PIXELS
# What webdataset calls metadata, and leaves out.
META = re.compile(r"__[^/]*__($|/)")
# What tarfile raises of a damaged file; of a long chain of headers each of which is about the next, it recurses.
BROKEN_TAR = (tarfile.TarError, OSError, EOFError, zlib.error, RecursionError)
COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"]\x00\x00": "lzma",
    b"\x28\xb5\x2f\xfd": "zstd",
}


@dataclass(frozen=True)
class Shards:
    """Tar files by domain."""

    files: dict[str, list[str]]
    root: Path
    domains: None = None
    notes: tuple[str, ...] = ()
    reading: Reading = RGB_BYTES

    def samples(self, number: int) -> dict[str, list[Encoded]]:
        """The first pictures of each domain's first shard."""
        return {side: list(islice(_pictures(files[:1]), number)) for side, files in self.files.items()}

    def sources(self) -> Iterator[Encoded]:
        """Every picture, read through once."""
        return _pictures([file for files in self.files.values() for file in files])

    def identity(self) -> dict[str, Any]:
        """Which shards these are: a run resumed on others would be another run."""
        return identity(self.root, self.files, None, None)

    def counts(self) -> dict[str, int]:
        """Shards by domain."""
        return {f"{side} (shards)": len(files) for side, files in self.files.items()}

    def count(self) -> int:
        """Samples of the larger domain; reads every tar header once."""
        return max(sum(map(_samples, files)) for files in self.files.values())

    def shown(self, number: int, size: Size, *, native: bool = False) -> dict[str, Tensor]:
        """The first pictures of each domain, (number, C, height, width)."""
        return {
            side: torch.stack([read_shown(picture, size, self.reading, native=native) for picture in pictures])
            for side, pictures in self.samples(number).items()
        }


def find_shards(root: Path) -> Shards | None:
    """The shards of two domains in a folder; None where it has none at all.

    Raises UnreadableFileError where one domain has none, or where they are compressed.
    """
    shards = {side: _regular(root.glob(f"train{side}*.tar")) for side in A_AND_B}
    if missing := [side for side, files in shards.items() if not files]:
        names = [f"train{side}" for side in missing]
        if packed := [file for file in archives_of(root, names) if ending_of(file) != ".tar"]:
            raise UnreadableFileError(
                f"{packed[0]} is compressed: unpack it to a folder of pictures, or to a plain .tar, which is streamed."
            )
        if len(missing) == len(shards):
            return None
        raise UnreadableFileError(
            f"{root} has no train{missing[0]}-*.tar beside the other domain's shards: put them there."
        )
    folders = [name for side in A_AND_B if (root / (name := f"train{side}")).is_dir()]
    notes = (f"{root}: the folder {folders[0]} is not read: the shards of both domains are.",) if folders else ()
    return Shards(shards, root, notes=notes)


def _regular(files: Iterable[Path]) -> list[str]:
    return sorted(str(file) for file in files if file.is_file())


class ShardStream(IterableDataset[Batch]):
    """Samples ``A`` and ``B`` of one process, from a micro-batch on.

    The loader takes batches from its W workers in turn, so that each worker makes every W-th batch. After resuming, the
    first batch comes from worker 0 again, which then takes the part of the worker whose turn it was.
    """

    def __init__(self, shards: Shards, options: TrainOptions, positions: Positions) -> None:
        self.shards, self.options, self.positions = shards, options, positions

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        first, size = self.positions.first, self.positions.batch_size
        part = (worker + first) % workers
        mine = self.positions.rank * workers + part
        seen = len(range(part, first, workers)) * size
        left = len(range(first + worker, self.positions.last, workers)) * size
        streams = [
            islice(self._raw(stream, mine, self.positions.processes * workers), seen, seen + left)
            for stream in range(len(self.shards.files))
        ]
        for position, samples in enumerate(zip(*streams, strict=True), start=seen):
            yield {
                side: self._picture(raw, (self.options.seed, stream, mine, position))
                for stream, (side, raw) in enumerate(zip(self.shards.files, samples, strict=True))
            }

    def _picture(self, raw: Encoded, key: tuple[int, ...]) -> Tensor:
        random, size = np.random.default_rng(key), self.options.load
        if size is None:
            return cropped(raw, self.options, self.shards.reading, random)
        return augmented(read_resized(raw, size, self.shards.reading), self.options, random)

    def _raw(self, stream: int, mine: int, readers: int) -> Iterator[Encoded]:
        """Encoded pictures without end, each once a cycle; shuffled by shards and by a buffer of samples."""
        files = list(self.shards.files.values())[stream]
        for cycle in count():
            order = np.random.default_rng((self.options.seed, stream, cycle)).permutation(len(files))
            random = np.random.default_rng((self.options.seed, stream, cycle, mine))
            yield from _shuffled(_pictures([files[i] for i in order[mine::readers]]), random)


def _shuffled(pictures: Iterator[Encoded], random: np.random.Generator) -> Iterator[Encoded]:
    """All of ``pictures``, each from anywhere within the next BUFFER."""
    buffer: list[Encoded] = []
    for picture in pictures:
        buffer.append(picture)
        if len(buffer) == BUFFER:
            yield buffer.pop(int(random.integers(BUFFER)))
    while buffer:
        yield buffer.pop(int(random.integers(len(buffer))))


def shard_loader(stream: ShardStream, *, workers: int, pin: bool) -> DataLoader[Batch]:
    """Batches of a stream of shards; raises ConfigError where there are fewer shards than readers."""
    readers, fewest = stream.positions.processes * max(1, workers), min(map(len, stream.shards.files.values()))
    if readers > fewest:
        raise ConfigError(
            f"{fewest} shards cannot feed {readers} readers (processes x workers): make more and smaller shards, or"
            " give fewer workers (workers=NUMBER)."
        )
    return DataLoader(
        stream,
        batch_size=stream.positions.batch_size,
        num_workers=workers,
        pin_memory=pin,
        prefetch_factor=batches_ahead(stream.options, workers),
        worker_init_fn=ignore_signals,
        generator=torch.Generator().manual_seed(stream.options.seed),
    )


def _pictures(files: list[str]) -> Iterator[Encoded]:
    """The picture of each sample of each shard, still encoded; raises UnreadableFileError, which names both."""
    try:
        from webdataset.tariterators import group_by_keys
    except ImportError as error:
        raise ConfigError(f"Shards need webdataset ({error}): pip install attn-i2i[data].") from error
    for file in files:
        count = 0
        try:
            for sample in group_by_keys(_members(file)):
                label = f"{file}: the sample {sample['__key__']}"
                picture = next((value for name, value in sample.items() if f".{name.lower()}" in SUFFIXES), None)
                if picture is None:
                    raise UnreadableFileError(
                        f"{label} holds no picture: expected a file such as .png in every sample."
                    )
                count += 1
                yield Encoded(label, picture)
        except AttnI2IError:
            raise
        except (*BROKEN_TAR, ValueError) as error:
            why = error if isinstance(error, OSError) else error.args[0]  # webdataset adds more of these
            raise UnreadableFileError(f"{file} cannot be read as a tar file ({why}): make it anew.") from error
        if not count:
            raise UnreadableFileError(f"{file} holds no pictures: remove this shard, or fill it.")


def _members(file: str) -> Iterator[dict[str, Any]]:
    """Regular files of a shard as webdataset groups them to samples; what is no picture is not read.

    The shard is read as it is, never decompressed, so that it gives no more bytes than it has. A member of more than
    ``LARGEST`` bytes is refused: it may be a hole that takes no place on the disk.
    """
    with _opened(file, "r|") as tar:
        for member in tar:
            if not member.isreg() or META.match(member.name):
                continue
            content = b""
            if Path(member.name).suffix.lower() in SUFFIXES:
                if member.size > LARGEST:
                    raise UnreadableFileError(
                        f"{file}: {member.name} has {member.size:,} bytes, more than the {LARGEST:,} of a picture."
                    )
                stream = tar.extractfile(member)
                content = stream.read() if stream is not None else b""
            yield {"fname": member.name, "data": content, "__url__": file}
            tar.members = []  # type: ignore[attr-defined]  # which would grow with every shard


def _opened(file: str, mode: Literal["r|", "r:"]) -> tarfile.TarFile:
    with Path(file).open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if told := stand_in(head):
        raise UnreadableFileError(f"{file} is {told}.")
    if kind := next((kind for mark, kind in COMPRESSED.items() if head.startswith(mark)), None):
        raise UnreadableFileError(f"{file} is compressed ({kind}): unpack it to a plain .tar, which is streamed.")
    return tarfile.open(file, mode, tarinfo=BoundedTarInfo)


def _samples(file: str) -> int:
    try:
        with _opened(file, "r:") as tar:
            return sum(Path(member.name).suffix.lower() in SUFFIXES for member in tar)
    except BROKEN_TAR as error:
        raise UnreadableFileError(f"{file} cannot be read as a tar file ({error}): make it anew.") from error
