"""Values that cross plugin boundaries, and the errors this library raises on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

StateDict: TypeAlias = "dict[str, Tensor]"


class Translation(NamedTuple):
    """What a generator returns. Read it by name: fields are only ever appended.

    ``image`` is (B, C, H, W) in [-1, 1]. ``attention`` is (B, K, H, W) or (B, K+1, H, W) in [0, 1], for K ``contents``
    of shape (B, K, C, H, W). The first K masks belong to the contents. A further, last mask is the background's; with K
    masks the background is what they leave over. ``cam_logits`` is (B, 2), from average and from max pooling.
    ``heatmap`` is (B, 1, h, w) at the resolution of the features, unbounded.
    """

    image: Tensor
    attention: Tensor | None = None
    contents: Tensor | None = None
    cam_logits: Tensor | None = None
    heatmap: Tensor | None = None


class Verdict(NamedTuple):
    """What a discriminator returns for one scale: (B, 1, h, w) logits, and what else its family tells.

    ``cam_logits`` is (B, 2), ``class_logits`` (B, domains), ``heatmap`` (B, 1, h', w').
    """

    logits: Tensor
    cam_logits: Tensor | None = None
    class_logits: Tensor | None = None
    heatmap: Tensor | None = None


class AttnI2IError(Exception):
    """Root of every error this library raises on purpose."""


class UnknownNameError(AttnI2IError, KeyError):
    """A name that no plugin registered."""

    __str__ = Exception.__str__


class DuplicateNameError(AttnI2IError, ValueError):
    """Two plugins claim one name."""


class ConfigError(AttnI2IError, ValueError):
    """An option that the part does not have, or a value outside its range."""


class ShapeError(AttnI2IError, ValueError):
    """A tensor or picture of a shape the network cannot take."""


class ConversionError(AttnI2IError, ValueError):
    """A checkpoint that cannot be converted."""


class UnreadableFileError(AttnI2IError, ValueError):
    """A file that is not what it should be: truncated, of another format, hostile or too large."""


class ModelError(AttnI2IError, ValueError):
    """A model folder, card or weights file that contradicts itself."""
