"""Measures the ways of a model's convolutions before its first picture."""

from __future__ import annotations

import sys

import torch
from torch import Tensor

from ..interfaces import channels_of, only_size
from ..tuning import Tuned, this_tuner
from ..tuning.precision import forget
from .translator import Translator


def tune_translator(
    translator: Translator, direction: str, size: tuple[int, int], batch_size: int = 1, *, again: bool = False
) -> list[Tuned]:
    """Measure, as long as it takes, what pictures of ``size`` (height, width) need in one direction of a model.

    A network of one size is measured at that. ``again`` measures what is remembered too, and forgets whether
    ``dtype="auto"`` takes bfloat16: the next picture decides anew.
    """
    network = translator.generators[direction]
    if again:
        forget(network)
    height, width = only_size(network) or size
    images = torch.zeros(batch_size, channels_of(network)[0], height, width, dtype=translator.dtype)
    domains = getattr(network, "domains", None)
    labels = [images.new_zeros(batch_size, domains)] if isinstance(domains, int) and domains else []
    style = translator.style(None, direction)
    named: dict[str, Tensor] = {} if style is None else {"style": style.expand(batch_size, -1)}
    return this_tuner().fit(network, [images, *labels], named, patience=sys.float_info.max, again=again)
