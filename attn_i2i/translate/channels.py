"""Channels of pictures and of networks, brought together."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor, nn

from ..images.picture import Picture, PictureWarning
from ..interfaces import RGB, channels_of
from ..types import ShapeError, Translation

AS_GREY = "A grey picture goes through this network of colours as three equal channels and comes back as their mean"
ADVICE = ": color=True keeps the network's colours."
_advice: ContextVar[str] = ContextVar("advice", default=ADVICE)


@contextmanager
def no_choice_of_colours() -> Iterator[None]:
    """Inside, translations do not advise ``color=True``: this thread's caller offers no such option to the user."""
    token = _advice.set(".")
    try:
        yield
    finally:
        _advice.reset(token)


def network_values(picture: Picture, generator: nn.Module) -> Tensor:
    """The picture as a network takes it, (C, H, W) in [0, 1]; ShapeError where the channels do not fit."""
    takes, _ = channels_of(generator)
    values = picture.values if picture.stored is None else picture.values.clamp(0, 1)
    if picture.channels == takes:
        return values
    if picture.channels == 1 and takes == RGB:
        warnings.warn(AS_GREY + _advice.get(), PictureWarning, stacklevel=2)
        return values.expand(RGB, -1, -1)
    raise ShapeError(
        f"{picture.name} has {picture.channels} channels, and this network takes {takes}: give it a picture of {takes}."
    )


def as_grey(translation: Translation) -> Translation:
    """Images and contents of a batch as the mean of their channels."""
    contents = translation.contents
    return translation._replace(
        image=translation.image.mean(-3, keepdim=True),
        contents=None if contents is None else contents.mean(-3, keepdim=True),
    )
