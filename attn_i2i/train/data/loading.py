"""Training pictures by position: what a step sees follows from the seed and the position alone.

So a resumed run needs no state of the workers, and any number of processes shares one order of pictures.
"""

from __future__ import annotations

import io
import math
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...images.opening import open_image, opened_file
from ...images.picture import Picture
from ...images.read import read_image, read_stream
from ...types import AttnI2IError
from ..errors import OutOfMemoryError
from ..options import TrainOptions
from .folders import TrainingImages

Batch = dict[str, Tensor]
ORIENTATION = 0x0112
QUICK = frozenset({"JPEG", "PNG", "WEBP"})


@dataclass(frozen=True)
class Store:
    """Files as (3, size, size) uint8 pictures, read when asked for or all at once and kept."""

    files: Sequence[str]
    size: int
    kept: Tensor | None = None

    @classmethod
    def cached(cls, files: Sequence[str], size: int, *, shared: bool) -> Store:
        """Read everything now: 3 * size**2 bytes a picture, in memory that worker processes share where there are any.

        Raises OutOfMemoryError where it is too small.
        """
        kept = _room_for(len(files), size, shared)
        with ThreadPoolExecutor() as pool:
            for index, picture in enumerate(pool.map(lambda file: read_resized(file, size), files)):
                kept[index] = picture
        return cls(files, size, kept)

    def __getitem__(self, index: int) -> Tensor:
        return read_resized(self.files[index], self.size) if self.kept is None else self.kept[index]


def _room_for(count: int, size: int, shared: bool) -> Tensor:
    """Memory for ``count`` pictures; ``shared`` is a file in memory, which containers keep small."""
    need = f"cache=True needs {math.ceil(count * 3 * size**2 / 2**20):,} MiB of"
    try:
        room = torch.empty(count, 3, size, size, dtype=torch.uint8)
        return room.share_memory_() if shared else room
    except (RuntimeError, MemoryError) as error:
        kind, advice = "memory", "give cache=False or a smaller load_size"
        if shared:
            kind, advice = "shared memory", "give workers=0, or enlarge it (/dev/shm; docker run --shm-size)"
        raise OutOfMemoryError(f"{need} {kind}, more than there is: {advice}.") from error


class Encoded(NamedTuple):
    """A picture as the bytes of its file, and what errors call it."""

    name: str
    data: bytes


def read_resized(file: str | Encoded, size: int) -> Tensor:
    """(3, size, size) uint8 from a path or an encoded picture, bicubic; the published code keeps no aspect ratio.

    Raises UnreadableFileError, which names the picture.
    """
    image = _quickly_read(file, size)
    if image is None:
        image = (_from_bytes(file) if isinstance(file, Encoded) else read_image(file)).pil().convert("RGB")
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def _from_bytes(file: Encoded) -> Picture:
    return read_stream(io.BytesIO(file.data), file.name)


def _quickly_read(file: str | Encoded, size: int) -> Image.Image | None:
    """An upright 8-bit picture without a detour over floats, a large JPEG at a fraction of its size; else None.

    What this does not take, or cannot read, is left to ``read_image``, which says what is wrong with it.
    """
    try:
        with _stream(file) as stream, open_image(stream, "") as image:
            plain = image.mode in ("RGB", "L") and image.getexif().get(ORIENTATION, 1) == 1
            if image.format not in QUICK or not plain or getattr(image, "is_animated", False):
                return None
            image.draft("RGB", (size, size))
            return image.convert("RGB")
    except (AttnI2IError, OSError, SyntaxError, ValueError):
        return None


def _stream(file: str | Encoded) -> AbstractContextManager[IO[bytes]]:
    return io.BytesIO(file.data) if isinstance(file, Encoded) else opened_file(Path(file))


class Order:
    """An endless order of ``count`` pictures: one permutation after another, each from the seed and its number."""

    def __init__(self, count: int, seed: int, stream: int) -> None:
        self.count, self.key = count, (seed, stream)
        self._number, self._permutation = -1, np.empty(0, np.int64)

    def __getitem__(self, position: int) -> int:
        number, offset = divmod(position, self.count)
        if number != self._number:
            self._permutation = np.random.default_rng((*self.key, number)).permutation(self.count)
            self._number = number
        return int(self._permutation[offset])


