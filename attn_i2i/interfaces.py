"""What the parts of a model look like to each other. Nothing needs to inherit from these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from .types import ConfigError, Translation, Verdict

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer


@runtime_checkable
class Generator(Protocol):
    """Translates (B, C, H, W) images in [-1, 1]; ``domain`` is the (B, domains) target label of multi-domain models.

    It advertises the ``channels`` of the images that it takes and makes, as one number or two; a module without has
    three. A generator that accepts one size only advertises it as ``image_size``, a multi-domain generator its
    ``domains``. Submodules that only its recipe calls, such as a style encoder, are named in ``auxiliary``. A
    multimodal generator is a `StyledGenerator` too. A generator whose published weights knew images of another kind
    says so in ``published_range``, two numbers, and ``published_order``, "RGB" or "BGR". It takes and makes RGB in [-1,
    1] all the same.
    """

    def __call__(self, image: Tensor, domain: Tensor | None = None) -> Translation: ...


@runtime_checkable
class StyledGenerator(Protocol):
    """A generator that draws in one of many styles, ``style_dim`` numbers each, which N(0, 1) is the prior of.

    ``style`` is (B, style_dim), one for each image; without it the mean style, zero, is taken in evaluation mode. A
    generator that takes styles from pictures of the target domain also has ``style_of``: (B, 3, H, W) in [-1, 1] to (B,
    style_dim).
    """

    style_dim: int

    def __call__(self, image: Tensor, domain: Tensor | None = None, style: Tensor | None = None) -> Translation: ...


@runtime_checkable
class Discriminator(Protocol):
    """Tells real (B, C, H, W) images from fakes, one verdict a scale; a masked one reads (B, 1, H, W) attention.

    It advertises how many ``channels`` those images have; a module without looks at three.
    """

    def __call__(self, image: Tensor, attention: Tensor | None = None) -> tuple[Verdict, ...]: ...


@runtime_checkable
class Trunk(Protocol):
    """Turns an image into features of ``out_channels`` at 1/``stride`` of its size."""

    out_channels: int
    stride: int

    def __call__(self, image: Tensor) -> Tensor: ...


@runtime_checkable
class Head(Protocol):
    """Turns features of ``in_channels`` at 1/``stride`` of the source's size into a translation of the source.

    It advertises the channels of its images as ``image_channels``; a module without has three. It advertises ``blends``
    if it shows the source in its background; the source then needs as many channels. Its factory takes the channels as
    ``out_channels``.
    """

    in_channels: int
    stride: int

    def __call__(self, features: Tensor, source: Tensor) -> Translation: ...


RGB = 3
"""Channels of an image where nobody says how many."""


def channels_of(network: object) -> tuple[int, int]:
    """How many channels the images have that a network takes and makes: what it advertises, or three.

    A discriminator advertises one number, which is both. Raises ConfigError for what is neither one number nor two.
    """
    channels = getattr(network, "channels", RGB)
    numbers = (channels, channels) if isinstance(channels, int) else channels
    if not (isinstance(numbers, tuple) and len(numbers) == 2 and all(type(n) is int and n > 0 for n in numbers)):
        raise ConfigError(
            f"{type(network).__name__} advertises channels={channels!r:.80}: expected the number of channels of its"
            " images, or two as a tuple, of those that it takes and of those that it makes."
        )
    return numbers


def only_size(network: object) -> tuple[int, int] | None:
    """Height and width of the one size that a network advertises as ``image_size``; None where it takes any.

    One number is the side of a square. Raises ConfigError for what is neither one number nor two.
    """
    size = getattr(network, "image_size", None)
    if size is None:
        return None
    sides = (size, size) if isinstance(size, int) else tuple(size) if isinstance(size, tuple | list) else ()
    if len(sides) != 2 or not all(type(side) is int and side > 0 for side in sides):
        raise ConfigError(
            f"{type(network).__name__} advertises image_size={size!r:.80}: expected the side of a square, or height and"
            " width as a tuple, in pixels."
        )
    return sides[0], sides[1]


class RoundTrip(NamedTuple):
    """One direction of one training step, as every loss term sees it.

    ``fake`` translates ``source``, and ``back`` translates it back. ``same`` translates ``target``, an image already of
    the target domain; it is None if no term needs it. ``verdicts`` are of ``fake`` in the target domain. Multi-domain
    recipes give the (B, domains) target ``label``, and the source as ``target``, for there is no other.
    """

    source: Tensor
    target: Tensor
    fake: Translation
    back: Translation
    same: Translation | None
    verdicts: tuple[Verdict, ...]
    label: Tensor | None = None


class Term(Protocol):
    """One loss term: a scalar from a round trip."""

    def __call__(self, trip: RoundTrip) -> Tensor: ...


Objective: TypeAlias = "Mapping[str, tuple[float, Term]]"
"""Weighted terms by name: ``{"cycle": (10.0, cycle)}``."""


class Update(Protocol):
    """What a recipe calls when a loss is ready: gradients of ``optimizer``'s parameters, and its step."""

    def __call__(self, optimizer: str, loss: Tensor) -> None: ...


