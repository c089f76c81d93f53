"""Pictures of more levels than the precision in which a network computes."""

from __future__ import annotations

import pytest

from attn_i2i.images import PictureWarning
from attn_i2i.tuning.precision import AutoPrecision
from attn_i2i.tuning.tuner import Found

from .helpers.depths import numbers
from .helpers.translators import Negative, noise, translator


@pytest.mark.filterwarnings("ignore:bfloat16 is slower")
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_picture_of_more_levels_than_the_precision_is_warned_of(dtype: str) -> None:
    network = translator(Negative(), dtype=dtype)
    with pytest.warns(PictureWarning, match=f"uint16 are computed in {dtype}, .*Use float32"):
        network(numbers("uint16", 3).transpose(1, 2, 0))
    network(noise())


def test_a_precision_that_was_found_is_as_good_as_one_that_was_named() -> None:
    network = AutoPrecision(Negative())
    network.found = Found("bfloat16", 2.0, 50.0)
    network._chosen.append(Negative())
    with pytest.warns(PictureWarning, match="uint16 are computed in bfloat16"):
        translator(network)(numbers("uint16", 3).transpose(1, 2, 0))
