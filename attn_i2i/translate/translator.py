"""The object that translates pictures by a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Unpack, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ..devices import pick_device, pick_dtype, warn_of_slow
from ..images.mask import read_mask
from ..images.read import ImageSource, Picture, read_image
from ..types import ConfigError, ModelError, ShapeError, Translation
from .compositing import assemble, at_size, native_size, resized
from .domains import Domain, check_one_for_all, domain_vector
from .generators import Generators, Prepared
from .memory import free_bytes, needed_bytes, too_large
from .options import Options
from .result import Result

if TYPE_CHECKING:
    from ..models.card import Card
    from ..models.config import ModelConfig

PIXELS_PER_BATCH = 8 * 256 * 256
PIXELS_WITHOUT_ESTIMATE = 2**20  # about a gigabyte for the usual networks: what every machine has
OnePicture: TypeAlias = "str | Path | Image.Image | np.ndarray[Any, Any] | Picture"
ImageList: TypeAlias = "list[Any] | tuple[Any, ...]"


class CallOptions(TypedDict, total=False):
    """The options of a Translator's call, for type checkers."""

    direction: str | None
    domain: Domain | None
    mask: ImageSource | Sequence[ImageSource] | None
    strength: float
    threshold: float | None
    keep_background: bool
    size: Literal["fit"] | None
    batch_size: int | None


class Translator:
    """Translates pictures by a model: ``translator(image)`` gives a Result.

    ``generators`` are moved to ``device`` (a CUDA device where there is one, else the CPU) and cast to ``dtype``, and
    compiled for their first picture where ``compile`` is set; they are put into evaluation mode. ``config`` is the
    model's config.json, ``card`` its zoo card or None. ``direction`` is the one used unless a call names another.
    A Translator can be pickled, also for processes that are spawned: networks that were used go by value, others by
    the path of the folder that they are loaded from, and a compiled one is compiled anew.

    >>> from attn_i2i.models import ModelConfig, create
    >>> network = create("attentiongan2", width=4, blocks=1)
    >>> translate = Translator({"A2B": network}, ModelConfig("attentiongan2", {}, ["A2B"]), device="cpu")
    >>> translate(torch.rand(3, 32, 32), keep_background=True)
    Result('image', 32x32, masks=9)
    """

    def __init__(
        self,
        generators: Mapping[str, nn.Module],
        config: ModelConfig,
        *,
        direction: str | None = None,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        compile: bool = False,  # noqa: A002
        card: Card | None = None,
    ) -> None:
        self.config = config
        self.card = card
        self.device = pick_device(device)
        self.dtype = pick_dtype(dtype)
        warn_of_slow(self.dtype, self.device)
        self.generators = Generators(list(generators), Prepared(generators, self.device, self.dtype, compile))
        self.directions = list(self.generators)
        self.domains = config.domains
        self.direction = direction or self.directions[0]
        if self.direction not in self.directions:
            self.generators[self.direction]

    @property
    def generator(self) -> nn.Module:
        """The network of the default direction: (B, 3, H, W) in [-1, 1] to a Translation."""
        return self.generators[self.direction]

    def label(self, domain: Domain | None, direction: str | None = None) -> Tensor | None:
        """The (1, domains) label that ``domain`` means to this model, None where it translates to one domain."""
        generator = self.generators[direction or self.direction]
        return domain_vector(domain, self.domains, getattr(generator, "domains", None) or None)

    def __repr__(self) -> str:
        return f"Translator({self.config.architecture!r}, directions={self.directions}, device={str(self.device)!r})"

    @overload
    def __call__(self, images: OnePicture, **options: Unpack[CallOptions]) -> Result: ...

    @overload
    def __call__(self, images: ImageList, **options: Unpack[CallOptions]) -> list[Result]: ...

    @overload
    def __call__(self, images: Tensor, **options: Unpack[CallOptions]) -> Any: ...

    def __call__(
        self,
        images: OnePicture | ImageList | Tensor,
        *,
        direction: str | None = None,
        domain: Domain | None = None,
        mask: ImageSource | Sequence[ImageSource] | None = None,
        strength: float = 1.0,
        threshold: float | None = None,
        keep_background: bool = False,
        size: Literal["fit"] | None = None,
        batch_size: int | None = None,
    ) -> Result | list[Result]:
        """Translate one picture to a Result, or several (a list, or a (B, 3, H, W) tensor) to a list of them.

        A picture is a path, PIL image, uint8 array (H, W[, C]) or float tensor (C, H, W) in [0, 1].

        ``domain`` is the target of a multi-domain model (StarGAN's semantics): the complete label vector of the
        picture wanted, given as the names of the labels that are 1 or as the vector itself (``domain_vector``).
        ``mask`` limits where a picture may change (1: may, 0: stays bit for bit); one for all pictures, or a list.
        ``strength`` in [0, 1] blends the source (0) with the output (1), which for networks that blend by attention
        is the same as scaling their foreground masks. ``keep_background`` composites output and source by the
        foreground mask, so that where it is 0 the source stays bit for bit; ``threshold`` in [0, 1] makes that mask
        0 or 1 first, and implies compositing. ``size="fit"`` resizes to the one size that some networks take, and
        back. Pictures of one size share a batch of ``batch_size`` (by default as many as make half a megapixel).

        Raises AttnI2IError with a line that says which picture or option is wrong.
        """
        options = Options(strength, threshold, keep_background, size)
        many = isinstance(images, list | tuple) or (isinstance(images, Tensor) and images.ndim == 4)
        pictures = _pictures(list(images) if many else [images])  # type: ignore[arg-type, list-item]
        limits = _limits(mask, pictures)
        generator = self.generators[direction or self.direction]
        check_one_for_all(domain, len(pictures) if many else 1)
        label = self.label(domain, direction)
        results: dict[int, Result] = {}
        for indexes, translation in self._translated(generator, pictures, label, options, batch_size):
            for row, i in enumerate(indexes):
                one = Translation._make(None if part is None else part[row] for part in translation)
                results[i] = assemble(pictures[i], one, limits[i], options)
        return [results[i] for i in range(len(pictures))] if many else results[0]

    def _translated(
        self,
        generator: nn.Module,
        pictures: Sequence[Picture],
        label: Tensor | None,
        options: Options,
        batch_size: int | None,
    ) -> Iterator[tuple[list[int], Translation]]:
        """Batch by batch, the indexes of its pictures and their translation."""
        for indexes in _batches(pictures, batch_size):
            size = native_size(generator, pictures[indexes[0]], options)
            step = self._fitting(generator, len(indexes), size, label, pictures[indexes[0]].name, batch_size)
            for start in range(0, len(indexes), step):
                part = indexes[start : start + step]
                yield part, self._translate(generator, [pictures[i] for i in part], label, options)

    def _fitting(
        self,
        generator: nn.Module,
        count: int,
        size: tuple[int, int],
        label: Tensor | None,
        name: str,
        batch_size: int | None,
    ) -> int:
        """How many of ``count`` pictures of a size fit into memory at once; ShapeError where not even one does."""
        if count * size[0] * size[1] < PIXELS_WITHOUT_ESTIMATE:
            return count
        free = free_bytes(self.device)
        channels = 3
        needed = needed_bytes(generator, torch.Size((1, channels, *size)), self.dtype, label)
        if free is None or needed is None or count * needed <= free:
            return count
        if needed > free or batch_size is not None:
            few = count if batch_size is not None else 1
            raise too_large(name, few, size, self.device, f"{few * needed / 2**30:.1f} GB, {free / 2**30:.1f} are free")
        return free // needed

    @torch.no_grad()
    def _translate(
        self, generator: nn.Module, pictures: Sequence[Picture], label: Tensor | None, options: Options
    ) -> Translation:
        """The translation of pictures of one size at that size, float32, images in [-1, 1] as the network left them."""
        size = pictures[0].size
        native = native_size(generator, pictures[0], options)
        images = torch.stack([picture.rgb.to(self.device) for picture in pictures]) * 2 - 1
        if native != size:
            images = resized(images, native, "bicubic").clamp(-1, 1)
        images = images.to(self.dtype)
        label = None if label is None else label.to(images).expand(len(images), -1)
        try:
            translation: Translation = generator(images) if label is None else generator(images, label)
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "allocate memory" not in str(error):
                raise
            raise too_large(pictures[0].name, len(images), native, self.device) from error
        if not translation.image.isfinite().all():
            hint = "" if self.dtype in (torch.float32, torch.float64) else ": use bfloat16 or float32"
            raise ModelError(f"{pictures[0].name}: the network gave no finite numbers in {self.dtype}{hint}.")
        translation = Translation._make(None if part is None else part.float() for part in translation)
        return translation if native == size else at_size(translation, size)