class Stream(Dataset[Batch]):
    """What each position of the training sees.

    A two-domain recipe gets ``A`` and ``B``, drawn independently; a multi-domain one gets ``image``, its ``label``
    and a ``target``, the label of another picture drawn at random. Images are uint8 here; ``to_device`` makes them
    floats in [-1, 1].
    """

    def __init__(self, pictures: TrainingImages, options: TrainOptions, workers: int = 0) -> None:
        make = partial(Store.cached, shared=workers > 0) if options.cache else Store
        self.stores = {name: make(files, options.load) for name, files in pictures.files.items()}
        self.orders = {
            name: Order(len(files), options.seed, stream) for stream, (name, files) in enumerate(pictures.files.items())
        }
        self.labels, self.options = pictures.labels, options

    def __getitem__(self, position: int) -> Batch:
        sample = {}
        for stream, (name, store) in enumerate(self.stores.items()):
            random = np.random.default_rng((self.options.seed, stream, position, 1))
            index = self.orders[name][position]
            sample[name] = augmented(store[index], self.options, random)
            if self.labels is not None:
                sample["label"] = torch.from_numpy(self.labels[index])
                sample["target"] = torch.from_numpy(self.labels[random.integers(len(self.labels))])
        return sample


def augmented(picture: Tensor, options: TrainOptions, random: np.random.Generator) -> Tensor:
    """A random crop of (3, load, load), mirrored with even odds where ``flip`` is on."""
    crop, slack = options.crop_size, options.load - options.crop_size
    top, left = (int(one) for one in random.integers(slack + 1, size=2))
    picture = picture[:, top : top + crop, left : left + crop]
    return picture.flip(-1) if options.flip and random.random() < 0.5 else picture


@dataclass(frozen=True)
class Positions:
    """Which positions one process reads, from its first micro-batch on: processes take turns batch by batch."""

    batch_size: int
    first: int
    last: int
    rank: int = 0
    processes: int = 1

    def __iter__(self) -> Iterator[list[int]]:
        for micro in range(self.first, self.last):
            start = (micro * self.processes + self.rank) * self.batch_size
            yield list(range(start, start + self.batch_size))

    def __len__(self) -> int:
        return self.last - self.first


def loader(stream: Stream, positions: Positions, *, workers: int, pin: bool) -> DataLoader[Batch]:
    """Batches of the stream at these positions."""
    return DataLoader(
        stream,
        batch_sampler=positions,
        num_workers=workers,
        pin_memory=pin,
        prefetch_factor=batches_ahead(stream.options, workers),
        worker_init_fn=ignore_signals,
        # The loader draws a seed at its start: from a source of its own, or resuming would shift the run's.
        generator=torch.Generator().manual_seed(stream.options.seed),
    )


def batches_ahead(options: TrainOptions, workers: int) -> int | None:
    """Batches that each worker reads ahead: those of a whole step, which asks for them at once, and two at least."""
    return max(2, math.ceil(options.accumulation / workers)) if workers else None


@contextmanager
def reading(source: DataLoader[Batch]) -> Iterator[Iterator[Batch]]:
    """The loader's batches; its worker processes end with the block.

    Python would wait for them for ever at its end: it asks by a signal, which they ignore.
    """
    batches = iter(source)
    try:
        yield _plainly_failing(batches)
    finally:
        getattr(batches, "_shutdown_workers", lambda: None)()  # torch has no public way


def _plainly_failing(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches; an error of a worker as it was raised there, where torch puts a whole traceback into its text."""
    try:
        yield from batches
    except AttnI2IError as error:
        raise type(error)(str(error).rpartition(f"{type(error).__name__}: ")[2].strip()) from None


def shown(pictures: TrainingImages, number: int, size: int) -> tuple[dict[str, Tensor], Tensor | None]:
    """Up to ``number`` pictures of each kind, spread over those held out, or over the training's, and their labels."""
    images, labels = {}, None
    for name, files in pictures.files.items():
        held_out = pictures.held_out.get(name)
        chosen = held_out or files
        indices = [len(chosen) * i // number for i in range(min(number, len(chosen)))]
        images[name] = torch.stack([read_resized(chosen[i], size) for i in indices])
        table = pictures.held_out_labels if held_out else pictures.labels
        labels = None if table is None else torch.from_numpy(table[indices])
    return images, labels


def to_device(batch: Mapping[str, Tensor], device: torch.device, layout: torch.memory_format) -> Batch:
    """The batch where the networks are; images as floats in [-1, 1]."""
    moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    return {name: to_floats(v, layout) if v.dtype == torch.uint8 else v for name, v in moved.items()}


def to_floats(images: Tensor, layout: torch.memory_format) -> Tensor:
    """(B, 3, H, W) uint8 as float32 in [-1, 1]."""
    return images.to(torch.float32, memory_format=layout).div_(127.5).sub_(1)


def ignore_signals(worker: int) -> None:
    """Start a worker: Ctrl-C reaches a whole process group, but the first process decides when workers end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
