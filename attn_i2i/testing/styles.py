"""What a generator promises that advertises styles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..interfaces import channels_of
from .contract import call, check_finite, check_shape, expect, kind

SOURCE = (48, 80)  # height and width of pictures that styles are taken from: large enough for usual style encoders


def check_styles(module: nn.Module, image: Tensor, label: Tensor | None) -> None:
    """Styles of ``style_dim`` numbers are read, each for its own image; without one, zeros are; pictures have them.

    ``module`` is in evaluation mode, ``image`` (2, 3, H, W). Raises ContractError.
    """
    count: Any = module.style_dim
    expect(
        type(count) is int and count > 0,
        f"style_dim is {kind(count)}, expected how many numbers a style has, 1 or more.",
    )
    styles = torch.randn(2, count, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        apart = _image(module, image, label, styles)
        alone = _image(module, image[1:], None if label is None else label[1:], styles[1:])
        expect(torch.allclose(apart[1:], alone, atol=1e-3), "The style of an image depends on the rest of its batch.")
        mean, zero = _image(module, image, label, None), _image(module, image, label, torch.zeros_like(styles))
        advice = "without a style take zeros in eval(), the mean of the prior."
        expect(torch.allclose(mean, zero, atol=1e-5), f"style=None gives another image than a style of zeros: {advice}")
    styles.requires_grad_()
    _image(module, image, label, styles).square().mean().backward()
    expect(styles.grad is not None, "The image does not depend on the style: read it, or advertise no style_dim.")
    if hasattr(module, "style_of"):
        _check_style_of(module, count)


def _image(module: nn.Module, image: Tensor, label: Tensor | None, style: Tensor | None) -> Tensor:
    doing = f"Calling it as generator(image, style=...) with styles of {module.style_dim} numbers"
    labels = [] if label is None else [label]
    translation = call(lambda: module(image, *labels, style=style), doing=doing)
    result: Tensor = translation.image
    return result


def _check_style_of(module: nn.Module, count: int) -> None:
    style_of = cast("Callable[..., Any]", module.style_of)
    pictures = torch.rand(2, channels_of(module)[1], *SOURCE) * 2 - 1
    with torch.no_grad():
        styles = call(style_of, pictures, doing="Calling style_of(image)")
        check_shape("What style_of gives", styles, (2, count), "one style of style_dim numbers for each image.")
        check_finite([("What style_of gives", styles)], "in float32")
        alone = call(style_of, pictures[:1], doing="Calling style_of(image)")
    expect(torch.allclose(styles[:1], alone, atol=1e-3), "style_of an image depends on its batch in eval().")
