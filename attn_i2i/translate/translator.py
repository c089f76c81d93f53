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

from ..arguments import typed
from ..devices import AUTO, computes_bfloat16, pick_device, pick_dtype, warn_of_slow
from ..images.opening import MAX_PIXELS
from ..images.picture import Picture
from ..images.ranges import DTYPE, Percentiles, RangeLike, parse_range
from ..images.read import ImageSource
from ..types import ConfigError, ModelError
from ..video.encoding import Encoding
from ..video.reading import open_clip
from .clips import ClipJob, ClipProgress, quiet, translate_clip, translated_frames
from .domains import Domain, check_one_for_all, domain_vector
from .generators import Generators, PrepareGenerator
from .options import Options
from .pictures import as_limits, as_pictures
from .result import Result
from .running import TranslationRun
from .styles import Style, grouped, style_vector, styles_apart
from .temporal import Temporal, check_temporal
from .tiles.kinds import Tiling, tiling

if TYPE_CHECKING:
    from ..models.card import Card
    from ..models.config import ModelConfig

OnePicture: TypeAlias = "str | Path | Image.Image | np.ndarray[Any, Any] | Picture"
ImageList: TypeAlias = "list[Any] | tuple[Any, ...]"


class CallOptions(TypedDict, total=False):
    """The options of a Translator's call, for type checkers."""

    direction: str | None
    domain: Domain | None
    style: Style | Sequence[Style] | None
    mask: ImageSource | Sequence[ImageSource] | None
    strength: float
    threshold: float | None
    keep_background: bool
    size: Literal["fit"] | None
    batch_size: int | None
    range: RangeLike
    page: int | None
    color: bool
    tile: int | Literal["auto", "off"]
    max_side: int | None


