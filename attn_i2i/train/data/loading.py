"""Training pictures by position: what a step sees follows from the seed and the position alone.

So a resumed run needs no state of the workers, and any number of processes shares one order of pictures.
"""

from __future__ import annotations

import math
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...images.window import Window
from ...types import AttnI2IError, ShapeError
from ..errors import OutOfMemoryError
from ..options import TrainOptions
from ..signals import ASKING
from .folders import TrainingImages
from .reading import RGB_BYTES, Encoded, Reading, Size, read_part, read_resized, sides

Batch = dict[str, Tensor]
# What torch says where workers hand pictures over in a file in memory, or are killed for writing beyond its end.
NO_SHARED_MEMORY = re.compile(r"shared memory|</torch_\d+")


@dataclass(frozen=True)
class Store:
    """Files as (C, height, width) pictures of one size, read when asked for or all at once and kept."""

    files: Sequence[str]
    size: Size
    reading: Reading = RGB_BYTES
    kept: Tensor | None = None

    @classmethod
    def cached(cls, files: Sequence[str], size: Size, reading: Reading = RGB_BYTES, *, shared: bool) -> Store:
        """Read everything now, in memory that worker processes share where there are any.

        A number takes a byte, or four where pictures have more than 8 bits. Raises OutOfMemoryError where it is too
        small.
        """
        pictures = _room_for((len(files), reading.channels, *sides(size)), reading.dtype, shared)
        with ThreadPoolExecutor() as pool:
            for index, picture in enumerate(pool.map(lambda file: read_resized(file, size, reading), files)):
                pictures[index] = picture
        return cls(files, size, reading, pictures)

    def __getitem__(self, index: int) -> Tensor:
        return read_resized(self.files[index], self.size, self.reading) if self.kept is None else self.kept[index]


def _room_for(shape: tuple[int, ...], dtype: torch.dtype, shared: bool) -> Tensor:
    """Memory for pictures; ``shared`` is a file in memory, which containers keep small."""
    need = f"cache=True needs {math.ceil(math.prod(shape) * dtype.itemsize / 2**20):,} MiB of"
    try:
        room = torch.empty(shape, dtype=dtype)
        return room.share_memory_() if shared else room
    except (RuntimeError, MemoryError) as error:
        kind, advice = "memory", "give cache=False or a smaller load_size"
        if shared:
            kind, advice = "shared memory", "give workers=0, or enlarge it (/dev/shm; docker run --shm-size)"
        raise OutOfMemoryError(f"{need} {kind}, more than there is: {advice}.") from error


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


class TrainingStream(Dataset[Batch]):
    """What each position of the training sees.

    A two-domain recipe gets ``A`` and ``B``, drawn independently. A multi-domain recipe gets ``image``, its ``label``
    and a ``target``, the label of another picture drawn at random. Images of 8 bits are uint8 here; ``to_device`` makes
    them floats in [-1, 1], as all others are already.
    """

    def __init__(self, pictures: TrainingImages, options: TrainOptions, workers: int = 0) -> None:
        self.reading, self.files = pictures.reading, pictures.files
        make = partial(Store.cached, shared=workers > 0) if options.cache else Store
        size = options.load
        self.stores = (
            {} if size is None else {name: make(files, size, self.reading) for name, files in pictures.files.items()}
        )
        self.orders = {
            name: Order(len(files), options.seed, stream) for stream, (name, files) in enumerate(pictures.files.items())
        }
        self.labels, self.options = pictures.labels, options

    def __getitem__(self, position: int) -> Batch:
        sample = {}
        for stream, (name, files) in enumerate(self.files.items()):
            random = np.random.default_rng((self.options.seed, stream, position, 1))
            index = self.orders[name][position]
            if name in self.stores:
                sample[name] = augmented(self.stores[name][index], self.options, random)
            else:
                sample[name] = cropped(files[index], self.options, self.reading, random)
            if self.labels is not None:
                sample["label"] = torch.from_numpy(self.labels[index])
                sample["target"] = torch.from_numpy(self.labels[random.integers(len(self.labels))])
        return sample


def augmented(picture: Tensor, options: TrainOptions, random: np.random.Generator) -> Tensor:
    """A random crop of (C, height, width), mirrored with even odds where ``flip`` is on."""
    rows, columns = _placed(picture.shape[-2], picture.shape[-1], options, random).slices
    return _mirrored(picture[:, rows, columns], options, random)