def _pictures(images: Sequence[ImageSource | Picture]) -> list[Picture]:
    pictures = [image if isinstance(image, Picture) else read_image(image) for image in images]
    unnamed = [i for i, picture in enumerate(pictures) if picture.name == Picture.name]
    if len(unnamed) > 1:
        for i in unnamed:
            pictures[i] = replace(pictures[i], name=f"{Picture.name}-{i + 1:04d}")
    return pictures


def _limits(mask: Any, pictures: Sequence[Picture]) -> list[Tensor | None]:
    many = isinstance(mask, list | tuple) or (isinstance(mask, Tensor) and mask.ndim == 4)
    masks = list(mask) if many else [mask] * len(pictures)
    if len(masks) != len(pictures):
        raise ConfigError(f"{len(masks)} masks were given for {len(pictures)} pictures: give one, or one each.")
    pairs = zip(masks, pictures, strict=True)
    return [None if one is None else _limit(one, picture) for one, picture in pairs]


def _limit(mask: ImageSource, picture: Picture) -> Tensor:
    try:
        return read_mask(mask, picture.size, scale=True).to(picture.rgb)
    except ShapeError as error:
        raise ShapeError(f"{picture.name}: {error}") from error


def _batches(pictures: Sequence[Picture], batch_size: int | None) -> Iterator[list[int]]:
    """Indexes of pictures that have one size and device, a batch at a time."""
    if batch_size is not None and batch_size < 1:
        raise ConfigError(f"batch_size={batch_size} was given: expected 1 or more.")
    groups: dict[Any, list[int]] = {}
    for i, picture in enumerate(pictures):
        groups.setdefault((picture.size, picture.rgb.device), []).append(i)
    for (size, _), indexes in groups.items():
        step = batch_size or max(1, PIXELS_PER_BATCH // (size[0] * size[1]))
        yield from (indexes[i : i + step] for i in range(0, len(indexes), step))
