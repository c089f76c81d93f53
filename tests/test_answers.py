"""A stranger's network that answers with something else than a translation of its picture is named, not made to fit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from attn_i2i.models import ModelConfig
from attn_i2i.translate import Translator
from attn_i2i.types import ModelError, Translation


class Answering(nn.Module):
    """Answers what a function makes of the image."""

    def __init__(self, answer: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, image: Tensor, domain: Tensor | None = None) -> object:
        return self.answer(image * 0.5)


def mask(image: Tensor) -> Tensor:
    return image[:, :1].sigmoid()


ANSWERS: dict[str, tuple[Callable[[Tensor], object], str]] = {
    "a tensor": (lambda x: x, "answered with a Tensor, not a Translation"),
    "a pair": (lambda x: (x, mask(x)), "answered with a tuple, not a Translation"),
    "a smaller image": (
        lambda x: Translation(x[..., 1:]),
        r"image has the shape \(., 3, 16, 8\), expected \(., 3, 16, 9",
    ),
    "another number of channels": (lambda x: Translation(x[:, :1]), r"image has the shape \(., 1, 16, 9\)"),
    "no batch": (lambda x: Translation(x[0]), r"image has the shape \(3, 16, 9\)"),
    "a smaller mask": (lambda x: Translation(x, mask(x)[..., 1:]), r"attention has the shape .* \(., any, 16, 9\)"),
    "a mask without an axis": (lambda x: Translation(x, x[:, 0].sigmoid()), r"attention has the shape \(., 16, 9\)"),
    "a heatmap of colours": (lambda x: Translation(x, heatmap=x), r"heatmap has the shape \(., 3, 16, 9\)"),
    "masks of logits": (lambda x: Translation(x, x[:, :1] * 9 + 9), r"masks lie in \[.*\], expected \[0, 1\]"),
    "a mask of NaN": (lambda x: Translation(x, mask(x) / 0 * 0), "no finite numbers in torch.float32"),
    "contents of NaN": (lambda x: Translation(x, mask(x), (x / 0 * 0)[:, None]), "no finite numbers"),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("tile", ["auto", 8])
def test_an_answer_that_is_no_translation_of_the_picture_is_an_error(name: str, tile: int | str) -> None:
    answer, says = ANSWERS[name]
    translator = Translator({"A2B": Answering(answer)}, ModelConfig("mine", {}, ["A2B"]), device="cpu")
    pictures = torch.rand(2, 3, 16, 9)
    with pytest.raises(ModelError, match=says):
        translator(pictures, tile=tile)