def cropped(file: str | Encoded, options: TrainOptions, reading: Reading, random: np.random.Generator) -> Tensor:
    """A random crop of a picture at its own scale, of which no more is read than its format asks for.

    Raises ShapeError for a picture that is smaller.
    """

    def place(height: int, width: int) -> Window:
        _check_room(file, (height, width), options.crop)
        return _placed(height, width, options, random)

    return _mirrored(read_part(file, place, reading), options, random)


def _check_room(file: str | Encoded, size: tuple[int, int], crop: tuple[int, int]) -> None:
    """Raise ShapeError where a picture (height, width) is smaller than the crops."""
    if size[0] < crop[0] or size[1] < crop[1]:
        name = file.name if isinstance(file, Encoded) else file
        side = crop[0] if crop[0] == crop[1] else f"{crop[0]}x{crop[1]}"
        raise ShapeError(
            f"{name} has {size[0]}x{size[1]} pixels (height x width), less than crop_size={side}: give a smaller"
            " crop_size, or a load_size that pictures are resized to."
        )


def _placed(height: int, width: int, options: TrainOptions, random: np.random.Generator) -> Window:
    """Where the crop lies; both sides are drawn at once where they have equal room, as they always were."""
    crop = options.crop
    down, across = height - crop[0] + 1, width - crop[1] + 1
    top, left = random.integers(down, size=2) if down == across else (random.integers(down), random.integers(across))
    return Window(int(top), int(left), *crop)


def _mirrored(picture: Tensor, options: TrainOptions, random: np.random.Generator) -> Tensor:
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


def loader(stream: TrainingStream, positions: Positions, *, workers: int, pin: bool) -> DataLoader[Batch]:
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
    except RuntimeError as error:
        if NO_SHARED_MEMORY.search(str(error)) is None:
            raise
        raise OutOfMemoryError(
            "The pictures of the workers need more shared memory than there is: give workers=0, or enlarge it"
            " (/dev/shm; docker run --shm-size)."
        ) from error


def shown(
    pictures: TrainingImages, number: int, size: Size, *, native: bool = False
) -> tuple[dict[str, Tensor], Tensor | None]:
    """Up to ``number`` pictures of each kind, spread over those held out, or over the training's, and their labels."""
    images, labels = {}, None
    for name, files in pictures.files.items():
        held_out = pictures.held_out.get(name)
        chosen = held_out or files
        count = min(number, len(chosen))
        indices = [len(chosen) * i // count for i in range(count)]
        images[name] = torch.stack([read_shown(chosen[i], size, pictures.reading, native=native) for i in indices])
        table = pictures.held_out_labels if held_out else pictures.labels
        labels = None if table is None else torch.from_numpy(table[indices])
    return images, labels


def read_shown(file: str | Encoded, size: Size, reading: Reading, *, native: bool) -> Tensor:
    """A picture to look at: all of it at the size of the crops, or its middle where crops keep their scale.

    Raises ShapeError for a picture that is smaller than its middle would be.
    """
    if not native:
        return read_resized(file, size, reading)
    crop = sides(size)

    def middle(height: int, width: int) -> Window:
        _check_room(file, (height, width), crop)
        return Window((height - crop[0]) // 2, (width - crop[1]) // 2, *crop)

    return read_part(file, middle, reading)


def to_device(batch: Mapping[str, Tensor], device: torch.device, layout: torch.memory_format) -> Batch:
    """The batch where the networks are; images as floats in [-1, 1]."""
    moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    return {name: to_floats(value, layout) if value.ndim == 4 else value for name, value in moved.items()}


def to_floats(images: Tensor, layout: torch.memory_format) -> Tensor:
    """(B, C, H, W) as float32 in [-1, 1]: uint8, or floats that are so already."""
    if images.dtype != torch.uint8:
        return images.to(memory_format=layout)
    return images.to(torch.float32, memory_format=layout).div_(127.5).sub_(1)


def ignore_signals(worker: int) -> None:
    """Start a worker: Ctrl-C and the end of a terminal reach all processes, but the first decides when workers end."""
    for number in (signal.SIGINT, *ASKING):
        signal.signal(number, signal.SIG_IGN)