TRANSLATE = "translate"
"""The one direction of a multi-domain generator: the target label says where to."""
TWO_WAYS = ("A2B", "B2A")
"""The directions between two domains; a recipe may train one of them."""


class Layout(NamedTuple):
    """Which network of a recipe is which, and how they become a model folder.

    ``generators`` maps directions, "A2B" and "B2A" or "translate" alone, to keys of ``networks``; ``discriminators``
    maps the domains they look at, "A" and "B" or "all". ``architecture`` and ``discriminator`` are registered names,
    with the options that build those networks again. A recipe whose networks were given to it has no such names, and no
    model can be written of it. A recipe without discriminators leaves the last three fields out.
    """

    architecture: str
    config: Mapping[str, Any]
    generators: Mapping[str, str]
    discriminator: str = ""
    discriminator_config: Mapping[str, Any] = MappingProxyType({})
    discriminators: Mapping[str, str] = MappingProxyType({})

    @property
    def multidomain(self) -> bool:
        """Whether a label says where to translate; otherwise there are two domains."""
        return TRANSLATE in self.generators


class Schedule(Protocol):
    """How long a recipe trains and at which rate; steps count from 0."""

    def learning_rate(self, step: int, steps_per_epoch: int) -> float: ...

    def total_steps(self, steps_per_epoch: int) -> int: ...


class Recipe(Schedule, Protocol):
    """How one family trains: networks, losses and the order of updates. The engine owns everything else.

    ``step`` computes the losses of one batch and calls ``update(name, loss)`` in the published order. It returns every
    loss term as a detached scalar, by its published name. Recipes hold no device or process logic. ``layout`` says
    which network is which, whatever their names are. ``options`` are all that the recipe was built with, as JSON has
    it: they are stored with the run. A recipe's factory also builds under ``torch.device("meta")``.
    """

    networks: nn.ModuleDict
    layout: Layout
    options: Mapping[str, Any]

    def optimizers(self) -> dict[str, Optimizer]: ...

    def step(self, batch: Mapping[str, Tensor], update: Update) -> dict[str, Tensor]: ...

    def on_epoch(self, epoch: int) -> None: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class Measure:
    """One number about a translation: a pure function, what it needs, and how to read the number.

    ``function`` takes what ``needs`` names, in that order; ``attn_i2i.evaluate.NEEDS`` lists the names. ``over`` says
    what it measures and returns. A measure of "pictures" takes batches (B, ...) in [0, 1] and returns a float for each,
    (B,). A measure of a "set" takes the features (N, D) of whole folders and returns one float, as does a measure of a
    "model". A measure of a "video" returns a float for each pair of frames. ``better`` says which way is better, None
    where neither is. A measure over sets may add its value for ``each`` picture, whose mean it is, or a function for
    its 95 % ``interval``. Without a ``summary`` the function's first line is shown.
    """

    function: Callable[..., Any]
    needs: tuple[str, ...]
    unit: str = ""
    better: Literal["higher", "lower"] | None = None
    over: Literal["pictures", "set", "model", "video"] = "pictures"
    summary: str = ""
    each: Callable[..., Tensor] | None = None
    interval: Callable[..., tuple[float, float]] | None = None

    def __post_init__(self) -> None:
        if not self.summary:
            line = (getattr(self.function, "__doc__", None) or "").strip().partition("\n")[0]
            object.__setattr__(self, "summary", line.partition(":")[0].rstrip("."))