class Translator:
    """Translates pictures by a model: ``translator(image)`` gives a Result.

    ``generators`` are moved to ``device``, by default a GPU (cuda, mps, xpu) if there is one, else the CPU. They are
    cast to ``dtype`` and put into evaluation mode. ``dtype="auto"`` is float32, and bfloat16 on a CPU that has it, if
    the first picture shows that it is quicker and at least 40 dB near. With ``compile`` they are compiled for their
    first picture. ``config`` is the model's config.json, ``card`` its zoo card or None. ``direction`` is the one used
    unless a call names another. A Translator can be pickled, also for processes that are spawned. Networks that were
    used are pickled by value, others by the path of the folder that they are loaded from. A compiled network is
    compiled anew.

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
        self.dtype = pick_dtype(dtype, self.device)
        warn_of_slow(self.dtype, self.device)
        auto = dtype == AUTO and self.device.type == "cpu" and computes_bfloat16()
        self.generators = Generators(
            list(generators), PrepareGenerator(generators, self.device, self.dtype, compile, auto)
        )
        self.directions = list(self.generators)
        self.domains = config.domains
        self.range = _range_of(config)
        self.direction = direction or self.directions[0]
        if self.direction not in self.directions:
            self.generators[self.direction]

    @property
    def generator(self) -> nn.Module:
        """The network of the default direction: (B, 3, H, W) in [-1, 1] to a Translation."""
        return self.generators[self.direction]

    @property
    def tiling(self) -> Tiling:
        """How the network of the default direction treats pictures that do not fit into memory whole."""
        return tiling(self.generator)

    def label(self, domain: Domain | None, direction: str | None = None) -> Tensor | None:
        """The (1, domains) label that ``domain`` means to this model, None where it translates to one domain."""
        generator = self.generators[direction or self.direction]
        return domain_vector(domain, self.domains, getattr(generator, "domains", None) or None)

    def style(self, style: Style | None, direction: str | None = None) -> Tensor | None:
        """The (1, style_dim) style that ``style`` means to a direction, None where its network knows no styles."""
        generator = self.generators[direction or self.direction]
        return style_vector(style, generator, device=self.device, dtype=self.dtype, range=self.range)

    def __repr__(self) -> str:
        return f"Translator({self.config.architecture!r}, directions={self.directions}, device={str(self.device)!r})"

    @overload
    def __call__(self, images: OnePicture, **options: Unpack[CallOptions]) -> Result: ...

    @overload
    def __call__(self, images: ImageList, **options: Unpack[CallOptions]) -> list[Result]: ...

    @overload
    def __call__(self, images: Tensor, **options: Unpack[CallOptions]) -> Any: ...

    @typed
    def __call__(
        self,
        images: OnePicture | ImageList | Tensor,
        *,
        direction: str | None = None,
        domain: Domain | None = None,
        style: Style | Sequence[Style] | None = None,
        mask: ImageSource | Sequence[ImageSource] | None = None,
        strength: float = 1.0,
        threshold: float | None = None,
        keep_background: bool = False,
        size: Literal["fit"] | None = None,
        batch_size: int | None = None,
        range: RangeLike = None,  # noqa: A002
        page: int | None = None,
        color: bool = False,
        tile: int | Literal["auto", "off"] = "auto",
        max_side: int | None = None,
    ) -> Result | list[Result]:
        """Translate one picture to a Result, or several (a list, or a (B, C, H, W) tensor) to a list of them.

        A picture is what ``read_image`` takes: a path, bytes, an open file, a PIL image, an array (H, W[, C]) or a
        tensor (C, H, W).

        ``domain`` is the target of a multi-domain model: the complete label vector of the picture wanted (StarGAN's
        semantics). It is given as the names of the labels that are 1, or as the vector itself (``domain_vector``).
        ``style`` is what a multimodal model (MUNIT, DRIT) draws in, one for all pictures or a list. It is a reference
        picture of the target domain, "seed:N" for a random style, or its numbers, as in ``Result.style``. Without it
        the mean style is taken. ``mask`` limits where a picture may change (1: may, 0: stays bit for bit); one for all
        pictures, or a list. ``strength`` in [0, 1] blends the source (0) with the output (1). For networks that blend
        by attention this is the same as scaling their foreground masks. ``keep_background`` composites output and
        source by the foreground mask: where the mask is 0 the source stays bit for bit. ``threshold`` in [0, 1] makes
        that mask 0 or 1 first, and implies compositing. ``size="fit"`` resizes to the one size that some networks take,
        and back. Pictures of one size share a batch of ``batch_size``, by default as many as make half a megapixel on a
        GPU, and 256x256 pixels on a CPU. ``range`` says which stored values stand for 0 and 1, as for ``read_image``.
        It may also be "percentile:0.1,99.9" or "min,max", measured over all pictures of this call. Without it the
        model's own range is taken, if it has one. ``page`` chooses a plane of a TIFF. Grey pictures stay grey: a
        network of colours gets them three times, and the mean of its answer counts; ``color`` keeps its colours. A
        picture that does not fit into memory whole is computed in strips of rows, with the statistics of the whole
        picture. ``tile`` is the rows of a strip; "off" raises an error instead. ``max_side`` reduces what the network
        sees to that longest side, in pixels. Its answer and masks are enlarged again, and put together with the source
        at full size.

        Raises AttnI2IError with a line that says which picture or option is wrong.
        """
        options = Options(strength, threshold, keep_background, size, color, tile, max_side)
        many = isinstance(images, list | tuple) or (isinstance(images, Tensor) and images.ndim == 4)
        sources: list[Any] = list(images) if many else [images]  # type: ignore[arg-type]
        pictures = as_pictures(sources, self.range if range is None else range, page, color)
        limits = as_limits(mask, pictures)
        generator = self.generators[direction or self.direction]
        check_one_for_all(domain, len(pictures) if many else 1)
        label = self.label(domain, direction)
        styles = self._styles(styles_apart(style, len(pictures)), direction)
        results: dict[int, Result] = {}
        for vector, members in grouped(styles):
            run = TranslationRun(generator, self.device, self.dtype, label, options, batch_size, vector)
            chosen = [pictures[i] for i in members], [limits[i] for i in members]
            for index, result in run.results(*chosen):
                styled = result if vector is None else replace(result, style=vector[0].to(result.source))
                results[members[index]] = styled
        return [results[i] for i in sorted(results)] if many else results[0]

    @typed
    def frames(
        self,
        clip: str | Path,
        *,
        temporal: Temporal = "flow",
        max_pixels: int = MAX_PIXELS,
        **options: Unpack[CallOptions],
    ) -> Iterator[Result]:
        """The result of each frame of a video or an animation, made when it is asked for; none is kept.

        ``temporal="flow"`` smooths masks and contents along the motion, and averages the network's statistics over
        frames; "off" translates each frame alone.
        ``options`` are those of a call, but for ``range`` and ``page``. ``mask`` may be a clip too, with a mask for
        each frame. Raises as a call does, and UnreadableFileError for a clip that is damaged.
        """
        check_temporal(temporal)
        mask = options.pop("mask", None)
        run = self._run(**options)
        with open_clip(clip, max_pixels=max_pixels) as opened:
            for _, result in translated_frames(run, opened, mask, temporal=temporal):
                yield result
                del result

    @typed
    def video(
        self,
        clip: str | Path,
        target: str | Path,
        *,
        beside: Mapping[str, str | Path] | None = None,
        encoding: Encoding | None = None,
        force: bool = False,
        replace_beside: bool = False,
        temporal: Temporal = "flow",
        metadata: bool = True,
        max_pixels: int = MAX_PIXELS,
        progress: ClipProgress = quiet,
        **options: Unpack[CallOptions],
    ) -> Path:
        """Translate a video or an animation into the file ``target``, whose extension names its format.

        Sounds, subtitles, times, loops and transparency are the input's. ``beside`` names files for more clips: of
        the "mask", the "overlay" or the "heatmap". ``progress`` hears how many frames are done, and of how many.
        ``temporal`` and ``options`` are those of ``frames``. Existing files are replaced only with ``force``, those
        beside also with ``replace_beside``; files appear whole or not at all. ``metadata=False`` leaves out titles and
        other texts. Raises as ``frames`` does, and ConfigError where a format cannot hold the clip.
        """
        job = ClipJob(
            Path(clip),
            Path(target),
            options.pop("mask", None),
            {kind: Path(path) for kind, path in (beside or {}).items()},
            encoding or Encoding(),
            force,
            force or replace_beside,
            metadata,
            max_pixels,
            check_temporal(temporal),
        )
        return translate_clip(self._run(**options), job, progress)

    def _run(
        self,
        direction: str | None = None,
        domain: Domain | None = None,
        style: Style | Sequence[Style] | None = None,
        batch_size: int | None = None,
        range: RangeLike = None,  # noqa: A002
        page: int | None = None,
        **options: Any,
    ) -> TranslationRun:
        """The network of a clip with what a call says of it."""
        if range is not None or page is not None:
            raise ConfigError("range and page are of pictures: leave them out for clips.")
        generator = self.generators[direction or self.direction]
        vector = self.style(style, direction)  # type: ignore[arg-type]
        label = self.label(domain, direction)
        return TranslationRun(generator, self.device, self.dtype, label, Options(**options), batch_size, vector)

    def _styles(self, styles: Sequence[Any], direction: str | None) -> list[Tensor | None]:
        """The vectors of styles, each source of one read once."""
        vectors = {id(style): self.style(style, direction) for style in styles}
        return [vectors[id(style)] for style in styles]


def _range_of(config: ModelConfig) -> RangeLike:
    """The range of stored values that a model was trained on, from its preprocessing; None where it says none."""
    value = (getattr(config, "preprocessing", None) or {}).get("range")
    try:
        wanted = parse_range(value)
    except (ConfigError, TypeError, ValueError):
        wanted = Percentiles(0, 0)
    if isinstance(wanted, Percentiles):
        raise ModelError(f"config.json: preprocessing.range is {value!r}, expected {DTYPE!r} or two numbers.")
    return wanted
